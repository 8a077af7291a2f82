#include "tracker/heads.h"

#include "protocol/http1/first_request.h"
#include "protocol/tls/client_hello.h"

namespace kilnwatch::tracker {

using namespace domain;

namespace {

// Type, version and length of the record, type and length of the message (RFC 8446, 4 and 5.1).
constexpr std::size_t kHelloBegins = 9;
constexpr char kHandshake = 0x16;

bool may_go_on(const std::string& bytes) {
  if (const auto hello = protocol::read_client_hello(bytes)) return !hello->whole;
  if (bytes.size() < kHelloBegins && bytes.starts_with(kHandshake)) return true;
  return protocol::host_may_follow(bytes);
}

}  // namespace

// Nothing is waited for any more.
void Heads::forget(TimeNs now) {
  while (!order_.empty() && order_.front().first + kHeadWait < now) {
    readings_.erase(order_.front().second);
    order_.pop_front();
  }
}

std::optional<EgressPayload> Heads::read(const EgressSent& event) {
  forget(event.time);
  EgressPayload out{event.time, event.egress, event.bytes};
  auto at = readings_.find(event.egress);
  if (event.first) {
    out.more = event.whole && may_go_on(out.bytes);
    if (!out.more || at != readings_.end()) return out;
    if (readings_.size() >= kMaxHeads || order_.size() >= kMaxHeadsBegun) {
      ++refused_;
      out.more = false;
      return out;
    }
    readings_.emplace(event.egress, out.bytes);
    order_.emplace_back(event.time, event.egress);
    return out;
  }
  if (at == readings_.end()) return std::nullopt;
  std::string& known = at->second;
  if (known.size() + event.bytes.size() > kMaxHeadBytes) {
    ++refused_;
    readings_.erase(at);  // its place in the order goes by time
    return std::nullopt;
  }
  known += event.bytes;
  out.bytes = known;
  out.more = event.whole && may_go_on(known);
  if (!out.more) readings_.erase(at);
  return out;
}

}  // namespace kilnwatch::tracker
