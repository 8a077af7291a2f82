// What waits for its decision.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "domain/event.h"
#include "domain/finding.h"
#include "tracker/images.h"

namespace kilnwatch::tracker {

struct Flow {                    // egress on its way to its decision
  domain::EgressStarted egress;  // its process completed as it was then
  std::vector<std::string> ancestors;
  std::string container;
  std::string payload;
  bool ripe = false;  // payload, outcome
};

struct Waiting {  // created, its start may come
  domain::ContainerCreated created;
  std::string scope;                    // of the container's name and id
  std::optional<Made> made;             // what the image's name meant at that time
  bool certain = true;                  // false: the name may mean another image by then
  std::optional<domain::Import> other;  // which it may mean then
  domain::Client client;                // who had it created, once it is waited for longer
  domain::TimeNs asked = 0;             // a start was asked for; 0: none
  bool told = false;                    // as created and not started so far
};

struct EarlyStart {  // its creation is not known (yet)
  domain::ContainerStarted start;
  std::string scope;
};

}  // namespace kilnwatch::tracker
