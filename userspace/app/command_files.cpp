#include "app/command_files.h"

#include <algorithm>
#include <utility>

#include "base/secrets.h"
#include "base/sha256.h"
#include "capture/live/proc.h"
#include "engine/command/storage.h"

namespace kilnwatch::app {

using namespace domain;
using capture::ProcessRoot;
using engine::command::Arguments;
using engine::command::Verb;

namespace {

// Behind the event that asked for it, before any other that follows from it.
constexpr TimeNs kBehind = 1;
constexpr TimeNs kTick = 10'000'000;   // of the starts in /proc
constexpr std::size_t kMaxTold = 128;  // images, containers of one event

void lost(TimeNs time, std::vector<Event>& out) {
  out.emplace_back(KernelLoss{time, "command-files", 1});
}

// The kernel side keeps 1 KiB of arguments; /proc has them while the process runs.
void make_whole(Process& process) {
  const bool builder =
      process.comm == "podman" || process.comm == "buildah" || process.comm == "executor";
  if (!builder || !process.args_cut) return;
  const Process now = capture::process_of(process.pid);
  if (now.pid == 0 || now.start / kTick != process.start / kTick || now.comm != process.comm)
    return;
  process.args = now.args;
  process.args_cut = false;
}

}  // namespace

std::vector<Event> CommandFiles::read(Event& event) {
  Events out;
  if (auto* exec = std::get_if<ProcessExecuted>(&event)) {
    make_whole(exec->process);
    executed(*exec, out);
  }
  if (const auto* exit = std::get_if<ProcessExited>(&event)) exited(*exit, out);
  return out;
}

void CommandFiles::executed(const ProcessExecuted& exec, Events& out) {
  const Process& process = exec.process;
  if (const auto found = engine::command::read_monitor(process)) return monitor(exec, *found, out);
  if (const auto before = held_.find(process.pid);
      before != held_.end() && before->second.start == process.start)
    return;  // it executed itself
  auto arguments = engine::command::read_arguments(process);
  if (!arguments) return;
  auto root = ProcessRoot::open(process.pid, process.start);
  if (!root || held_.size() >= kMaxHeldRoots) return lost(exec.time + kBehind, out);
  const engine::command::Surroundings at{root->cwd(), process.uid, root->home(), root->data_home()};
  std::string store = engine::command::store_path(*arguments, at);
  Held held{std::move(*root), std::move(*arguments), exec.time, process.start, std::move(store)};
  if (held.arguments.verb == Verb::kBuild) {
    dockerfile(exec, held, out);
  } else if (held.arguments.verb != Verb::kFrom) {
    working(exec, held, out);
  }
  held_.insert_or_assign(process.pid, std::move(held));
}

// Several are built as one (buildah: imagebuildah/build.go).
void CommandFiles::dockerfile(const ProcessExecuted& exec, const Held& held, Events& out) {
  const engine::command::Surroundings at{held.root.cwd(), exec.process.uid, held.root.home(),
                                         held.root.data_home()};
  DockerfileRead seen{exec.time + kBehind, exec.process.pid, exec.process.start, {}, {}, {}};
  std::string text;
  for (const auto& places : engine::command::dockerfile_paths(held.arguments, at)) {
    for (const std::string& path : places) {
      auto file = held.root.read(path);
      if (!file && file.error().kind == base::ErrorClass::kInput) continue;
      if (!file || text.size() + file->size() > capture::kMaxFile)
        return lost(exec.time + kBehind, out);
      if (seen.path.empty()) seen.path = path;
      if (!text.empty() && !text.ends_with('\n')) text += '\n';
      text += *file;
      break;
    }
  }
  if (seen.path.empty()) return;
  seen.sha256 = base::sha256_hex(text);
  seen.text = base::mask_text(text);
  out.emplace_back(std::move(seen));
}

// The container that the command names.
void CommandFiles::working(const ProcessExecuted& exec, const Held& held, Events& out) {
  const std::string& wanted = held.arguments.working;
  StorageRead seen{exec.time + kBehind, exec.process.pid, exec.process.start, {}, {}};
  for (auto& one : containers(held.root, held.store, exec.time, out)) {
    const bool meant = one.name == wanted || (!wanted.empty() && one.id.starts_with(wanted));
    if (meant && seen.containers.empty()) seen.containers.push_back(std::move(one));
  }
  if (!seen.containers.empty()) out.emplace_back(std::move(seen));
}

void CommandFiles::monitor(const ProcessExecuted& exec, const engine::command::Monitor& monitor,
                           Events& out) {
  const std::string store = engine::command::store_of_bundle(monitor.bundle);
  const auto root = ProcessRoot::open(exec.process.pid, exec.process.start);
  if (store.empty()) return;
  if (!root) return lost(exec.time + kBehind, out);
  StorageRead seen{exec.time + kBehind, exec.process.pid, exec.process.start, {}, {}};
  for (auto& one : containers(*root, store, exec.time, out)) {
    if (one.id == monitor.container_id) seen.containers.push_back(std::move(one));
  }
  if (seen.containers.empty()) return lost(exec.time + kBehind, out);
  seen.containers.resize(1);
  if (const auto config = root->read(monitor.bundle + "/config.json"))
    engine::command::read_config(*config, seen.containers.front());
  for (auto& image : images(*root, store, exec.time, out)) {
    if (image.id == seen.containers.front().image) seen.images.push_back(std::move(image));
  }
  out.emplace_back(std::move(seen));
}

void CommandFiles::exited(const ProcessExited& exit, Events& out) {
  const auto it = held_.find(exit.pid);
  if (it == held_.end() || it->second.start != exit.start) return;
  const Held held = std::move(it->second);
  held_.erase(it);
  if (exit.code != 0 || held.arguments.request.engine == EngineKind::kKaniko) return;
  StorageRead seen{exit.time + kBehind, exit.pid, exit.start, {}, {}};
  const auto& tags = held.arguments.request.tags;
  if (held.arguments.verb == Verb::kBuild || held.arguments.verb == Verb::kCommit) {
    for (auto& image : images(held.root, held.store, exit.time, out)) {
      const bool named = std::any_of(tags.begin(), tags.end(), [&](const std::string& tag) {
        const auto name = engine::command::stored_name(tag);
        return std::find(image.names.begin(), image.names.end(), name) != image.names.end();
      });
      if ((named || image.created >= held.time) && seen.images.size() < kMaxTold)
        seen.images.push_back(std::move(image));
    }
  } else if (held.arguments.verb == Verb::kFrom) {
    const std::string& name = held.arguments.working;
    for (auto& one : containers(held.root, held.store, exit.time, out)) {
      if (one.created < held.time || (!name.empty() && one.name != name)) continue;
      if (seen.containers.empty() || one.created > seen.containers.front().created)
        seen.containers = {std::move(one)};
    }
  } else {
    return;
  }
  out.emplace_back(std::move(seen));
}

std::vector<StoredImage> CommandFiles::images(const ProcessRoot& root, const std::string& store,
                                              TimeNs time, Events& out) const {
  for (const std::string& path : engine::command::image_lists(store)) {
    const auto text = root.read(path);
    if (text) return engine::command::read_images(*text, wall_offset_);
    if (text.error().kind != base::ErrorClass::kInput) lost(time + kBehind, out);
  }
  return {};
}

std::vector<StoredContainer> CommandFiles::containers(const ProcessRoot& root,
                                                      const std::string& store, TimeNs time,
                                                      Events& out) const {
  std::vector<StoredContainer> all;
  for (const std::string& path : engine::command::container_lists(store)) {
    const auto text = root.read(path);
    if (!text) {
      if (text.error().kind != base::ErrorClass::kInput) lost(time + kBehind, out);
      continue;
    }
    auto some = engine::command::read_containers(*text, wall_offset_);
    all.insert(all.end(), std::make_move_iterator(some.begin()),
               std::make_move_iterator(some.end()));
  }
  return all;
}

}  // namespace kilnwatch::app
