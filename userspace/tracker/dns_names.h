// Which names DNS answers gave to addresses, as the processes of containers received them, and
// which of these names can be believed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <vector>

#include "domain/event.h"
#include "domain/finding.h"
#include "tracker/heard_names.h"

namespace kilnwatch::tracker {

inline constexpr std::size_t kMaxNames = 16'384;       // of all containers
inline constexpr std::size_t kMaxNamesOfOne = 256;     // of one container
inline constexpr std::size_t kMaxNamesOfAddress = 16;  // told of one connection
// Programs keep an answer for longer than its time to live says; an address changes hands later.
inline constexpr domain::TimeNs kNameLife = 3'600'000'000'000;

class DnsNames {
 public:
  // What a process of the container received. A flood pushes out the oldest names of its own.
  void note(const std::string& container, const domain::DnsAnswered& event);
  // Names of an address at that time, in one network namespace (domain::EgressStarted::net): those
  // that can be believed first, the latest of them first. What the host heard, too, can be.
  std::vector<domain::DnsName> of(const std::string& container, std::uint32_t net,
                                  const std::string& ip, domain::TimeNs at,
                                  const HeardNames& heard) const;
  void forget(const std::string& container);

  std::size_t size() const { return size_; }
  std::uint64_t refused() const { return refused_; }  // names pushed out, or met without room

 private:
  struct Entry {
    domain::TimeNs first = 0;
    domain::TimeNs last = 0;
    std::uint32_t net = 0;
    std::string ip;
    domain::DnsName name;
  };
  void add(std::deque<Entry>& list, Entry entry);
  bool make_room(domain::TimeNs now);
  std::map<std::string, std::deque<Entry>> lists_;  // by container; the latest last
  std::size_t size_ = 0;
  domain::TimeNs room_due_ = 0;
  std::uint64_t refused_ = 0;
};

}  // namespace kilnwatch::tracker
