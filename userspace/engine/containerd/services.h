// containerd's own services (containerd: api/services/{images,containers,tasks,transfer}/v1). Of
// each request: what of it may be recorded, of equal length, and what it asks for. Messages may be
// masked, or cut: then their whole fields count.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "domain/api_fact.h"

namespace kilnwatch::engine::containerd {

// Images/Create, Update: a name and what it names from then on. So is the answer of Images/Get.
std::string masked_image(std::string_view message);
// Not certain: what was not read of it may say otherwise.
domain::ImageMoved read_image(std::string_view message);
// Images/Update of labels alone leaves what the name names, whatever stands there for it.
bool sets_target(std::string_view message);

// Whether a message can only be such a request, or one of Containers/Create.
bool is_set_image(std::string_view message);
bool is_create_container(std::string_view message);

// Images/Delete: a name that names nothing any more. Images/Get: one that is looked up.
std::string masked_name(std::string_view message);
domain::ImageMoved read_deleted(std::string_view message);

// Containers/Create.
std::string masked_container(std::string_view message);
struct Container {
  domain::ContainerCreated created;
  bool read = true;  // false: what it may do cannot be read
};
Container read_container(std::string_view message);

// Tasks/Create, and Tasks/Start of a container, or of one more process in it.
std::string masked_start(std::string_view message);
struct TaskStart {
  std::string container;
  bool exec = false;
};
TaskStart read_start(std::string_view message);

// Transfer/Transfer: containerd itself gets an image. Nothing: it goes out, or on.
std::string masked_transfer(std::string_view message);
std::optional<domain::ImageMoved> read_transfer(std::string_view message);

}  // namespace kilnwatch::engine::containerd
