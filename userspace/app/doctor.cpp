#include "app/commands.h"

#include <fmt/format.h>

#include <string>
#include <string_view>

#include "app/output.h"
#include "capture/live/live_source.h"

namespace kilnwatch::app {
namespace {

std::string row(bool good, std::string_view name, std::string_view cost) {
  return fmt::format("{:4} {:28} {}\n", good ? "ok" : "no", name, good ? "" : cost);
}

std::string_view cost_of(std::string_view target) {
  if (target.starts_with("inet6") || target.starts_with("udpv6") || target.starts_with("tcp_v6")) {
    return "IPv6 clients and destinations are not seen";
  }
  if (target.find("listen") != std::string_view::npos) {
    return "an engine started later is known by its first accept only";
  }
  if (target.find("connect") != std::string_view::npos) {
    return "the client's arguments are not known";
  }
  return "API conversations of engines are not seen on this kind of socket";
}

}  // namespace

int doctor() {
  const auto found = capture::probe_capabilities();
  std::string out = fmt::format("kernel {}\n", found.kernel);
  out += row(found.privileged, "privilege", "nothing can be loaded: run as root");
  out +=
      row(found.btf, "BTF", "nothing can be loaded: needs CONFIG_DEBUG_INFO_BTF, kernel >= 5.10");
  out += row(found.cgroup2, "cgroup v2", "connections cannot be told apart by container");
  bool reads = true;
  for (const auto& hook : found.hooks) {
    out += row(hook.available, hook.target, cost_of(hook.target));
    reads = reads && (hook.available || !hook.target.starts_with("unix_stream"));
  }
  const bool good = found.privileged && found.btf && found.cgroup2 && reads;
  out += good ? "the sensor can run here\n" : "the sensor cannot run here\n";
  if (auto written = write_stdout(out); !written) {
    say(written.error().message);
    return 1;
  }
  return good ? 0 : 3;
}

}  // namespace kilnwatch::app
