#include "fleet/client.h"

#include <algorithm>
#include <limits>

namespace kilnwatch::fleet {

bool Client::send(Tag tag, Slot slot, std::string command, TimeNs now) {
  const Node* known = slots_.find(slot);
  Link* link = known != nullptr ? link_to(*known, now) : nullptr;
  if (link == nullptr) link = link_to(entry(now), now);
  if (link == nullptr) return false;
  link->send(tag, command, now);
  flights_[tag] = {slot, std::move(command), 0};
  return true;
}

bool Client::is_there() const {
  return std::any_of(peers_.begin(), peers_.end(), [](const auto& one) {
    return one.second.link && one.second.link->is_ready();
  });
}

// Whom to ask for what nobody said so far: who is there, before who is not.
const Node& Client::entry(TimeNs now) const {
  const auto seed = peers_.find(seed_);
  if (seed == peers_.end() || seed->second.link || now >= seed->second.retry_at) return seed_;
  for (const auto& [node, peer] : peers_) {
    if (peer.link && peer.link->is_ready()) return node;
  }
  return seed_;
}

Link* Client::link_to(const Node& node, TimeNs now) {
  const auto found = peers_.find(node);
  if (found != peers_.end() && found->second.link) return found->second.link.get();
  if (found != peers_.end() && now < found->second.retry_at) return nullptr;
  if (found == peers_.end() && peers_.size() >= kMaxNodes) {
    const auto unused = std::find_if(peers_.begin(), peers_.end(),
                                     [](const auto& one) { return !one.second.link; });
    if (unused == peers_.end()) return nullptr;
    peers_.erase(unused);
  }
  Peer& peer = peers_[node];
  auto transport = dialer_.dial(node);
  if (!transport) {
    fail(peer, transport.error().message, now);
    return nullptr;
  }
  peer.counted = false;
  peer.link = std::make_unique<Link>(std::move(*transport), login_, now, !peer.proven);
  return peer.link.get();
}

void Client::run(TimeNs now) {
  // A redirect may add a peer meanwhile: iterators of a map stay good.
  for (auto at = peers_.begin(); at != peers_.end(); ++at) {
    if (at->second.link) run_link(at, now);
  }
}

void Client::run_link(Peers::iterator at, TimeNs now) {
  Peer& peer = at->second;
  const auto done = peer.link->run(now);
  if (peer.link->is_ready() && !peer.counted) {
    peer.counted = true;
    peer.proven = true;
    away_ = away_ && peer.doubted;
    if (!away_) fault_.clear();
    ++logins_;
  }
  // What was answered before its end counts.
  bool goes_on = true;
  for (auto& answered : peer.link->take())
    goes_on = take_reply(at, std::move(answered), now) && goes_on;
  if (!goes_on) return drop(at, fault_, true, now);
  // Servers close what is idle: nothing was asked, nothing is lost.
  if (!done) {
    const bool failed = !peer.link->is_ready() || !peer.link->pending().empty();
    return drop(at, done.error().message, failed, now);
  }
  if (peer.link->is_idle(now)) {
    bytes_ += peer.link->bytes();
    peer.link.reset();
  }
}

void Client::fail(Peer& peer, const std::string& why, TimeNs now) {
  peer.retry_at = now + backoff(peer.failures++);
  peer.proven = false;
  fault_ = why;
  away_ = std::none_of(peers_.begin(), peers_.end(), [](const auto& one) {
    return one.second.link && one.second.link->is_ready() && !one.second.doubted;
  });
}

void Client::drop(Peers::iterator at, const std::string& why, bool failed, TimeNs now) {
  const std::unique_ptr<Link> link = std::move(at->second.link);
  const auto pending = link->pending();
  bytes_ += link->bytes();
  if (failed) fail(at->second, why, now);
  if (at->first != seed_) slots_.clear();  // another one may have its slots by now
  for (const Tag tag : pending) finish(tag, std::nullopt);
}

bool Client::take_reply(Peers::iterator at, Link::Answered answered, TimeNs now) {
  auto& [from, peer] = *at;
  const Tag tag = answered.tag;
  Reply& reply = answered.reply;
  const std::string why = why_not_now(reply);
  if (!why.empty()) {
    fault_ = why;
    peer.doubted = true;
    finish(tag, std::nullopt);
    return false;
  }
  if (tag == kSlotsTag) slots_.learn(reply, from);
  if (tag == kSlotsTag || tag == kIgnored) return true;
  peer.doubted = away_ = false;
  peer.failures = 0;
  if (const auto redirect = redirect_of(reply, from)) {
    if (!follow(*redirect, tag, now)) finish(tag, std::nullopt);
    return true;
  }
  // Of its part of the keys, which others are to have.
  const bool later = reply.is_error("CLUSTERDOWN") || reply.is_error("TRYAGAIN");
  if (later) fault_ = "it says " + error_code(reply);
  finish(tag, later ? std::nullopt : std::optional(std::move(reply)));
  return true;
}

bool Client::follow(const Redirect& redirect, Tag tag, TimeNs now) {
  const auto flight = flights_.find(tag);
  if (flight == flights_.end() || ++flight->second.hops > kMaxHops) return false;
  if (!redirect.once) slots_.set(redirect.slot, redirect.node);
  Link* link = link_to(redirect.node, now);
  if (link == nullptr) return false;
  if (redirect.once) {
    link->send(kIgnored, command({"ASKING"}), now);
  } else if (!slots_asked_ || now >= *slots_asked_ + kSlotsAgain) {
    slots_asked_ = now;
    link->send(kSlotsTag, command({"CLUSTER", "SLOTS"}), now);
  }
  link->send(tag, flight->second.command, now);
  return true;
}

void Client::finish(Tag tag, std::optional<Reply> reply) {
  if (flights_.erase(tag) > 0) done_.push_back({tag, std::move(reply)});
}

TimeNs Client::backoff(unsigned failures) {
  dice_ ^= dice_ << 13;
  dice_ ^= dice_ >> 7;
  dice_ ^= dice_ << 17;
  const TimeNs most = std::min(kLastRetry, kFirstRetry << std::min(failures, 16U));
  return most / 2 + dice_ % (most / 2);
}

void Client::waits_for(std::vector<pollfd>& out) const {
  for (const auto& [node, peer] : peers_) {
    if (peer.link) out.push_back(peer.link->waits_for());
  }
}

TimeNs Client::due(TimeNs now) const {
  TimeNs first = std::numeric_limits<TimeNs>::max();
  for (const auto& [node, peer] : peers_) {
    if (peer.link) first = std::min(first, peer.link->due());
    if (!peer.link && peer.retry_at > now) first = std::min(first, peer.retry_at);
  }
  return first;
}

std::uint64_t Client::bytes() const {
  std::uint64_t all = bytes_;
  for (const auto& [node, peer] : peers_) all += peer.link ? peer.link->bytes() : 0;
  return all;
}

}  // namespace kilnwatch::fleet
