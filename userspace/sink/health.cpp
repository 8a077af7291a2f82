#include "sink/health.h"

#include "base/sha256.h"
#include "sink/convert.h"

namespace kilnwatch::sink {

v1::Alert alerts_lost(const domain::HostFacts& host, std::uint64_t wall_ns, std::uint64_t count) {
  constexpr std::size_t kIdLength = 32;  // as the ids of findings
  const std::string cause = "alert-queue";
  const std::string number = std::to_string(count);
  v1::Alert alert;
  alert.set_id(base::sha256_hex(host.boot_id + "|" + cause + "|" + std::to_string(wall_ns))
                   .substr(0, kIdLength));
  alert.mutable_time()->set_seconds(static_cast<std::int64_t>(wall_ns / 1'000'000'000));
  alert.mutable_time()->set_nanos(static_cast<std::int32_t>(wall_ns % 1'000'000'000));
  alert.set_rule("sensor-blind");
  alert.set_severity(v1::SEVERITY_MEDIUM);
  alert.set_summary(number + " alerts were lost before this one: they were not read in time");
  v1::Reason* reason = alert.add_reasons();
  reason->set_code("alerts-lost");
  reason->set_text("the reader of the alerts is too slow; the oldest " + number +
                   " that waited for it were dropped");
  fill_host(alert.mutable_host(), host);
  alert.mutable_health()->set_cause(cause);
  alert.mutable_health()->set_count(static_cast<double>(count));
  return alert;
}

}  // namespace kilnwatch::sink
