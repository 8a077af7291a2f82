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
// What may be held; beyond it the oldest go early. Twice the kernel's ring (8 MiB), which is
// emptied in one poll; some 45,000 events without text.
inline constexpr std::size_t kReorderBytes = std::size_t{16} << 20;

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
  std::size_t held_bytes() const { return bytes_; }
  // Events released before their time because the limit was met: their order is not sure.
  std::uint64_t forced() const { return forced_; }

 private:
  using Key = std::tuple<domain::TimeNs, std::size_t, std::uint64_t, std::uint64_t, std::uint64_t>;
  domain::TimeNs due(const Key& key) const;
  void release_first();

  Out out_;
  domain::TimeNs window_;
  std::multimap<Key, domain::Event> held_;
  std::size_t bytes_ = 0;
  domain::TimeNs newest_ = 0;
  std::uint64_t forced_ = 0;
};

}  // namespace kilnwatch::stream
