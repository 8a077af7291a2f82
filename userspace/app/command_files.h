// Live only: when a command that builds, or a container of podman, is executed or over, the files
// that say more are read, and what they said becomes an event: a replay needs no files.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "capture/live/process_root.h"
#include "domain/event.h"
#include "engine/command/arguments.h"
#include "engine/command/places.h"

namespace kilnwatch::app {

// Commands whose root is held until they are over: a descriptor each.
inline constexpr std::size_t kMaxHeldRoots = 512;

class CommandFiles {
 public:
  // `wall_offset`: wall clock minus boot clock, ns.
  explicit CommandFiles(std::uint64_t wall_offset) : wall_offset_(wall_offset) {}

  // What the files say that an event asks for, told right behind it. A builder's command line that
  // the kernel side cut is made whole.
  std::vector<domain::Event> read(domain::Event& event);

 private:
  struct Held {
    capture::ProcessRoot root;
    engine::command::Arguments arguments;
    domain::TimeNs time = 0;
    domain::TimeNs start = 0;
    std::string store;
  };
  using Events = std::vector<domain::Event>;

  void executed(const domain::ProcessExecuted& exec, Events& out);
  void exited(const domain::ProcessExited& exit, Events& out);
  void dockerfile(const domain::ProcessExecuted& exec, const Held& held, Events& out);
  void working(const domain::ProcessExecuted& exec, const Held& held, Events& out);
  void monitor(const domain::ProcessExecuted& exec, const engine::command::Monitor& monitor,
               Events& out);
  std::vector<domain::StoredImage> images(const capture::ProcessRoot& root,
                                          const std::string& store, domain::TimeNs time,
                                          Events& out) const;
  std::vector<domain::StoredContainer> containers(const capture::ProcessRoot& root,
                                                  const std::string& store, domain::TimeNs time,
                                                  Events& out) const;

  std::uint64_t wall_offset_;
  std::map<std::uint32_t, Held> held_;  // by pid
};

}  // namespace kilnwatch::app
