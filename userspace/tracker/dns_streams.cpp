#include "tracker/dns_streams.h"

#include <algorithm>
#include <iterator>
#include <string>
#include <utility>

namespace kilnwatch::tracker {

using namespace domain;

namespace {

// A process that waits longer for the rest of an answer has given up; the number of its connection
// may be another one's by then.
constexpr TimeNs kPatience = 60'000'000'000;

}  // namespace

std::vector<DnsAnswered> DnsStreams::read(const DnsBytes& bytes) {
  Stream& stream = streams_[bytes.stream];
  if (stream.active + kPatience < bytes.time) stream = {};
  stream.active = bytes.time;
  const bool was_lost = stream.messages.lost();
  auto messages = stream.messages.read(bytes.bytes);
  if (bytes.length > bytes.bytes.size()) {
    auto more = stream.messages.pass(bytes.length - bytes.bytes.size());
    messages.insert(messages.end(), std::make_move_iterator(more.begin()),
                    std::make_move_iterator(more.end()));
  }
  // The length of an answer is among the bytes that did not cross.
  if (stream.messages.lost() && !was_lost) ++refused_;
  std::vector<DnsAnswered> out;
  for (std::string& message : messages) {
    DnsAnswered answered;
    answered.time = bytes.time;
    answered.resolver = bytes.resolver;
    answered.net = bytes.net;
    answered.process = bytes.process;
    answered.stream = true;
    answered.bytes = std::move(message);
    out.push_back(std::move(answered));
  }
  if (stream.messages.idle()) streams_.erase(bytes.stream);
  if (streams_.size() <= kMaxDnsStreams) return out;
  const auto idlest = std::min_element(
      streams_.begin(), streams_.end(),
      [](const auto& a, const auto& b) { return a.second.active < b.second.active; });
  if (idlest->second.active + kPatience >= bytes.time) ++refused_;
  streams_.erase(idlest);
  return out;
}

}  // namespace kilnwatch::tracker
