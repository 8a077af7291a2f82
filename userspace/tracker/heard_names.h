// Which names the host's own resolver gave to addresses, as the host itself heard, whoever asked.
// Of whoever tells a step the same it is true.
#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "domain/event.h"
#include "domain/finding.h"

namespace kilnwatch::tracker {

inline constexpr std::size_t kMaxHeard = 16'384;  // pairs of a name and an address
// What forwards an answer may give it again for as long as its time to live says, at least as long
// as this: some hold all for a minimum of their own, and a step's program asks when it likes.
inline constexpr domain::TimeNs kHeardLeast = 60'000'000'000;
inline constexpr std::size_t kMaxHeardOfOne = 16;  // names of one address that are told

class HeardNames {
 public:
  void note(const domain::DnsAnswered& event);
  // That something was heard, whatever it said; `net`: in the host's own network namespace.
  void note_net(std::uint32_t net) { net_ = net; }
  // Whether the host hears its resolvers at all: then what a step alone was told in their name,
  // somebody else said.
  bool hears() const { return net_ != 0; }
  bool is_host(std::uint32_t net) const { return net != 0 && net == net_; }
  // Whether it holds for an answer that was given within these times.
  bool holds(const std::string& name, const std::string& ip, domain::TimeNs from,
             domain::TimeNs to) const;

  // Those that lead there, by answers that may have been given shortly before; the last heard
  // first.
  std::vector<domain::DnsName> names_of(const std::string& ip, domain::TimeNs time) const;

  std::size_t size() const { return facts_.size(); }
  std::uint64_t refused() const { return refused_; }  // pushed out by later ones

 private:
  using Key = std::pair<std::string, std::string>;  // name, address
  struct Fact {
    domain::TimeNs first = 0;
    domain::TimeNs until = 0;
    std::list<Key>::iterator place;
  };
  void note(Key key, domain::TimeNs time, domain::TimeNs until);
  std::map<Key, Fact> facts_;
  std::list<Key> order_;   // heard last at the end
  std::uint32_t net_ = 0;  // 0: not known
  std::uint64_t refused_ = 0;
};

}  // namespace kilnwatch::tracker
