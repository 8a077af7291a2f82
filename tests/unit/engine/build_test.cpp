#include <catch2/catch_test_macros.hpp>

#include "engine/docker/dockerfile.h"
#include "harness/archive.h"
#include "harness/conversation.h"

using namespace kilnwatch;
using namespace kilnwatch::test;

namespace {

std::vector<Turn> classic_build() {
  return {asks("POST /v1.41/build?remote=http%3A%2F%2F198.51.100.66%2FDockerfile&t=evil:1&t=evil:2"
               "&buildargs=%7B%22TOKEN%22%3A%22canary-arg%22%7D&networkmode=host HTTP/1.1\r\n"
               "Host: x\r\nX-Registry-Config: Y2FuYXJ5LWNvbmZpZw==\r\nAuthorization: Bearer "
               "canary-auth\r\n"
               "User-Agent: curl/8\r\nContent-Length: 0\r\n\r\n"),
          answers(kChunkedOk),
          answers(stream("Step 1/2 : FROM base:1")),
          answers(stream("\\n")),
          answers(stream(" ---\\u003e Running in 0123456789ab\\n")),
          answers(stream("output of the step\\n")),
          answers(stream("Removing intermediate container 0123456789ab\\n")),
          answers(chunk("{\"aux\":{\"ID\":\"sha256:" + std::string(64, 'a') + "\"}}\r\n")),
          answers(stream("Successfully built aaaaaaaaaaaa\\n")),
          answers(stream("Successfully tagged evil:1\\n")),
          answers("0\r\n\r\n")};
}

void check_classic(const engine::Output& output) {
  const auto requests = facts_of<domain::BuildRequested>(output);
  REQUIRE(requests.size() == 1);
  CHECK(requests[0].remote_context == "http://198.51.100.66/Dockerfile");
  CHECK(requests[0].tags == std::vector<std::string>{"evil:1", "evil:2"});
  CHECK(requests[0].build_arg_names == std::vector<std::string>{"TOKEN"});
  CHECK(requests[0].network_mode == "host");
  CHECK(requests[0].api_version == "1.41");
  const auto steps = facts_of<domain::BuildStepAnnounced>(output);
  REQUIRE(steps.size() == 1);
  CHECK(steps[0].number == 1);
  CHECK(steps[0].total == 2);
  CHECK(steps[0].instruction == "FROM base:1");
  REQUIRE(facts_of<domain::BuildContainerAnnounced>(output).size() == 1);
  CHECK(facts_of<domain::BuildContainerAnnounced>(output)[0].short_id == "0123456789ab");
  CHECK(facts_of<domain::BuildContainerRemoved>(output).size() == 1);
  CHECK(facts_of<domain::BuildImageAnnounced>(output).size() == 2);
  CHECK(facts_of<domain::BuildTagAnnounced>(output).size() == 1);
  const auto ends = facts_of<domain::BuildEnded>(output);
  REQUIRE(ends.size() == 1);
  CHECK(ends[0].status == domain::BuildStatus::kSucceeded);
}

}  // namespace

TEST_CASE("A classic build is the same however its bytes are cut") {
  check_classic(converse(classic_build(), whole()));
  check_classic(converse(classic_build(), single()));
  for (unsigned seed = 0; seed < 50; ++seed)
    check_classic(converse(classic_build(), random_split(seed)));
}

TEST_CASE("Secrets of a request reach neither facts nor recordings") {
  for (unsigned seed = 0; seed < 20; ++seed) {
    const auto output = converse(classic_build(), random_split(seed));
    std::string recorded;
    for (const auto& range : output.safe) recorded += range.bytes;
    CHECK(recorded.find("POST /v1.41/build") != std::string::npos);
    CHECK(recorded.find("canary") == std::string::npos);
    CHECK(recorded.find("Y2FuYXJ5") == std::string::npos);
    for (const auto& request : facts_of<domain::BuildRequested>(output)) {
      CHECK(request.user_agent == "curl/8");
    }
  }
}

TEST_CASE("Paths match decoded, methods by letter case, unclean paths not at all") {
  const auto builds = [](const std::string& start) {
    return facts_of<domain::BuildRequested>(
               converse({asks(start + " HTTP/1.1\r\nHost: x\r\n\r\n")}, whole()))
        .size();
  };
  CHECK(builds("POST /build") == 1);
  CHECK(builds("POST /v1.40/%62uild?t=x") == 1);
  CHECK(builds("POST http://localhost/v1.40/build?t=x") == 1);
  CHECK(builds("post /build") == 0);
  CHECK(builds("GET /build") == 0);
  CHECK(builds("POST //build") == 0);
  CHECK(builds("POST /build/") == 0);
  CHECK(builds("POST /build/prune") == 0);
}

