// What the baseline knows of a destination or a client, and learns of it.
#include <algorithm>
#include <string_view>
#include <utility>

#include "detect/detector.h"
#include "detect/kept_word.h"
#include "detect/names.h"
#include "detect/reasons.h"
#include "policy/match.h"
#include "tracker/ident.h"

namespace kilnwatch::detect {

using namespace domain;
using baseline::Scope;

namespace {

// A client is new where others are known: by then those of a working day were met.
constexpr baseline::Seconds kClientsSettle = 86'400;

// A path may hold any byte. One word of the baseline stands for one path: blanks as in a URL, what
// is too long as a hash.
std::string as_word(const std::string& text) {
  constexpr std::string_view kHex = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte <= ' ' || c == '%')
      out.append({'%', kHex[byte >> 4], kHex[byte & 15]});
    else
      out += c;
  }
  return kept_word(std::move(out));
}

// Of a process in a container its id says nothing: each run has another one. Empty: nobody to know
// again.
std::string client_key(const Client& client) {
  std::string who = client.address.ip;
  if (client.transport != Transport::kTcp) {
    if (!client.process || client.process->exe.empty()) return {};
    who = (client.container_id.empty() ? "uid-" : "container-uid-") +
          std::to_string(client.process->uid) + ":" + client.process->exe;
  }
  const auto key = baseline::read_key(baseline::kClient, "0", as_word(who));
  return key ? baseline::text_of(*key) : std::string();
}

// As a name is remembered whose address may be any.
std::string any_address(const Connection& connection, const std::string& name) {
  return baseline::text_of({baseline::kAnyAddress, connection.destination.port, name});
}

// A destination as the baseline has it, of a connection as the tracker told it.
std::string key_of(Connection connection) {
  mask_names(connection);
  return seen_key(connection.destination, claimed_name(connection));
}

// What has an address of the host itself, or of its link, is another thing on every host.
bool is_shared(const std::string& ip) {
  return !tracker::is_loopback(ip) && !tracker::is_link_local(ip);
}

}  // namespace

void Detector::apply(policy::Policy policy) {
  policy_ = std::move(policy);
  baseline_.expire_after(policy_.expire_after ? *policy_.expire_after / kSecond
                                              : baseline::kExpireAfter);
}

baseline::Seconds Detector::wall(const tracker::Moment& moment) const {
  return (moment.time + wall_offset_) / kSecond;
}

// A clock that stood before the store's creation proves nothing.
bool Detector::is_learning(const tracker::Moment& moment) const {
  const auto created = baseline_.created();
  const baseline::Seconds now = wall(moment);
  return policy_.learn_for && created && now >= *created &&
         now - *created < *policy_.learn_for / kSecond;
}

// What is allowed or excepted is LOW or less.
bool Detector::is_told(const tracker::Moment& moment, const Connection& connection) const {
  return policy::find(policy_.allow, connection.destination, {}) == nullptr &&
         exception(moment, Rule::kBuildEgress) == nullptr;
}

fleet::Fleet::Ticket Detector::ask(const tracker::Moment& moment) {
  if (fleet_ == nullptr) return 0;
  if (!moment.foreign.empty()) return fleet_->ask_image(moment.foreign);
  if (const auto fetch = chosen(moment)) return ask_destination(*fetch);
  return moment.kind == tracker::MomentKind::kBuildEgress ? ask_destination(moment) : 0;
}

fleet::Fleet::Ticket Detector::ask_destination(const tracker::Moment& moment) {
  Connection connection = *moment.connection;
  mask_names(connection);
  if (!is_shared(connection.destination.ip)) return 0;
  const std::string key = seen_key(connection.destination, claimed_name(connection));
  const std::string build = moment.build ? moment.build->id : "";
  // Where several may be meant nobody is asked, nor where nothing would be told (see meet).
  const auto names = verified_names(connection);
  const std::string name = names.size() == 1 && is_told(moment, connection)
                               ? any_address(connection, names.front())
                               : "";
  const bool known_name = name.empty() || baseline_.knows(Scope::kBuilds, name, wall(moment));
  if (!name.empty() && known_name) fleet_->touch(name, build);
  if (!baseline_.knows(Scope::kBuilds, key, wall(moment)))
    return fleet_->ask(key, build, known_name ? "" : name);
  fleet_->touch(key, build);
  return 0;
}

