// Which destinations were reached before (design §4.4). One that was not, or not for long, is new.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

namespace kilnwatch::baseline {

using Seconds = std::uint64_t;  // of the wall clock, since 1970

inline constexpr std::size_t kMaxKey = 320;       // bytes of a key: address, port, name
inline constexpr std::size_t kMaxKeys = 262'144;  // of one scope: some 32 MiB on disk
inline constexpr std::size_t kMaxBuildId = 64;    // bytes
inline constexpr Seconds kExpireAfter = Seconds{30} * 86'400;

// By whom. A destination may be known to one of them and new to the other.
enum class Scope : std::uint8_t {
  kBuilds,  // steps of builds of this host
  kHost     // anything on this host, steps included
};
inline constexpr std::array kScopes = {Scope::kBuilds, Scope::kHost};

struct Sighting {
  Scope scope = Scope::kBuilds;
  std::string key;  // key.h
  Seconds time = 0;
  std::string build;  // id of the build; empty: none, or not certain
};

struct Entry {
  Scope scope = Scope::kBuilds;
  std::string key;
  Seconds first = 0;
  Seconds last = 0;
  std::uint32_t count = 1;  // stays at its greatest value
  std::string build;        // that came first; empty: none
};

// A store that hosts share answers behind the same calls: `meet` is one question, so that of two
// who ask at the same time one is the first.
class Store {
 public:
  virtual ~Store() = default;
  // Notes the sighting. True: the destination was new until now.
  virtual bool meet(const Sighting& sighting) = 0;
  virtual bool knows(Scope scope, const std::string& key, Seconds now) = 0;
  // When it began to learn; nothing: it has not.
  virtual std::optional<Seconds> created() const = 0;
  // Between two rounds of work: writes what waits for it. `now_ns`: of any steady clock.
  virtual void settle(std::uint64_t /*now_ns*/) {}

  // What was not seen for longer is new again.
  void expire_after(Seconds span) { expire_after_ = span; }

 protected:
  bool is_over(Seconds last, Seconds now) const { return now > last && now - last > expire_after_; }
  Seconds oldest_kept(Seconds now) const { return now > expire_after_ ? now - expire_after_ : 0; }

 private:
  Seconds expire_after_ = kExpireAfter;
};

}  // namespace kilnwatch::baseline
