#include "app/baseline_fleet.h"

#include <fmt/format.h>
#include <google/protobuf/util/json_util.h>

#include <algorithm>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "app/baseline_lines.h"
#include "app/config_file.h"
#include "app/log.h"
#include "app/shared_baseline.h"
#include "app/standard_streams.h"
#include "base/clock.h"
#include "base/utf8.h"
#include "baseline/key.h"
#include "fleet/catalog.h"
#include "fleet/exchange.h"
#include "kilnwatch/v1/baseline.pb.h"

namespace kilnwatch::app {
namespace {

constexpr std::size_t kPiece = 65'536;   // bytes written at a time
constexpr std::size_t kMaxHosts = 4096;  // counted by name; beyond it together
constexpr std::size_t kShownHosts = 10;  // those that taught most

struct Place {
  policy::Policy policy;
  std::string server;
  Access access;
};

base::Result<Place> find_place(const Options& options) {
  auto config = find_config(options.config);
  if (!config) return config.error();
  if (!config->policy.store) {
    return base::Error{base::ErrorClass::kUsage,
                       "--scope fleet looks at the server of 'baseline.store', and the "
                       "configuration names none; name a file that does with --config"};
  }
  auto access = access_of(*config->policy.store);
  if (!access) return access.error();
  const std::string server = config->policy.store->url.text;
  return Place{std::move(config->policy), server, std::move(*access)};
}

base::Status each_of(Place& place, std::string_view prefix, const fleet::Catalog::Each& each) {
  fleet::Catalog catalog(*place.access.dialer, place.access.server, place.access.login);
  auto done = catalog.each(prefix, each);
  if (done || done.error().kind != base::ErrorClass::kEnvironment) return done;
  return base::Error{done.error().kind,
                     "the shared baseline " + place.server + ": " + done.error().message};
}

std::uint64_t life(const Place& place) {
  return place.policy.expire_after ? *place.policy.expire_after / 1'000'000'000
                                   : static_cast<std::uint64_t>(baseline::kExpireAfter);
}

// When it was told the last time: as far back as its life is shorter than a new one's.
baseline::Seconds told(const Place& place, const fleet::Taught& taught) {
  const auto now = base::clock_ns(CLOCK_REALTIME) / 1'000'000'000;
  const auto keep = life(place);
  return now - std::min(now, keep - std::min(keep, taught.seconds));
}

std::string json_of(const Place& place, const fleet::Taught& taught) {
  const auto teacher = fleet::teacher_of(taught.value);
  const auto key = baseline::split_key(taught.key).value_or(baseline::Key{taught.key, 0, {}});
  v1::BaselineEntry out;
  out.set_scope(kFleetScope);
  out.set_address(base::valid_utf8(key.address));
  out.set_port(key.port);
  out.set_name(base::valid_utf8(key.name));
  out.mutable_last()->set_seconds(static_cast<std::int64_t>(told(place, taught)));
  out.set_build(base::valid_utf8(teacher.build));
  out.set_host(base::valid_utf8(teacher.host));
  google::protobuf::util::JsonPrintOptions form;
  form.preserve_proto_field_names = true;
  std::string text;
  (void)google::protobuf::util::MessageToJsonString(out, &text, form);
  return text + "\n";
}

std::string line_of(const Place& place, const fleet::Taught& taught) {
  constexpr std::size_t kShortId = 12;
  const auto teacher = fleet::teacher_of(taught.value);
  return fmt::format("{:6}  {:20}  {:24}  {:12}  {}\n", kFleetScope, time_text(told(place, taught)),
                     base::visible(teacher.host), base::visible(teacher.build.substr(0, kShortId)),
                     base::visible(taught.key));
}

// Clients, and what they start, are of one host.
base::Status is_shared(const std::string& key) {
  if (!baseline::is_of_host(key)) return base::Done{};
  return base::Error{base::ErrorClass::kUsage,
                     "'" + key + "' is shared with nobody: only destinations are"};
}

// Asks the server for one key of it. An error names the server.
template <class Work>
auto with_server(const Options& options, const std::string& key, const Work& work)
    -> decltype(work(std::declval<Place&>(), std::declval<fleet::Catalog&>())) {
  if (auto shared = is_shared(key); !shared) return shared.error();
  auto place = find_place(options);
  if (!place) return place.error();
  fleet::Catalog catalog(*place->access.dialer, place->access.server, place->access.login);
  auto done = work(*place, catalog);
  if (done) return done;
  return base::Error{done.error().kind,
                     "the shared baseline " + place->server + ": " + done.error().message};
}

}  // namespace

int add_to_fleet(const Options& options, const std::string& key) {
  const auto done =
      with_server(options, key, [&](Place& place, fleet::Catalog& catalog) -> base::Status {
        // Who taught it is no sensor.
        return catalog.add(fleet::kDestination + key, "added by-hand -", life(place));
      });
  return done ? 0 : fail(done.error());
}

int forget_of_fleet(const Options& options, const std::string& key) {
  const auto gone =
      with_server(options, key, [&](Place&, fleet::Catalog& catalog) -> base::Result<bool> {
        return catalog.forget(fleet::kDestination + key);
      });
  if (!gone) return fail(gone.error());
  if (*gone) return 0;
  return fail({base::ErrorClass::kOther,
               "'" + key +
                   "' is not in the shared baseline; `kilnwatch baseline list --scope fleet` shows "
                   "what is, names belong to it"});
}

int list_fleet(const Options& options, bool json) {
  if (auto usable = stdout_usable(); !usable) return fail(usable.error());
  auto place = find_place(options);
  if (!place) return fail(place.error());
  std::string out = json ? ""
                         : fmt::format("{:6}  {:20}  {:24}  {:12}  {}\n", "scope", "last told",
                                       "host", "build", "destination");
  const auto done =
      each_of(*place, fleet::kDestination, [&](const fleet::Taught& taught) -> base::Status {
        out += json ? json_of(*place, taught) : line_of(*place, taught);
        if (out.size() < kPiece) return base::Done{};
        return write_stdout(std::exchange(out, {}));
      });
  if (!done) return fail(done.error());
  const auto written = out.empty() ? base::Status(base::Done{}) : write_stdout(out);
  return written ? 0 : fail(written.error());
}

int count_fleet(const Options& options) {
  if (auto usable = stdout_usable(); !usable) return fail(usable.error());
  auto place = find_place(options);
  if (!place) return fail(place.error());
  std::uint64_t destinations = 0, images = 0, others = 0;
  std::map<std::string, std::uint64_t> hosts;
  auto done =
      each_of(*place, fleet::kDestination, [&](const fleet::Taught& taught) -> base::Status {
        ++destinations;
        const std::string host = fleet::teacher_of(taught.value).host;
        if (hosts.size() < kMaxHosts || hosts.contains(host)) {
          ++hosts[host];
        } else {
          ++others;
        }
        return base::Done{};
      });
  if (done)
    done = each_of(*place, fleet::kImage, [&](const fleet::Taught&) -> base::Status {
      ++images;
      return base::Done{};
    });
  if (!done) return fail(done.error());
  std::vector<std::pair<std::string, std::uint64_t>> most(hosts.begin(), hosts.end());
  std::stable_sort(most.begin(), most.end(),
                   [](const auto& a, const auto& b) { return a.second > b.second; });
  std::string out = fmt::format(
      "server   {}\nfleet    {} destinations, taught by {}{} hosts; {} "
      "names of images\n",
      place->server, destinations, most.size(), others > 0 ? "+" : "", images);
  if (most.size() > kShownHosts) most.resize(kShownHosts);
  for (const auto& [host, count] : most)
    out += fmt::format("{:>7}  {}\n", count, base::visible(host));
  const auto written = write_stdout(out);
  return written ? 0 : fail(written.error());
}

}  // namespace kilnwatch::app
