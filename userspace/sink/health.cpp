#include "sink/health.h"

#include "base/sha256.h"
#include "base/utf8.h"
#include "sink/convert.h"

namespace kilnwatch::sink {

namespace {

v1::Alert about_itself(const domain::HostFacts& host, std::uint64_t wall_ns,
                       const std::string& cause, std::uint64_t count) {
  constexpr std::size_t kIdLength = 32;  // as the ids of findings
  v1::Alert alert;
  alert.set_id(base::sha256_hex(host.boot_id + "|" + cause + "|" + std::to_string(wall_ns))
                   .substr(0, kIdLength));
  alert.mutable_time()->set_seconds(static_cast<std::int64_t>(wall_ns / 1'000'000'000));
  alert.mutable_time()->set_nanos(static_cast<std::int32_t>(wall_ns % 1'000'000'000));
  alert.set_rule("sensor-blind");
  alert.set_severity(v1::SEVERITY_MEDIUM);
  fill_host(alert.mutable_host(), host);
  alert.mutable_health()->set_cause(cause);
  alert.mutable_health()->set_count(static_cast<double>(count));
  return alert;
}

}  // namespace

v1::Alert alerts_lost(const domain::HostFacts& host, std::uint64_t wall_ns, std::uint64_t count) {
  const std::string number = std::to_string(count);
  v1::Alert alert = about_itself(host, wall_ns, "alert-queue", count);
  alert.set_summary(number + " alerts were lost before this one: they were not read in time");
  v1::Reason* reason = alert.add_reasons();
  reason->set_code("alerts-lost");
  reason->set_text("the reader of the alerts is too slow; the oldest " + number +
                   " that waited for it were dropped");
  return alert;
}

v1::Alert config_refused(const domain::HostFacts& host, std::uint64_t wall_ns,
                         const std::string& error) {
  v1::Alert alert = about_itself(host, wall_ns, "configuration", 1);
  alert.set_summary("a new configuration was refused; what was configured before still holds");
  v1::Reason* reason = alert.add_reasons();
  reason->set_code("config-refused");
  reason->set_text(base::valid_utf8(error));
  return alert;
}

}  // namespace kilnwatch::sink
