#include "engine/command/commands.h"

#include <algorithm>

#include "base/number.h"
#include "base/secrets.h"
#include "engine/command/storage.h"
#include "engine/docker/dockerfile.h"

namespace kilnwatch::engine::command {

using namespace domain;

namespace {

constexpr std::uint64_t kCommandBit = std::uint64_t{1} << 63;
constexpr unsigned kPidBits = 22;             // PID_MAX_LIMIT (include/linux/threads.h)
constexpr TimeNs kAfterExit = 5'000'000'000;  // what the files said may come late

// wait(2)
BuildStatus status_of(std::uint32_t code) {
  if (code == 0) return BuildStatus::kSucceeded;
  return (code & 0x7f) != 0 ? BuildStatus::kCancelled : BuildStatus::kFailed;
}

// How a command was executed, not what it was: the form of RUN that is a list of words.
std::string instruction_of(const Arguments& run) {
  std::string text = "RUN";
  if (const auto& network = run.request.network_mode; !network.empty())
    text += " --network=" + network;
  for (const auto& word : run.run) text += " " + word;
  return base::mask_text(text);
}

// By /proc/self/exe.
bool is_itself(const Process& process) { return process.comm == "exe"; }

// Whose ids are mapped: newuidmap(1), newgidmap(1). 0: it is another program.
std::uint32_t mapped_by(const Process& process) {
  if ((process.comm != "newuidmap" && process.comm != "newgidmap") || process.args.size() < 2)
    return 0;
  return base::number_of<std::uint32_t>(process.args[1]).value_or(0);
}

// A name alone is anybody's: the kernel has the file's.
bool runs_podman(const Process& process) {
  if (process.args.empty() ||
      (process.comm != "podman" && process.comm != "buildah" && !is_itself(process)))
    return false;
  const auto& program = process.args[0];
  const auto name = program.substr(program.rfind('/') + 1);
  return name == "podman" || name.starts_with("buildah");
}

}  // namespace

CallId call_of(const Process& command) {
  const std::uint64_t when = (command.start >> 14) << kPidBits;  // about 16 µs
  return {kCommandBit | (when & ~kCommandBit) | (command.pid & ((1U << kPidBits) - 1)), 0};
}

Commands::Command* Commands::find(std::uint32_t pid, TimeNs start) {
  const auto it = commands_.find(pid);
  if (it == commands_.end()) return nullptr;
  const TimeNs known = it->second.process.start;
  return start != 0 && known != 0 && start != known ? nullptr : &it->second;
}

// One that is over may be kept for long: by then its number can be another process's.
const Commands::Command* Commands::running(std::uint32_t pid, TimeNs time) const {
  const auto it = commands_.find(pid);
  return it != commands_.end() && it->second.ran_at(time) ? &it->second : nullptr;
}

// In a user namespace of its own the program executes itself again, as its own child.
bool Commands::is_again(const ProcessExecuted& exec, const Arguments& arguments) const {
  const Command* parent = running(exec.process.ppid, exec.time);
  return parent != nullptr && parent->verb == arguments.verb;
}

// What an unprivileged builder has mapped is a child of its own, which goes on in its place
// (containers/storage: pkg/unshare).
void Commands::note_mapped(std::uint32_t pid, const Process& helper, TimeNs time) {
  while (!mapped_.empty() && mapped_.front().time + kMappedKept < time) mapped_.pop_front();
  if (helper.ppid <= 1) return;  // its builder is gone
  if (mapped_.size() >= kMaxMapped) {
    mapped_.pop_front();
    ++refused_;
  }
  mapped_.push_back({time, pid, helper.ppid, helper.uid});
}

// Does what it executes at that time go on in its parent's place?
bool Commands::is_second(const Process& process, TimeNs time) const {
  return is_itself(process) || std::any_of(mapped_.begin(), mapped_.end(), [&](const Mapped& one) {
           return one.pid == process.pid && one.parent == process.ppid && one.uid == process.uid &&
                  one.time >= process.start && one.time + kMappedKept >= time;
         });
}

// A builder that executed itself: its parent is the command, and was not seen.
void Commands::name_parent(Process& process) {
  process.pid = process.ppid;
  process.ppid = 0;
  process.start = 0;
}

// The topmost process that runs the same program, as podman does in a user namespace.
std::optional<Process> Commands::client_above(const Command& monitor) const {
  const Command* found = nullptr;
  for (const Command* next = running(monitor.process.ppid, monitor.time); next != nullptr;
       next = running(found->process.ppid, found->time)) {
    if (found != nullptr &&
        (next->process.args != found->process.args || next->process.pid == found->process.pid))
      break;
    found = next;
  }
  if (found == nullptr) return std::nullopt;
  Process client = found->process;
  if (found->second) name_parent(client);
  return client;
}

// May an image that `command` seems to have made be that of `one`, which ran beside it? Without a
// tag the newest image may be its own; with a tag that both have, whoever has it now may be
// either's.
bool Commands::contests(const Command& one, const Command& command) {
  if (!one.makes_image() || &one == &command || (one.ended != 0 && one.ended <= command.time))
    return false;
  if (one.process.uid != command.process.uid || one.arguments->store != command.arguments->store)
    return false;  // another store
  const auto& tags = command.arguments->request.tags;
  const auto& theirs = one.arguments->request.tags;
  return tags.empty() || std::any_of(tags.begin(), tags.end(), [&](const auto& tag) {
           return std::any_of(theirs.begin(), theirs.end(), [&](const auto& their) {
             return stored_name(their) == stored_name(tag);
           });
         });
}

// For another build whose image is not told yet: which image is whose is open.
bool Commands::is_needed(const Command& over, TimeNs now) const {
  return std::any_of(commands_.begin(), commands_.end(), [&](const auto& other) {
    const Command& one = other.second;
    const bool open = one.ended == 0 || one.ended + kAfterExit >= now;
    return open && one.makes_image() && contests(over, one);
  });
}

void Commands::make_room() {
  if (commands_.size() < kMaxCommands) return;
  ++refused_;
  commands_.erase(
      std::min_element(commands_.begin(), commands_.end(),
                       [](const auto& a, const auto& b) { return a.second.time < b.second.time; }));
}

void Commands::execute(const ProcessExecuted& exec, Facts& out) {
  const Process& process = exec.process;
  if (const std::uint32_t pid = mapped_by(process); pid != 0) note_mapped(pid, process, exec.time);
  if (Command* before = find(process.pid, process.start);
      before != nullptr && before->call.conn != 0)
    return;  // the builder executes itself
  auto monitor = read_monitor(process);
  auto arguments = monitor ? std::nullopt : read_arguments(process);
  if (!monitor && !arguments && !runs_podman(process)) return;
  const bool again = arguments && is_again(exec, *arguments);
  make_room();
  Command& command = commands_[process.pid];
  command = {process, exec.time, {}, {}, std::move(monitor), {}, 0, false, exec.midway};
  command.second = is_second(process, exec.time);
  if (arguments) command.verb = arguments->verb;
  if (!arguments || again) return;
  command.arguments = std::move(arguments);
  if (command.arguments->verb == Verb::kBuild) build(command, out);
}

void Commands::build(Command& command, Facts& out) {
  const Process& process = command.process;
  command.call = call_of(process);
  BuildRequested& request = command.arguments->request;
  request.time = command.time;
  request.call = command.call;
  request.command->client = process;
  request.command->late = command.midway;
  if (command.second) {
    name_parent(request.command->client);
    request.command->late = true;
  }
  out.emplace_back(request);
  if (command.second)
    out.emplace_back(CommandJoined{command.time, command.call, process.pid, process.start});
}

// Told when the working container is known: what goes on with it is found by that.
void Commands::from(Command& command, TimeNs time, Facts& out) {
  build(command, out);
  DockerfileSeen base;  // there is none, but for what it would begin with
  base.time = time;
  base.call = command.call;
  base.base_images = {command.arguments->base};
  out.emplace_back(std::move(base));
}

void Commands::exit(const ProcessExited& exited, Facts& out) {
  Command* command = find(exited.pid, exited.start);
  if (command == nullptr || command->ended != 0) return;
  command->ended = exited.time;
  gone_.emplace_back(exited.time, exited.pid);
  command->succeeded = exited.code == 0;
  if (!command->arguments || command->call.conn == 0) return;
  const Verb verb = command->arguments->verb;
  if ((verb == Verb::kBuild || verb == Verb::kCommit) && command->succeeded) {
    const auto& request = command->arguments->request;
    for (const auto& tag : request.tags) {
      const bool pushed = request.engine == EngineKind::kKaniko;
      out.emplace_back(
          BuildTagAnnounced{exited.time, command->call, pushed ? tag : stored_name(tag)});
    }
  }
  const bool committed = verb == Verb::kCommit && command->succeeded;
  const bool removed = verb == Verb::kRemove && command->succeeded;
  if (verb != Verb::kBuild && !committed && !removed) return;
  out.emplace_back(BuildEnded{exited.time,
                              command->call,
                              removed ? BuildStatus::kCancelled : status_of(exited.code),
                              0,
                              {}});
  for (auto& [id, working] : working_) {
    if (verb != Verb::kBuild && working.call == command->call) working.over = true;
  }
}

void Commands::read(const DockerfileRead& file, Facts& out) {
  const Command* command = find(file.pid, file.start);
  if (command == nullptr || command->call.conn == 0) return;
  auto parsed = docker::parse_dockerfile(file.text);
  DockerfileSeen seen{file.time,
                      command->call,
                      file.text,
                      file.sha256,
                      std::move(parsed.base_images),
                      std::move(parsed.instructions),
                      parsed.whole};
  out.emplace_back(std::move(seen));
}

void Commands::read(const StorageRead& store, Facts& out) {
  Command* command = find(store.pid, store.start);
  if (command == nullptr) return;
  if (command->monitor) {
    if (command->call.conn != 0) return;  // told
    command->call = call_of(command->process);
    return started(*command, store, out);
  }
  if (!command->arguments) return;
  const Verb verb = command->arguments->verb;
  const bool over = command->ended != 0;
  if (over && command->succeeded && (verb == Verb::kBuild || verb == Verb::kCommit))
    return made(*command, store, out);
  if (store.containers.empty()) return;
  const StoredContainer& container = store.containers.front();
  if (verb == Verb::kFrom && over) {
    if (working_.size() >= kMaxWorking) working_.erase(working_.begin());
    if (command->call.conn == 0) from(*command, store.time, out);
    working_[container.id] = {command->call, command->arguments->base, false};
  } else if (!over && verb != Verb::kBuild && verb != Verb::kFrom && command->call.conn == 0) {
    go_on(*command, container, out);
  }
}

// A command that works on what another one began.
void Commands::go_on(Command& command, const StoredContainer& container, Facts& out) {
  const Verb verb = command.arguments->verb;
  auto known = working_.find(container.id);
  if (known == working_.end() || known->second.over) {
    if (verb == Verb::kRemove) return;
    if (working_.size() >= kMaxWorking && known == working_.end()) working_.erase(working_.begin());
    const std::string base = known != working_.end() ? known->second.base : std::string();
    Working& working = working_[container.id];
    const bool begins = known != working_.end();  // anew; else who began it was not seen
    working = {call_of(command.process), base, false};
    BuildRequested request = command.arguments->request;
    request.tags.clear();
    request.network_mode.clear();  // of this command alone
    request.time = command.time;
    request.call = working.call;
    if (begins) request.command->client = command.process;
    request.midway = !begins;
    out.emplace_back(std::move(request));
    if (!base.empty()) {
      DockerfileSeen seen;
      seen.time = command.time;
      seen.call = working.call;
      seen.base_images = {base};
      out.emplace_back(std::move(seen));
    }
    known = working_.find(container.id);
  }
  Working& working = known->second;
  command.call = working.call;
  CommandJoined joined{command.time, working.call, command.process.pid, command.process.start};
  if (verb == Verb::kRun) {
    joined.instruction = instruction_of(*command.arguments);
  }
  out.emplace_back(std::move(joined));
}

void Commands::made(const Command& command, const StorageRead& store, Facts& out) {
  const auto& tags = command.arguments->request.tags;
  std::vector<BuildSpan> others;
  for (const auto& other : commands_) {
    const Command& one = other.second;
    if (contests(one, command))
      others.push_back({one.time, one.ended != 0 ? one.ended : store.time});
  }
  if (tags.empty() && !others.empty()) return;
  const StoredImage* image = made_image(store.images, tags, {command.time, command.ended}, others);
  if (image == nullptr && others.empty()) return;
  out.emplace_back(BuildImageAnnounced{store.time, command.call,
                                       image != nullptr ? image->id : std::string(), true});
}

// podman has it started, and no other program: whatever else executes conmon says nothing of
// containers. Which of them it can speak of the tracker knows.
void Commands::started(const Command& monitor, const StorageRead& store, Facts& out) {
  const Command* parent = running(monitor.process.ppid, monitor.time);
  if (parent == nullptr || !runs_podman(parent->process) || serves_api(parent->process)) return;
  const auto container =
      std::find_if(store.containers.begin(), store.containers.end(),
                   [&](const auto& one) { return one.id == monitor.monitor->container_id; });
  if (container == store.containers.end()) return;
  ContainerCreated made;
  made.time = store.time;
  made.call = monitor.call;
  made.container_id = container->id;
  made.name = monitor.monitor->name;
  made.resolved_image = container->image;
  made.image = container->image;
  for (const auto& image : store.images) {
    if (image.id == container->image && !image.names.empty()) made.image = image.names.front();
  }
  made.privileged = container->privileged;
  made.binds = container->binds;
  made.capabilities = container->capabilities;
  made.host_namespaces = container->host_namespaces;
  made.devices = container->devices;
  made.unconfined = container->unconfined;
  made.left_out = container->left_out;
  made.by_command = true;
  made.client = client_above(monitor);
  out.emplace_back(std::move(made));
}

void Commands::observe(const Event& event, Facts& out) {
  const TimeNs now = time_of(event);
  if (const auto* exec = std::get_if<ProcessExecuted>(&event)) {
    while (!gone_.empty() && gone_.front().first + kAfterExit < now) {
      const std::uint32_t pid = gone_.front().second;
      const auto it = commands_.find(pid);
      gone_.pop_front();
      if (it == commands_.end() || it->second.ended == 0) continue;
      if (is_needed(it->second, now))
        gone_.emplace_back(now, pid);
      else
        commands_.erase(it);
    }
    execute(*exec, out);
  } else if (const auto* gone = std::get_if<ProcessExited>(&event)) {
    exit(*gone, out);
  } else if (const auto* file = std::get_if<DockerfileRead>(&event)) {
    read(*file, out);
  } else if (const auto* store = std::get_if<StorageRead>(&event)) {
    read(*store, out);
  }
}

}  // namespace kilnwatch::engine::command