std::string Detector::question(const tracker::Moment& moment) {
  std::string what = moment.foreign;
  if (what.empty() && moment.connection) what = key_of(*moment.connection);
  return tracker::short_hash(
      std::to_string(moment.call.conn) + "|" + std::to_string(moment.call.number) + "|" +
      std::to_string(static_cast<int>(moment.kind)) + "|" + moment.key + "|" + what);
}

// A DNS answer is no part of it: whoever could write one would make what he likes known.
// A name that the process only claims makes nothing known but itself at that address.
//
// A verified name is remembered beside it: that builds reached it before speaks for one more of its
// addresses, and hides nothing (reason known-name). True: they did; without a claim several may be
// meant, and all of them are known. Only a connection that is told teaches a name: else who has his
// own name lead to a place that is known, or is allowed, makes it known without a word.
bool Detector::meet(const tracker::Moment& moment, const Answer& answer, Connection& connection) {
  const std::string key = seen_key(connection.destination, claimed_name(connection));
  const std::string build = moment.build ? moment.build->id : "";
  const auto novel = [&](Scope scope) {
    const bool fresh = baseline_.meet({scope, key, wall(moment), build});
    // Of a step inside a step it is told twice.
    const std::string egress = baseline::name_of(scope) + std::to_string(moment.egress);
    if (fresh && moment.egress != 0) novel_egress_.insert(egress);
    return fresh || novel_egress_.contains(egress);
  };
  connection.first_in_builds = novel(Scope::kBuilds);
  // Builds are of the host: what is known to them is known to it, wherever it was learned.
  connection.first_on_host = novel(Scope::kHost) && connection.first_in_builds;
  meet_fleet(moment, answer, connection);
  const auto names = verified_names(connection);
  const std::string egress = "name" + std::to_string(moment.egress);
  bool known = !names.empty();
  const bool told = connection.first_in_builds && connection.first_in_fleet.value_or(true) &&
                    is_told(moment, connection);
  for (const std::string& name : names) {
    const std::string any = any_address(connection, name);
    const bool met = told || baseline_.knows(Scope::kBuilds, any, wall(moment));
    if (met && !baseline_.meet({Scope::kBuilds, any, wall(moment), build})) continue;
    if (names.size() == 1 && answer && answer->known_name) continue;
    if (told && names.size() == 1 && fleet_ != nullptr && is_shared(connection.destination.ip))
      fleet_->touch(any, build);
    known = false;
    if (moment.egress != 0) novel_egress_.insert(egress);
  }
  return known && !novel_egress_.contains(egress);
}

// A fresh baseline knows nobody, and says nothing of it.
void Detector::new_client(const tracker::Moment& moment, const Client& client, Finding& finding) {
  const std::string key = client_key(client);
  if (key.empty()) return;
  const auto created = baseline_.created();
  const baseline::Seconds settle =
      std::max(kClientsSettle, policy_.learn_for.value_or(0) / kSecond);
  const bool settled = created && wall(moment) >= *created && wall(moment) - *created >= settle;
  const bool fresh = baseline_.meet({Scope::kHost, key, wall(moment), {}});
  if (fresh && settled && !is_listed(client)) tell(finding, "client-new", client_text(client));
}

// Of a step inside a step it is asked for once.
void Detector::meet_fleet(const tracker::Moment& moment, const Answer& answer,
                          Connection& connection) {
  const std::string egress = "fleet" + std::to_string(moment.egress);
  if (answer && answer->kind != fleet::Answer::Kind::kNone) {
    connection.first_in_fleet = answer->kind == fleet::Answer::Kind::kNew;
    if (*connection.first_in_fleet && moment.egress != 0) novel_egress_.insert(egress);
  } else if (novel_egress_.contains(egress)) {
    connection.first_in_fleet = true;
  }
}

void Detector::meet_elsewhere(const tracker::Moment& moment) {
  (void)baseline_.meet({Scope::kHost, key_of(*moment.connection), wall(moment), {}});
}

}  // namespace kilnwatch::detect
