// What the store of podman and buildah says (containers/storage: images.go, containers.go), and the
// configuration of a container (OCI runtime-spec: config.md). Pure; JSON that is none is empty.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "domain/event.h"

namespace kilnwatch::engine::command {

// Of a host whose wall clock is this much ahead of its boot clock, ns.
std::vector<domain::StoredImage> read_images(std::string_view json, std::uint64_t wall_offset);
// Without what config.json says.
std::vector<domain::StoredContainer> read_containers(std::string_view json,
                                                     std::uint64_t wall_offset);
// Privileges of a container: host paths mounted, namespaces of the host, capabilities beyond
// podman's usual ones. Secrets are masked.
void read_config(std::string_view json, domain::StoredContainer& out);

// RFC 3339 in UTC, with or without a fraction, as ns since 1970; 0: something else.
std::uint64_t wall_time(std::string_view text);

// As podman names an image that was asked for by a short name (containers/common: libimage
// normalize.go): "x" is "localhost/x:latest".
std::string stored_name(const std::string& tag);

// Of what a store holds, what a build made that ran then: the image with the first of its tags that
// one has; else, where the build had no tag, the newest that was made since it began. `others`:
// when builds ran that may have given such a tag to their own image by now; with any of them, the
// only one that was made while this build ran and none of theirs did. Null: none, or one of
// several.
struct BuildSpan {
  domain::TimeNs began = 0;
  domain::TimeNs ended = 0;
  bool holds(domain::TimeNs time) const { return time >= began && time <= ended; }
};
const domain::StoredImage* made_image(const std::vector<domain::StoredImage>& images,
                                      const std::vector<std::string>& tags, const BuildSpan& span,
                                      const std::vector<BuildSpan>& others);

}  // namespace kilnwatch::engine::command
