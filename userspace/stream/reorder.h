// Events of several CPUs put back in order.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <tuple>

#include "domain/event.h"

namespace kilnwatch::stream {

inline constexpr domain::TimeNs kReorderWindowNs = 50'000'000;  // bound of disorder, domain/event.h
inline constexpr std::size_t kReorderLimit = 65536;  // events held; beyond: early release

// Releases in (time, kind, connection/pid, pos) order once an event is older than the newest by
// more than the window.
class ReorderWindow {
 public:
  using Out = std::function<void(const domain::Event&)>;
  // window: bound of disorder in ns; 0 keeps only events of the newest time.
  explicit ReorderWindow(Out out, domain::TimeNs window = kReorderWindowNs)
      : out_(std::move(out)), window_(window) {}
  void push(domain::Event event);
  void advance(domain::TimeNs now);  // time passes without an event
  void flush();                      // everything held, in order
  // Once event time has reached this, the oldest held event is due; nothing held: none.
  std::optional<domain::TimeNs> next_release() const;
  std::uint64_t forced() const { return forced_; }  // released early: the limit was met

 private:
  using Key = std::tuple<domain::TimeNs, std::size_t, std::uint64_t, std::uint64_t, std::uint64_t>;
  domain::TimeNs due(const Key& key) const;
  void release_first();

  Out out_;
  domain::TimeNs window_;
  std::multimap<Key, domain::Event> held_;
  domain::TimeNs newest_ = 0;
  std::uint64_t forced_ = 0;
};

}  // namespace kilnwatch::stream
