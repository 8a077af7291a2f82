// Whole answers out of what processes read of resolvers over TCP.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <vector>

#include "domain/event.h"
#include "protocol/dns/stream.h"

namespace kilnwatch::tracker {

inline constexpr std::size_t kMaxDnsStreams = 256;  // at once; a step has one for a question

class DnsStreams {
 public:
  // The answers that end in these bytes.
  std::vector<domain::DnsAnswered> read(const domain::DnsBytes& bytes);
  std::uint64_t refused() const { return refused_; }  // streams given up in the middle

 private:
  struct Stream {
    protocol::DnsStream messages;
    domain::TimeNs active = 0;
  };
  std::map<std::uint64_t, Stream> streams_;
  std::uint64_t refused_ = 0;
};

}  // namespace kilnwatch::tracker
