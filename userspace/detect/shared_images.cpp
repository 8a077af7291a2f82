#include "detect/shared_images.h"

#include <functional>

namespace kilnwatch::detect {

using namespace domain;

void SharedImages::built(const Build& build, const Image& image, TimeNs now) {
  if (fleet_ == nullptr) return;
  const auto [at, fresh] = builds_.try_emplace(build.id);
  Shared& shared = at->second;
  if (fresh) {
    order_.push_back(build.id);
    shared.build = build;
    shared.build.host = host_;
    shared.build.started += build.started != 0 ? wall_offset_ : 0;
    shared.build.ended = (build.ended != 0 ? build.ended : now) + wall_offset_;
    if (build.dockerfile) {
      shared.build.dockerfile = DockerfileSeen{};
      shared.build.dockerfile->sha256 = build.dockerfile->sha256;
    }
  }
  for (const auto& name :
       {image.id, image.digest, image.tags.empty() ? std::string() : image.tags.front()}) {
    if (name.empty() || shared.names.contains(name)) continue;
    if (shared.names.size() < kMaxBuiltNames) {
      shared.names.emplace(name, 0);
    } else {
      ++refused_;
    }
  }
  if (order_.size() <= kMaxSharedBuilds) return;
  builds_.erase(order_.front());
  order_.pop_front();
}

void SharedImages::tell(const std::string& build, const Story* story) {
  const auto found = builds_.find(build);
  if (found == builds_.end()) return;
  ImageNote note{found->second.build, story != nullptr ? reported(*story) : Chain{}};
  for (ChainLink& link : note.chain.links) link.connection.time += wall_offset_;
  const std::string text = text_of(note);
  const std::size_t hash = std::hash<std::string>{}(text) | 1;
  for (auto& [name, told] : found->second.names) {
    if (told == hash) continue;
    told = hash;
    fleet_->share_image(name, text);
  }
}

}  // namespace kilnwatch::detect