TEST_CASE("A build pipelined behind another request is its own call") {
  const auto output = converse(
      {asks("GET /_ping HTTP/1.1\r\nHost: x\r\n\r\nPOST /build?t=a HTTP/1.1\r\nHost: x\r\n\r\n"),
       answers("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nOK"),
       answers("HTTP/1.1 500 Internal Server Error\r\nContent-Length: 2\r\n\r\n{}")},
      single());
  REQUIRE(facts_of<domain::BuildRequested>(output).size() == 1);
  CHECK(facts_of<domain::BuildRequested>(output)[0].call.number == 1);
  REQUIRE(facts_of<domain::BuildEnded>(output).size() == 1);
  CHECK(facts_of<domain::BuildEnded>(output)[0].status == domain::BuildStatus::kRefused);
}

TEST_CASE("A client that goes away cancels its build") {
  auto turns = classic_build();
  turns.resize(4);
  const auto ends = facts_of<domain::BuildEnded>(converse(turns, whole()));
  REQUIRE(ends.size() == 1);
  CHECK(ends[0].status == domain::BuildStatus::kCancelled);
}

TEST_CASE(
    "The Dockerfile is found in a chunked context, its secrets masked, other members unseen") {
  const auto context = tar_entry("app.env", "PASSWORD=canary-file\n") +
                       tar_entry("./Dockerfile",
                                 "ARG V=3\nFROM alpine:$V AS build\n# note\nRUN curl -u "
                                 "me:canary-user \\\n  x\nFROM build\n") +
                       std::string(1024, '\0');
  for (unsigned seed = 0; seed < 20; ++seed) {
    const auto output = converse(
        {asks("POST /build HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"),
         asks(chunk(context.substr(0, 700))), asks(chunk(context.substr(700))), asks("0\r\n\r\n")},
        random_split(seed));
    const auto seen = facts_of<domain::DockerfileSeen>(output);
    REQUIRE(seen.size() == 1);
    CHECK(seen[0].base_images == std::vector<std::string>{"alpine:3"});
    REQUIRE(seen[0].instructions.size() == 4);
    CHECK(seen[0].instructions[2].text == "RUN curl -u me:***   x");
    CHECK(seen[0].text.find("canary") == std::string::npos);
    for (const auto& range : output.safe) CHECK(range.bytes.find("canary") == std::string::npos);
  }
}

TEST_CASE("After a gap at any byte nothing crashes and no container is made up") {
  const auto turns = classic_build();
  for (std::size_t turn = 0; turn < turns.size(); ++turn) {
    for (std::size_t at = 0; at < turns[turn].bytes.size(); ++at) {
      domain::ConnOpened opened;
      const auto conversation = engine::make_conversation(opened);
      engine::Output output;
      std::uint64_t pos[2] = {0, 0};
      for (std::size_t i = 0; i < turns.size(); ++i) {
        const auto side = static_cast<std::size_t>(turns[i].direction);
        std::string_view bytes = turns[i].bytes;
        if (i == turn) {
          conversation->data({turns[i].direction, 1, pos[side], bytes.substr(0, at), i == 0, true},
                             output);
          conversation->gap(turns[i].direction, 1, 1, output);
          pos[side] += at + 1;
          bytes.remove_prefix(at + 1);
        }
        conversation->data({turns[i].direction, 1, pos[side], bytes, false, i != turn}, output);
        pos[side] += bytes.size();
      }
      conversation->close(2, output);
      CHECK(!facts_of<domain::ConversationBlind>(output).empty());
      for (const auto& fact : facts_of<domain::BuildContainerAnnounced>(output))
        CHECK(fact.short_id == "0123456789ab");
    }
  }
}

TEST_CASE("An ARG before the first FROM is an instruction of its own, stages have names") {
  const auto read = engine::docker::parse_dockerfile(
      "ARG V=1\nFROM a:$V as Build\nRUN x\nFROM scratch\nARG LATER\nRUN y\n");
  REQUIRE(read.instructions.size() == 6);
  CHECK(read.instructions[0].text == "ARG V=1");
  CHECK(read.instructions[1].stage == "build");
  CHECK(read.instructions[3].stage.empty());
  CHECK(read.base_images == std::vector<std::string>{"a:1"});
  CHECK(read.whole);
}

TEST_CASE("A client that leaves once it has read the error leaves a build that failed") {
  const auto output =
      converse({asks("POST /build HTTP/1.1\r\nContent-Length: 0\r\n\r\n"), answers(kChunkedOk),
                answers(stream("Step 1/2 : FROM a")), answers(stream("Step 2/2 : RUN false")),
                answers(message(R"({"errorDetail":{"code":1,"message":"x"},"error":"x"})"))},
               whole());
  const auto ends = facts_of<domain::BuildEnded>(output);
  REQUIRE(ends.size() == 1);
  CHECK(ends[0].status == domain::BuildStatus::kFailed);
}
