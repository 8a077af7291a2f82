// What the baseline knows of a destination, and learns of it.
#include "detect/detector.h"
#include "detect/names.h"
#include "detect/reasons.h"

namespace kilnwatch::detect {

using namespace domain;
using baseline::Scope;

namespace {

constexpr TimeNs kSecond = 1'000'000'000;

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

// A DNS answer is no part of it: whoever could write one would make what he likes known.
// A name that the process only claims makes nothing known but itself at that address.
void Detector::meet(const tracker::Moment& moment, Connection& connection) {
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
}

void Detector::meet_elsewhere(const tracker::Moment& moment) {
  Connection connection = *moment.connection;
  mask_names(connection);
  const std::string key = seen_key(connection.destination, claimed_name(connection));
  (void)baseline_.meet({Scope::kHost, key, wall(moment), {}});
}

}  // namespace kilnwatch::detect
