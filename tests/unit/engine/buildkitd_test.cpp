// A conversation with buildkitd itself, and one with dockerd over HTTP/2 without an upgrade.
#include <algorithm>
#include <catch2/catch_test_macros.hpp>
#include <random>

#include "harness/facts.h"
#include "harness/file_sync.h"
#include "harness/recorded.h"

using namespace kilnwatch;
using namespace kilnwatch::test;
using domain::Direction;
using domain::EngineKind;

namespace {

const std::string kRef = "abcdefghijklmnopqrstuvwxy";
const std::string kSession = "sssssssssssssssssssssssss";
const std::string kRun = "[2/2] RUN wget http://a/kw-canary-arg";
const std::string kText = "FROM alpine:3\nRUN curl -u me:kw-canary http://a\n";

std::string pair(unsigned field, const std::string& key, const std::string& value) {
  return Status::part(field, Status::part(1, key) + Status::part(2, value));
}

std::string ask(std::uint32_t stream, const std::string& path, const std::string& message) {
  return call(stream, path) + data(stream, grpc_message(message), h2::kEndStream);
}

std::string solve() {
  return ask(3, "/moby.buildkit.v1.Control/Solve",
             Status::part(1, kRef) + Status::part(5, kSession) + Status::part(6, "dockerfile.v0") +
                 pair(7, "build-arg:TOKEN", "kw-canary-arg") +
                 Status::part(13, Status::part(1, "image") + pair(2, "name", "evil:1")));
}

// A build whose client serves `text`, in messages of `size` bytes of the session.
std::vector<Turn> build(const std::string& text = kText, std::size_t size = 100'000) {
  std::vector<Turn> turns{answers(settings()), asks(client_start()),
                          asks(call_session(1, kSession)), asks(solve())};
  turns.push_back(asks(ask(5, "/moby.buildkit.v1.Control/Status", Status::part(1, kRef))));
  const auto session = [&](const std::string& bytes, bool client) {
    for (std::size_t at = 0; at < bytes.size(); at += size) {
      const auto part = carried(1, bytes.substr(at, size));
      turns.push_back(client ? asks(part) : answers(part));
    }
  };
  turns.push_back(answers(answer(1)));
  session(client_start() + ask_folder(1, "dockerfile"), false);
  // A secret of the client's, on a stream of its own.
  session(call(3, "/moby.buildkit.secrets.v1.Secrets/GetSecret") +
              data(3, grpc_message("kw-canary-id"), h2::kEndStream),
          false);
  session(settings() + answer(1) +
              data(1, stat("Dockerfile") + stat("Dockerfile.dockerignore") + packet(0, {})) +
              answer(3) + data(3, grpc_message("kw-canary-secret")) + trailers(3, "0"),
          true);
  session(data(1, packet(1, 0)), false);
  session(data(1, packet(2, 1, Status::part(4, "kw-canary-ignored")) + packet(2, 1)) +
              data(1, packet(2, 0, Status::part(4, text)) + packet(2, 0)),
          true);
  turns.push_back(answers(answer(5) + data(5, grpc_message(Status().vertex(kRun, 1000).bytes()))));
  turns.push_back(answers(data(5, grpc_message(Status().log(kRun, 1500, "kw-canary-log").bytes())) +
                          trailers(5, "0")));
  turns.push_back(answers(
      answer(3) +
      data(3, grpc_message(
                  pair(1, "containerimage.digest", "sha256:" + std::string(64, 'd')) +
                  pair(1, "containerimage.config.digest", "sha256:" + std::string(64, 'c')))) +
      trailers(3, "0")));
  return turns;
}

engine::Output with(const std::vector<Turn>& turns, const Splitter& split, EngineKind engine,
                    bool midway = false) {
  return converse(turns, split, true, midway, false, engine);
}

// Without the sum of a Dockerfile: where a secret is masked a recording has another one.
std::vector<std::string> without_sum(std::vector<std::string> texts) {
  for (auto& text : texts) {
    const auto list = text.find("[alpine:3,]|FROM");
    if (list != text.npos) text.erase(list - 64, 64);
  }
  return texts;
}

std::vector<std::string> checked(const std::vector<Turn>& turns,
                                 EngineKind engine = EngineKind::kBuildkitd) {
  const auto output = with(turns, whole(), engine);
  const auto texts = fact_texts(output);
  CHECK(fact_texts(with(turns, single(), engine)) == texts);
  for (unsigned seed = 0; seed < 10; ++seed) {
    const auto split = with(turns, random_split(seed), engine);
    CHECK(fact_texts(split) == texts);
    CHECK(apart(split.safe));
    CHECK(everything(split).find("canary") == std::string::npos);
  }
  CHECK(apart(output.safe));
  CHECK(everything(output).find("canary") == std::string::npos);
  const auto replayed = fact_texts(with(recorded(turns, output), whole(), engine));
  CHECK(without_sum(replayed) == without_sum(texts));
  return texts;
}

std::size_t count(const std::vector<std::string>& texts, const std::string& lead) {
  return static_cast<std::size_t>(std::count_if(
      texts.begin(), texts.end(), [&](const auto& text) { return text.starts_with(lead); }));
}

std::string one(const std::vector<std::string>& texts, const std::string& lead) {
  for (const auto& text : texts) {
    if (text.starts_with(lead)) return text;
  }
  return {};
}

}  // namespace

