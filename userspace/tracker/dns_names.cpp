#include "tracker/dns_names.h"

#include <algorithm>
#include <iterator>
#include <tuple>
#include <utility>

#include "protocol/dns/message.h"

namespace kilnwatch::tracker {

using namespace domain;

namespace {

constexpr TimeNs kRoomAgain = 1'000'000'000;

// Nobody asks whether the process that reads it wrote it, so: it came from a resolver that the host
// was given, and not over loopback, where each process can send under any address. Nor did a
// process beside the one that reads it make a socket that writes whole packets: the host forwards
// between containers, and so back to where a packet came from. A step that may make network
// namespaces of its own can make any address answer there: what is told in one counts for
// connections out of the same one only, so it has to be known. Over TCP it is what the process has
// in its memory. Where the host hears its resolvers this is not enough, see of().
bool is_believed(const DnsAnswered& event) {
  return event.configured && !event.loopback && !event.raw && !event.stream && event.net != 0;
}

}  // namespace

void DnsNames::note(const std::string& container, const DnsAnswered& event) {
  const auto answer = protocol::read_dns_answer(event.bytes);
  if (!answer) return;
  for (const std::string& ip : protocol::addresses_of(*answer)) {
    Entry entry{event.time, event.time, event.net, ip, {}};
    entry.name = {answer->question, event.resolver.ip, is_believed(event)};
    if (size_ >= kMaxNames && !make_room(event.time)) {
      ++refused_;
      continue;
    }
    add(lists_[container], std::move(entry));
  }
}

void DnsNames::add(std::deque<Entry>& list, Entry entry) {
  const auto known = std::find_if(list.begin(), list.end(), [&](const Entry& other) {
    return other.net == entry.net && other.ip == entry.ip && other.name == entry.name &&
           entry.last <= other.last + kNameLife;
  });
  if (known != list.end()) {
    entry.first = std::min(entry.first, known->first);
    entry.last = std::max(entry.last, known->last);
    list.erase(known);
    --size_;
  }
  list.push_back(std::move(entry));
  ++size_;
  if (list.size() <= kMaxNamesOfOne) return;
  list.pop_front();
  --size_;
  ++refused_;
}

std::vector<DnsName> DnsNames::of(const std::string& container, std::uint32_t net,
                                  const std::string& ip, TimeNs at, const HeardNames& heard) const {
  const auto list = lists_.find(container);
  if (list == lists_.end()) return {};
  std::vector<Entry> found;
  for (const Entry& entry : list->second) {
    if (entry.net != net || entry.ip != ip || entry.first > at || at > entry.last + kNameLife)
      continue;
    Entry& one = found.emplace_back(entry);
    one.name.heard = heard.holds(one.name.name, ip, one.first, std::min(one.last, at));
    const bool alone = one.name.verified && !heard.hears();
    one.name.verified = alone || one.name.heard;
  }
  std::sort(found.begin(), found.end(), [](const Entry& a, const Entry& b) {
    if (a.name.verified != b.name.verified) return a.name.verified;
    if (a.last != b.last) return a.last > b.last;
    return std::tie(a.name.name, a.name.resolver) < std::tie(b.name.name, b.name.resolver);
  });
  std::vector<DnsName> out;
  for (Entry& entry : found) {
    if (out.size() == kMaxNamesOfAddress) break;
    out.push_back(std::move(entry.name));
  }
  return out;
}

void DnsNames::forget(const std::string& container) {
  const auto list = lists_.find(container);
  if (list == lists_.end()) return;
  size_ -= list->second.size();
  lists_.erase(list);
}

// Names that are over, of containers whose end was not seen, too. All are looked at, so not for
// each answer of a flood.
bool DnsNames::make_room(TimeNs now) {
  if (now < room_due_) return false;
  room_due_ = now + kRoomAgain;
  for (auto list = lists_.begin(); list != lists_.end();) {
    size_ -= std::erase_if(list->second,
                           [&](const Entry& entry) { return entry.last + kNameLife < now; });
    list = list->second.empty() ? lists_.erase(list) : std::next(list);
  }
  return size_ < kMaxNames;
}

}  // namespace kilnwatch::tracker
