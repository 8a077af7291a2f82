#include "tracker/heard_names.h"

#include <algorithm>

#include "protocol/dns/message.h"
#include "tracker/dns_names.h"
#include "tracker/limits.h"

namespace kilnwatch::tracker {

using namespace domain;

namespace {

// How long whoever keeps the answer may give it again.
TimeNs life_of(const protocol::DnsAnswer& answer) {
  TimeNs life = kNameLife;
  for (const auto& record : answer.records) life = std::min(life, record.ttl * kSecond);
  return std::max(life, kHeardLeast);
}

}  // namespace

void HeardNames::note(const DnsAnswered& event) {
  const auto answer = protocol::read_dns_answer(event.bytes);
  if (!answer) return;
  const TimeNs until = event.time + life_of(*answer);
  for (std::string& ip : protocol::addresses_of(*answer))
    note({answer->question, std::move(ip)}, event.time, until);
}

void HeardNames::note(Key key, TimeNs time, TimeNs until) {
  const auto [known, fresh] = facts_.try_emplace(std::move(key));
  Fact& fact = known->second;
  if (fresh) {
    fact = {time, until, order_.insert(order_.end(), known->first)};
  } else {
    // Heard again within the time that any answer counts, it held in between.
    const bool before = fact.until + kNameLife < time;
    fact.first = before ? time : std::min(fact.first, time);
    fact.until = std::max(fact.until, until);
    order_.splice(order_.end(), order_, fact.place);
  }
  if (facts_.size() <= kMaxHeard) return;
  facts_.erase(order_.front());
  order_.pop_front();
  ++refused_;
}

bool HeardNames::holds(const std::string& name, const std::string& ip, TimeNs from,
                       TimeNs to) const {
  const auto known = facts_.find({name, ip});
  return known != facts_.end() && known->second.first <= to + kSlack && from <= known->second.until;
}

// Seldom asked, so that it may look at all.
std::vector<DnsName> HeardNames::names_of(const std::string& ip, TimeNs time) const {
  std::vector<DnsName> out;
  for (auto at = order_.rbegin(); at != order_.rend() && out.size() < kMaxHeardOfOne; ++at) {
    const auto& [name, address] = *at;
    if (address == ip && holds(name, ip, time, time)) out.push_back({name, {}, true, true});
  }
  return out;
}

}  // namespace kilnwatch::tracker
