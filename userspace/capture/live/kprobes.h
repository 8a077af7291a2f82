// Kprobes and kretprobes by way of tracefs: only there can it be said how many calls a kretprobe
// follows at once, and read how many it missed (the perf_event_open road has neither before 6.7).
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

struct bpf_program;
struct bpf_link;

namespace kilnwatch::capture {

// The most that the kernel allows (KRETPROBE_MAXACTIVE_MAX). A call that blocks holds one: each
// thread of the host that waits for a message counts.
inline constexpr unsigned kReturnsAtOnce = 4096;

class Kprobes {
 public:
  Kprobes();
  Kprobes(const Kprobes&) = delete;
  Kprobes& operator=(const Kprobes&) = delete;
  ~Kprobes();  // detaches, and removes what attach() made

  // tracefs is mounted, and this process may make probes.
  static bool possible();
  // Makes and removes a probe.
  static bool can_probe(const std::string& function);

  // Several programs may be at one place. kEnvironment: the kernel refuses it.
  base::Status attach(const bpf_program* program, const std::string& function, bool at_return);

  // Calls that no program saw, up to now: more of them at once than kReturnsAtOnce, or one inside
  // another probe. Of functions whose name ends so.
  std::uint64_t missed(std::string_view ending = {}) const;

 private:
  struct LinkFree {
    void operator()(bpf_link* link) const;
  };
  base::Result<std::uint64_t> event_of(const std::string& function, bool at_return);

  std::string prefix_;                           // of the events' names
  std::map<std::string, std::uint64_t> events_;  // name → number that perf_event_open takes
  std::vector<std::unique_ptr<bpf_link, LinkFree>> links_;
};

}  // namespace kilnwatch::capture
