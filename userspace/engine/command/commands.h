// Builds and containers that no API is asked for: what processes execute, and what files said then,
// told as the facts of a conversation are.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "domain/api_fact.h"
#include "domain/event.h"
#include "engine/command/arguments.h"

namespace kilnwatch::engine::command {

// Processes of podman, buildah and kaniko at once, and builds that are over while one beside them
// runs.
inline constexpr std::size_t kMaxCommands = 4096;
inline constexpr std::size_t kMaxMapped = 256;  // processes mapped within kMappedKept
// From the mapping to the execution, ns: what follows it there is the builder's own work.
inline constexpr domain::TimeNs kMappedKept = 10'000'000'000;
inline constexpr std::size_t kMaxWorking = 1024;  // working containers: as builds open (design §6)

// The place of a connection's number in the call of a build that is a command: the first bit tells
// them apart, since a connection's is boot time (bpf/lib/base/maps.bpf.h, unique_id).
domain::CallId call_of(const domain::Process& command);

// Pure: events in time order in, facts out.
class Commands {
 public:
  void observe(const domain::Event& event, std::vector<domain::ApiFact>& out);

  std::size_t size() const { return commands_.size() + working_.size(); }
  std::uint64_t refused() const { return refused_; }  // commands and mappings, for want of room

 private:
  using Facts = std::vector<domain::ApiFact>;
  struct Command {
    domain::Process process;
    domain::TimeNs time = 0;
    std::optional<Verb> verb;            // what it is executed for
    std::optional<Arguments> arguments;  // the same in its own right: its parent is not at it
    std::optional<Monitor> monitor;
    domain::CallId call;  // of the build that it belongs to; conn 0: none
    domain::TimeNs ended = 0;
    bool succeeded = false;
    bool midway = false;  // ran before it was met
    bool second = false;  // goes on in its parent's place
    bool makes_image() const {
      return arguments && (arguments->verb == Verb::kBuild || arguments->verb == Verb::kCommit);
    }
    bool ran_at(domain::TimeNs then) const { return ended == 0 || then <= ended; }
  };
  struct Working {  // a container of buildah's that builds step by step
    domain::CallId call;
    std::string base;
    bool over = false;  // committed: what follows is another build
  };

  struct Mapped {  // into a user namespace
    domain::TimeNs time = 0;
    std::uint32_t pid = 0;
    std::uint32_t parent = 0;  // who had it mapped
    std::uint32_t uid = 0;
  };

  void execute(const domain::ProcessExecuted& exec, Facts& out);
  void build(Command& command, Facts& out);
  void from(Command& command, domain::TimeNs time, Facts& out);
  void exit(const domain::ProcessExited& exited, Facts& out);
  void read(const domain::DockerfileRead& file, Facts& out);
  void read(const domain::StorageRead& store, Facts& out);
  void started(const Command& monitor, const domain::StorageRead& store, Facts& out);
  void made(const Command& command, const domain::StorageRead& store, Facts& out);
  void go_on(Command& command, const domain::StoredContainer& container, Facts& out);
  Command* find(std::uint32_t pid, domain::TimeNs start);
  void note_mapped(std::uint32_t pid, const domain::Process& helper, domain::TimeNs time);
  bool is_second(const domain::Process& process, domain::TimeNs time) const;
  const Command* running(std::uint32_t pid, domain::TimeNs time) const;
  static void name_parent(domain::Process& process);
  std::optional<domain::Process> client_above(const Command& monitor) const;
  bool is_again(const domain::ProcessExecuted& exec, const Arguments& arguments) const;
  static bool contests(const Command& one, const Command& command);
  bool is_needed(const Command& over, domain::TimeNs now) const;
  void make_room();

  std::map<std::uint32_t, Command> commands_;                  // by pid
  std::deque<std::pair<domain::TimeNs, std::uint32_t>> gone_;  // ended, pid
  std::map<std::string, Working> working_;                     // by id
  std::deque<Mapped> mapped_;                                  // oldest first
  std::uint64_t refused_ = 0;
};

}  // namespace kilnwatch::engine::command
