#include "tracker/tracker.h"

namespace kilnwatch::tracker {

using namespace domain;

std::string normalise_image(const std::string& name) {
  if (name.starts_with("sha256:")) return name;
  std::string out = name;
  const std::size_t slash = out.find('/');
  const std::string host = slash == std::string::npos ? "" : out.substr(0, slash);
  if (slash == std::string::npos) {
    out = "docker.io/library/" + out;
  } else if (host.find_first_of(".:") == std::string::npos && host != "localhost") {
    out = "docker.io/" + out;
  }
  const std::size_t last = out.rfind('/');
  if (out.find_first_of(":@", last) == std::string::npos) out += ":latest";
  return out;
}

namespace {

bool names(const Image& image, const std::string& name) {
  const std::string normal = normalise_image(name);
  for (const std::string& tag : image.tags) {
    if (normalise_image(tag) == normal) return true;
  }
  const auto bare = [](const std::string& id) {
    return id.starts_with("sha256:") ? id.substr(7) : id;
  };
  const std::string ours = bare(image.id);
  const std::string theirs = bare(name);
  if (ours.size() < 12 || theirs.size() < 12) return false;
  return ours.starts_with(theirs) ||
         (ours.size() == 12 && theirs.size() == 64 && theirs.starts_with(ours));
}

}  // namespace

Tracker::Made* Tracker::image_of(const std::string& name, TimeNs now) {
  for (auto it = images_.rbegin(); it != images_.rend(); ++it) {
    if (it->time + kDeployWindow >= now && names(it->image, name)) return &*it;
  }
  return nullptr;
}

void Tracker::remember_image(const Run& run, TimeNs time) {
  if (images_.size() >= kMaxImages) images_.pop_front();
  for (Made& older : images_) {  // a tag moves to the newest image
    std::erase_if(older.image.tags, [&](const std::string& tag) {
      return names(Image{{}, run.image.tags}, tag);
    });
  }
  images_.push_back({time, run.build, run.image});
}

void Tracker::on(const ContainerCreated& fact) {
  if (by_api_.insert(fact.container_id).second) api_order_.push_back(fact.container_id);
  if (api_order_.size() > kMaxContainers) {
    by_api_.erase(api_order_.front());
    api_order_.pop_front();
  }
  if (created_.size() >= kMaxContainers) {
    ++counters_.refused;
    return;
  }
  created_[fact.container_id] = fact;
}

void Tracker::on(const ContainerStarted& fact) {
  for (auto it = created_.begin(); it != created_.end(); ++it) {
    const ContainerCreated& c = it->second;
    if (c.container_id != fact.container && c.name != fact.container &&
        "/" + c.name != fact.container &&
        !(fact.container.size() >= 4 && c.container_id.starts_with(fact.container))) {
      continue;
    }
    report_deploy(c, fact.call, fact.time);
    created_.erase(it);
    return;
  }
}

void Tracker::on(const ImageTagged& fact) {
  Made* made = image_of(fact.source, fact.time);
  if (made != nullptr) made->image.tags.push_back(fact.tag);
}

void Tracker::report_deploy(const ContainerCreated& created, const CallId& call, TimeNs time) {
  const Made* made = image_of(created.image, time);
  if (made == nullptr) return;
  Moment moment;
  moment.kind = MomentKind::kImageDeploy;
  moment.time = time;
  moment.call = created.call;
  moment.key = created.container_id;
  moment.build = made->build;
  moment.image = made->image;
  Deployment deployment;
  deployment.time = time;
  deployment.container = created;
  fill_client(call.conn, deployment.client);
  moment.deployment = std::move(deployment);
  moments_.push_back(std::move(moment));
}

void Tracker::advance_deploys(TimeNs now) {
  std::erase_if(created_, [&](const auto& entry) {
    const ContainerCreated& created = entry.second;
    if (created.time + kDeployWait > now) return false;
    report_deploy(created, created.call, created.time + kDeployWait);
    return true;
  });
}

}  // namespace kilnwatch::tracker
