// One event of every recorded kind, every field set.
#pragma once

#include <string>
#include <vector>

#include "domain/event.h"
#include "harness/dns.h"

namespace kilnwatch::test {

inline domain::Process process() {
  return {100,
          1,
          5,
          0,
          1000,
          "curl",
          "/usr/bin/curl",
          {"curl", "http://192.0.2.7/"},
          true,
          {77, "a/b"},
          {"l/A", "l/B"},
          9};
}

inline domain::StorageRead store() {
  const std::string id(64, 'a');
  return {15,
          100,
          5,
          {{"sha256:" + id, "sha256:" + id, {"localhost/x:1"}, 9}},
          {{id, "name", "sha256:" + id, 8, true, {"/etc:/host"}, {"SYS_ADMIN"}, {"net"}}}};
}

inline std::vector<domain::Event> every_kind() {
  const domain::Endpoint a{"192.0.2.1", 1234};
  const domain::Endpoint b{"2001:db8::1", 2375};
  domain::ConnOpened tcp{
      2, 2, 9, domain::EngineKind::kDocker, 50, domain::Transport::kTcp, 0, 0, true, a, b, {}};
  domain::ConnOpened local{
      1,  1,  8,      domain::EngineKind::kDocker, 50, domain::Transport::kUnix, 60, 1000, false,
      {}, {}, "@kiln"};
  return {local,
          tcp,
          domain::ClientSeen{3, 9, domain::Transport::kTcp, a, b, process()},
          domain::ConnData{4, 1, domain::Direction::kRequest, 0, 4, false, false, true, "GET "},
          domain::ConnData{5, 1, domain::Direction::kResponse, 7, 9, true, true, false, ""},
          domain::ProcessForked{6, 1, 100, 5},
          domain::ProcessExecuted{7, process(), true},
          domain::ProcessExited{8, 100, 5, 256},
          domain::EgressStarted{9, 3, 17, domain::Outcome::kSent, b, process(), 7},
          domain::EgressPayload{10, 3, "GET / HTTP/1.1\r\n"},
          domain::EgressOutcome{11, 3, domain::Outcome::kRefused},
          domain::KernelLoss{12, "ring", 4},
          domain::ConnClosed{13, 1},
          domain::DockerfileRead{14, 100, 5, "/ctx/Dockerfile", "FROM x\n", std::string(64, 'f')},
          store(),
          domain::DnsAnswered{16,
                              {"192.0.2.53", 53},
                              true,
                              true,
                              true,
                              7,
                              process(),
                              dns::message("kiln.test", 1, {dns::a(dns::same(), "192.0.2.7")}),
                              true,
                              true}};
}

}  // namespace kilnwatch::test
