// What engines connect to by themselves while they build: pulls, contexts, what ADD names. By the
// name that they asked for, and by whom they were sent on there.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>

#include "domain/finding.h"

namespace kilnwatch::tracker {

inline constexpr std::size_t kMaxEngineCalls = 1024;  // open: not told so far
inline constexpr std::size_t kMaxEngineNames = 4096;  // addresses; the oldest is forgotten
inline constexpr std::size_t kMaxSentOn = 256;        // answers that sent an engine on
inline constexpr domain::TimeNs kSentOnLife = 60ull * 1'000'000'000;

struct EngineCall {
  domain::Connection connection;
  std::uint32_t engine_pid = 0;  // 0: of a process that an engine may have executed, or a command
  std::string sent_from = {};    // host that sent it there; empty: none that was seen
  bool name_borrowed = false;    // of an earlier connection to the same place
};

class EngineCalls {
 public:
  // `id`: unique among those that are open. False: no room.
  bool begin(const std::string& id, EngineCall call);
  bool is_open(const std::string& id) const { return open_.contains(id); }
  // It asked for that in plain text.
  void asked(const std::string& id, const std::string& url);
  // By the first bytes of one connection of an engine there: the kernel side folds those that
  // follow.
  void named(const domain::Connection& connection);
  // By its own first bytes.
  void named(const std::string& id, const domain::Connection& connection);
  // False: an answer that an engine may yet follow made room for it.
  bool sent_on(domain::TimeNs time, const std::string& from, const std::string& location);
  // With all that became known since. Nothing: there is none.
  std::optional<EngineCall> take(const std::string& id);

 private:
  struct SentOn {
    domain::TimeNs time = 0;
    std::string from;  // hosts
    std::string to;
  };
  std::map<std::string, EngineCall> open_;
  struct Named {
    domain::Connection connection;
    bool taken = false;  // by a call
  };
  std::map<domain::Endpoint, Named> names_;
  std::deque<domain::Endpoint> order_;  // of names_, oldest first
  std::deque<SentOn> sent_on_;          // oldest first
};

// Host of an http or https URL, lower case, without port and user; empty: it has none.
std::string host_in(const std::string& url);

}  // namespace kilnwatch::tracker
