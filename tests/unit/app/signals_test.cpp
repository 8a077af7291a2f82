// Signals of the live loop: what SIGHUP changes, and what ends the watch.
#include <unistd.h>

#include <catch2/catch_test_macros.hpp>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <optional>
#include <string>
#include <vector>

#include "app/config_file.h"
#include "app/watch.h"
#include "baseline/memory_store.h"

using namespace kilnwatch;

namespace {

// A build that a client on the host asks for, told at its end.
void build(app::Pipeline& pipeline, domain::ConnId conn, domain::TimeNs time) {
  domain::ConnOpened opened;
  opened.time = time;
  opened.conn = conn;
  opened.engine = domain::EngineKind::kDocker;
  opened.client_pid = 7;
  pipeline.push(opened);
  domain::ConnData data;
  data.time = time + 1;
  data.conn = conn;
  data.at_head = true;
  data.bytes = "POST /v1.41/build HTTP/1.1\r\nHost: d\r\nContent-Length: 0\r\n\r\n";
  data.span = static_cast<std::uint32_t>(data.bytes.size());
  pipeline.push(data);
  pipeline.push(domain::ConnClosed{time + 2, conn});
}

}  // namespace

TEST_CASE("SIGHUP: a right configuration holds from then on; a wrong one leaves it in place") {
  const auto on_pipe = std::signal(SIGPIPE, SIG_IGN);
  app::hold_signals();
  const base::Fd signals = app::open_signals();
  REQUIRE(signals);
  baseline::MemoryStore seen;
  std::vector<v1::Severity> severities;
  app::Pipeline pipeline({"host", "boot", "", "", 0}, seen, nullptr, [&](const v1::Alert& alert) {
    if (alert.rule() == "build-request") severities.push_back(alert.severity());
  });
  std::string name = "/tmp/kilnwatch-test-XXXXXX";
  const base::Fd file(::mkstemp(name.data()));
  REQUIRE(file);
  app::Watch parts;
  int refused = 0;
  parts.reload = [&]() -> std::optional<policy::Policy> {
    auto next = app::reload_config(name, true);
    if (next) return next->policy;
    ++refused;
    return std::nullopt;
  };
  constexpr domain::TimeNs kMinute = 60'000'000'000;
  const auto judge = [&](const std::string& text, domain::ConnId conn) {
    std::ofstream(name, std::ios::trunc) << text;
    ::raise(SIGHUP);
    CHECK(app::take_signals(signals, parts, pipeline));
    build(pipeline, conn, conn * kMinute);
    pipeline.advance((conn + 1) * kMinute - 1);
    REQUIRE(severities.size() == conn);
    return severities.back();
  };
  CHECK(judge("severity: {build-request: critical}", 1) == v1::SEVERITY_CRITICAL);
  CHECK(judge("severity: {build-request: huge}", 2) == v1::SEVERITY_CRITICAL);
  CHECK(refused == 1);
  CHECK(judge("severity: {build-request: info}", 3) == v1::SEVERITY_INFO);
  CHECK(judge("", 4) == v1::SEVERITY_LOW);
  CHECK(refused == 1);
  (void)::unlink(name.c_str());

  ::raise(SIGTERM);
  CHECK_FALSE(app::take_signals(signals, parts, pipeline));
  parts.reload = nullptr;
  ::raise(SIGHUP);
  CHECK_FALSE(app::take_signals(signals, parts, pipeline));
  app::release_signals();
  std::signal(SIGPIPE, on_pipe);
}
