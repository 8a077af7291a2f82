// Events of several CPUs put back in order.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <tuple>

#include "domain/event.h"

namespace kilnwatch::stream {

inline constexpr domain::TimeNs kReorderWindowNs = 50'000'000;  // bound of disorder, domain/event.h
inline constexpr std::size_t kReorderLimit = 65536;  // events held; beyond: early release

// Releases in (time, kind, connection/pid, pos) order once an event is 50 ms older than the newest.
class ReorderWindow {
 public:
  using Out = std::function<void(const domain::Event&)>;
  explicit ReorderWindow(Out out) : out_(std::move(out)) {}
  void push(domain::Event event);
  void flush();                                     // everything held, in order
  std::uint64_t forced() const { return forced_; }  // released early: the limit was met

 private:
  using Key = std::tuple<domain::TimeNs, std::size_t, std::uint64_t, std::uint64_t, std::uint64_t>;
  void release_first();

  Out out_;
  std::multimap<Key, domain::Event> held_;
  domain::TimeNs newest_ = 0;
  std::uint64_t forced_ = 0;
};

}  // namespace kilnwatch::stream