TEST_CASE("A build of buildkitd from its request to its image, its Dockerfile out of the session") {
  for (const std::size_t size : {7u, 100u, 100'000u}) {
    const auto texts = checked(build(kText, size));
    INFO(size);
    CHECK(count(texts, "blind") == 0);
    CHECK(count(texts, "session " + kSession) == 1);
    CHECK(count(texts, "requested 7.0") == 1);
    CHECK(one(texts, "requested").find("evil:1") != std::string::npos);
    CHECK(one(texts, "requested").find("TOKEN") != std::string::npos);
    CHECK(one(texts, "requested").ends_with("|" + kSession));
    const auto fetched = one(texts, "fetched session:" + kSession);
    CHECK(fetched.find("alpine:3") != std::string::npos);
    CHECK(fetched.find("RUN curl -u me:*** http://a") != std::string::npos);
    CHECK(count(texts, "vertex 7.0") == 1);
    CHECK(count(texts, "image 7.0 sha256:cc") == 1);
    CHECK(count(texts, "image 7.0 sha256:dd") == 1);
    CHECK(count(texts, "ended 7.0 1") == 1);
  }
  const auto facts =
      facts_of<domain::BuildRequested>(with(build(), whole(), EngineKind::kBuildkitd));
  REQUIRE(facts.size() == 1);
  CHECK(facts[0].engine == EngineKind::kBuildkitd);
  CHECK(facts[0].buildkit);
}

TEST_CASE("Of a session that is not seen whole no Dockerfile is told, all else is") {
  for (std::size_t lost = 5; lost + 3 < build(kText, 64).size(); ++lost) {
    for (const auto kind : {Turn::Kind::kSkip, Turn::Kind::kGap}) {
      auto turns = build(kText, 64);
      // Within a message of the session, as the kernel leaves bytes out.
      auto& turn = turns[lost];
      if (turn.bytes.size() < 40) continue;
      const std::string rest = turn.bytes.substr(30);
      turn.bytes.resize(30);
      turns.insert(turns.begin() + static_cast<std::ptrdiff_t>(lost) + 1,
                   {turn.direction, rest, kind});
      const auto output = with(turns, whole(), EngineKind::kBuildkitd);
      const auto texts = fact_texts(output);
      INFO("turn " << lost);
      CHECK(apart(output.safe));
      CHECK(everything(output).find("canary") == std::string::npos);
      CHECK(count(texts, "requested 7.0") == 1);
      CHECK(count(texts, "ended 7.0 1") == 1);
      for (const auto& fetched : facts_of<domain::ContextFetched>(output)) {
        REQUIRE(fetched.dockerfile);
        CHECK(fetched.dockerfile->text == "FROM alpine:3\nRUN curl -u me:*** http://a\n");
      }
      const auto replayed =
          fact_texts(with(recorded(turns, output), whole(), EngineKind::kBuildkitd));
      CHECK(without_sum(replayed) == without_sum(texts));
    }
  }
}

TEST_CASE("Whatever a session carries, nothing but facts comes of it") {
  for (unsigned seed = 0; seed < 200; ++seed) {
    std::mt19937 random(seed);
    auto turns = build(kText, 1 + random() % 200);
    for (int i = 0; i < 5; ++i) {
      auto& turn = turns[2 + random() % (turns.size() - 2)];
      if (turn.bytes.empty()) continue;
      if (random() % 2 == 0)
        turn.bytes[random() % turn.bytes.size()] = static_cast<char>(random());
      else
        turn.kind = random() % 2 == 0 ? Turn::Kind::kGap : Turn::Kind::kSkip;
    }
    const auto output = with(turns, random_split(seed), EngineKind::kBuildkitd);
    CHECK(apart(output.safe));
  }
}

TEST_CASE("A conversation with buildkitd that was open before is read from its frames on") {
  auto turns = build();
  turns.erase(turns.begin(), turns.begin() + 4);  // of the request nothing was seen
  const auto texts = fact_texts(with(turns, whole(), EngineKind::kBuildkitd, true));
  CHECK(count(texts, "requested") == 1);
  CHECK(count(texts, "vertex") == 1);
  CHECK(count(texts, "fetched") == 0);
  CHECK(count(texts, "blind") >= 1);
}

TEST_CASE("Bytes of a session are no reference of a build that was asked for before") {
  const auto bytes = std::string("\x00\x00\x10\x00\x00\x00\x00\x00\x01", 9) + std::string(16, 'x');
  REQUIRE(bytes.size() == 25);
  std::vector<Turn> turns{
      asks(frame(h2::Type::kHeaders, h2::kEndHeaders, 9, literals({{":method", "POST"}}))),
      asks(carried(9, bytes)), asks(carried(9, bytes + "more"))};
  CHECK(facts_of<domain::BuildRequested>(with(turns, whole(), EngineKind::kBuildkitd)).empty());
}

TEST_CASE("dockerd is read over HTTP/2 without an upgrade") {
  const auto texts = checked(build(), EngineKind::kDocker);
  CHECK(count(texts, "blind") == 0);
  CHECK(count(texts, "requested 7.0") == 1);
  CHECK(count(texts, "fetched session:") == 1);
  CHECK(count(texts, "vertex 7.0") == 1);
  CHECK(count(texts, "ended 7.0 1") == 1);
}

TEST_CASE("What only begins like the preface is a request of HTTP/1") {
  for (const std::string& lead :
       {std::string("P"), std::string("PRI"), std::string("PRI * HTTP/2.0\r\n")}) {
    const std::string odd = lead == "P" ? "POST /build?t=x HTTP/1.1\r\nHost: x\r\n\r\n"
                                        : lead.substr(0, 3) + " /x HTTP/1.1\r\n\r\n";
    const auto output = with({asks(odd)}, single(), EngineKind::kDocker);
    CHECK(apart(output.safe));
    CHECK(facts_of<domain::BuildRequested>(output).size() == (lead == "P" ? 1 : 0));
    CHECK(facts_of<domain::ConversationBlind>(output).size() == (lead == "P" ? 0 : 1));
  }
  // Cut off in its midst.
  const auto cut = with({asks("PRI * HT")}, single(), EngineKind::kDocker);
  CHECK(facts_of<domain::BuildRequested>(cut).empty());
  // Frames of the engine that come before the last byte of the preface.
  std::vector<Turn> turns{asks(client_start().substr(0, 20)), answers(settings()),
                          asks(client_start().substr(20)), asks(solve())};
  CHECK(facts_of<domain::BuildRequested>(with(turns, whole(), EngineKind::kDocker)).size() == 1);
}

TEST_CASE("A request of dockerd's other API over HTTP/2 is said to be unread") {
  const auto get = frame(h2::Type::kHeaders, h2::kEndHeaders | h2::kEndStream, 1,
                         literals({{":method", "GET"}, {":path", "/_ping"}}));
  const auto post =
      frame(h2::Type::kHeaders, h2::kEndHeaders | h2::kEndStream, 3,
            literals({{":method", "POST"}, {":path", "/build?remote=http://a/Dockerfile"}}));
  const auto texts = fact_texts(with({asks(client_start() + get)}, whole(), EngineKind::kDocker));
  CHECK(texts.empty());
  CHECK(count(fact_texts(with({asks(client_start() + post)}, whole(), EngineKind::kDocker)),
              "blind a request over HTTP/2") == 1);
}
