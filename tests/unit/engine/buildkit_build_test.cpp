// POST /build?version=2: what dockerd passes on of BuildKit.
#include <algorithm>
#include <catch2/catch_test_macros.hpp>

#include "harness/archive.h"
#include "harness/buildkit.h"
#include "harness/facts.h"
#include "harness/recorded.h"

using namespace kilnwatch;
using namespace kilnwatch::test;
using domain::Direction;

namespace {

const std::string kImage = "sha256:" + std::string(64, 'a');
const std::string kRun = "[2/2] RUN wget http://a/";

std::string post(const std::string& query) {
  return "POST /v1.41/build?" + query + " HTTP/1.1\r\n";
}

const std::string kSession =
    post(
        "version=2&remote=client-session&session=abc&buildid=b1&t=evil%3A1&buildargs=%7B%22T%22"
        "%3A%22kw-canary%22%7D") +
    "Content-Length: 0\r\n\r\n";

// The same for every split.
engine::Output checked(const std::vector<Turn>& turns) {
  auto output = converse(turns, whole());
  const auto texts = fact_texts(output);
  CHECK(fact_texts(converse(turns, single())) == texts);
  for (unsigned seed = 0; seed < 10; ++seed)
    CHECK(fact_texts(converse(turns, random_split(seed))) == texts);
  CHECK(apart(output.safe));
  return output;
}

std::vector<Turn> build(const std::vector<std::string>& lines) {
  std::vector<Turn> turns{asks(kSession), answers(kChunkedOk)};
  for (const auto& line : lines) turns.push_back(answers(line));
  turns.push_back(answers("0\r\n\r\n"));
  return turns;
}

}  // namespace

TEST_CASE("A BuildKit build from its request to its image") {
  const auto turns = build({Status().vertex(kRun).line(), Status().vertex(kRun, 1000).line(),
                            Status().vertex(kRun, 1000, 2000).line(), image_id_line(kImage)});
  const auto output = checked(turns);
  const auto requests = facts_of<domain::BuildRequested>(output);
  REQUIRE(requests.size() == 1);
  CHECK(requests[0].buildkit);
  CHECK(requests[0].remote_context.empty());
  CHECK(requests[0].build_ref == "b1");
  CHECK(requests[0].tags == std::vector<std::string>{"evil:1"});
  const auto vertices = facts_of<domain::VertexSeen>(output);
  REQUIRE(vertices.size() == 3);
  CHECK(vertices[2].completed == 2'000'000'000);
  CHECK(facts_of<domain::BuilderClock>(output).size() == 2);
  REQUIRE(facts_of<domain::BuildImageAnnounced>(output).size() == 1);
  CHECK(facts_of<domain::BuildImageAnnounced>(output)[0].id == kImage);
  REQUIRE(facts_of<domain::BuildEnded>(output).size() == 1);
  CHECK(facts_of<domain::BuildEnded>(output)[0].status == domain::BuildStatus::kSucceeded);
  CHECK(facts_of<domain::ConversationBlind>(output).empty());
  CHECK(facts_of<domain::DockerfileSeen>(output).empty());
  CHECK(fact_texts(converse(recorded(turns, output), whole())) == fact_texts(output));
}

TEST_CASE("An answer without a length that ends in the image's id is whole") {
  const auto output =
      checked({asks(kSession), answers("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n"),
               answers(Status().vertex(kRun, 1000).json() + "\r\n"),
               answers(R"({"id":"moby.image.id","aux":{"ID":")" + kImage + "\"}}\r\n")});
  REQUIRE(facts_of<domain::BuildEnded>(output).size() == 1);
  CHECK(facts_of<domain::BuildEnded>(output)[0].status == domain::BuildStatus::kSucceeded);
}

TEST_CASE("A BuildKit build that fails says why") {
  const auto output = checked(build(
      {Status().vertex(kRun, 1000, 2000, false, "exit code: 1").line(),
       message(R"({"errorDetail":{"message":"executor failed"},"error":"executor failed"})")}));
  const auto ended = facts_of<domain::BuildEnded>(output);
  REQUIRE(ended.size() == 1);
  CHECK(ended[0].status == domain::BuildStatus::kFailed);
  CHECK(ended[0].message == "executor failed");
  CHECK(facts_of<domain::VertexSeen>(output).at(0).error == "exit code: 1");
}

TEST_CASE("A context in the body, fetched, or sent with another request") {
  const auto context = tar_entry("Dockerfile", "FROM a\nRUN b\n") + tar_end();
  const auto plain =
      checked({asks(with_length(post("version=2"), context)), answers(kChunkedOk + "0\r\n\r\n")});
  REQUIRE(facts_of<domain::DockerfileSeen>(plain).size() == 1);
  CHECK(facts_of<domain::BuildRequested>(plain).at(0).upload_for.empty());

  const auto fetched = checked({asks(post("version=2&remote=http%3A%2F%2Fa%2FDockerfile") + "\r\n"),
                                answers(kChunkedOk + "0\r\n\r\n")});
  CHECK(facts_of<domain::BuildRequested>(fetched).at(0).remote_context == "http://a/Dockerfile");

  const auto main = checked({asks(post("version=2&remote=upload-request&buildid=b2") + "\r\n"),
                             answers(kChunkedOk + "0\r\n\r\n")});
  CHECK(facts_of<domain::BuildRequested>(main).at(0).remote_context.empty());
  CHECK(facts_of<domain::BuildRequested>(main).at(0).build_ref == "b2");

  const auto upload =
      checked({asks(with_length(post("version=2&buildid=upload-request%3Ab2"), context)),
               answers("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")});
  CHECK(facts_of<domain::BuildRequested>(upload).at(0).upload_for == "b2");
  CHECK(facts_of<domain::DockerfileSeen>(upload).size() == 1);
}

TEST_CASE("The session of a BuildKit client is no blind spot") {
  const auto output = checked(
      {asks("POST /session HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n"),
       answers("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n"),
       answers("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), asks(std::string("\0\0\0\4\0\0\0\0\0", 9))});
  CHECK(fact_texts(output).empty());
}

TEST_CASE("Of a BuildKit build met midway the steps are told, without their words") {
  const auto lines = Status().vertex(kRun, 1000).log(kRun, 1001, "kw-canary").line() +
                     image_id_line(kImage) + "0\r\n\r\n";
  // An answer is found again where a write begins.
  const auto output =
      converse({loses(Direction::kResponse, 10), answers(lines)}, whole(), true, true);
  const auto requests = facts_of<domain::BuildRequested>(output);
  REQUIRE(requests.size() == 1);
  CHECK(requests[0].midway);
  CHECK(requests[0].buildkit);
  REQUIRE(facts_of<domain::VertexSeen>(output).size() == 1);
  CHECK(facts_of<domain::VertexSeen>(output)[0].text == "RUN ***");
  CHECK(everything(output).find("wget") == std::string::npos);
}

TEST_CASE("Build arguments that BuildKit puts into names, and what steps print, are kept nowhere") {
  const std::string name = "[2/2] RUN login kw-canary kw-canary0 x";
  const auto turns = build({Status().vertex(name, 1000).log(name, 1001, "kw-canary").line(),
                            Status().status(name, "kw-canary", 1002).line()});
  const auto output = checked(turns);
  auto all = everything(output);
  for (const auto& range : output.safe) {
    const auto at = range.bytes.find("aux\":\"");
    if (at != std::string::npos) all += base::from_base64(range.bytes.substr(at + 6));
  }
  CHECK(all.find("kw-canary") == std::string::npos);
  CHECK(all.find("RUN login ********* *********0 x") != std::string::npos);
  CHECK(fact_texts(converse(recorded(turns, output), whole())) == fact_texts(output));
}

TEST_CASE("Where parameters were lost every word of a step may be an argument's value") {
  const auto output = checked(
      {asks("POST /build?version=2 HTTP/1.1\r\nContent-Type: application/x-www-form-urlencoded\r\n"
            "Content-Length: 20\r\n\r\nq=0&"),
       loses(Direction::kRequest, 16), answers(kChunkedOk),
       answers(Status().vertex(kRun, 1).line()), answers("0\r\n\r\n")});
  CHECK(facts_of<domain::VertexSeen>(output).at(0).text == "RUN ***");
}

TEST_CASE("Of a status that is cut in a step's output nothing is missing; elsewhere it is said") {
  const auto cut = [](const std::string& line, std::size_t keep) {
    return std::vector<Turn>{asks(kSession),
                             answers(kChunkedOk),
                             answers(line.substr(0, keep)),
                             skips(Direction::kResponse, line.size() - keep),
                             answers(Status().vertex(kRun, 1000, 2000).line()),
                             answers("0\r\n\r\n")};
  };
  const auto in_log = Status().vertex(kRun, 1000).log(kRun, 1500, std::string(900, 'x')).line();
  const auto turns = cut(in_log, 600);
  auto output = checked(turns);
  CHECK(facts_of<domain::VertexSeen>(output).size() == 2);
  CHECK(facts_of<domain::ConversationBlind>(output).empty());
  CHECK(fact_texts(converse(recorded(turns, output), whole())) == fact_texts(output));

  Status many;
  for (char c = 'a'; c < 'k'; ++c) many.vertex(std::string("[2/2] RUN ") + c);
  const auto turns2 = cut(many.line(), 600);
  output = checked(turns2);
  CHECK(facts_of<domain::ConversationBlind>(output).size() == 1);
  CHECK(facts_of<domain::VertexSeen>(output).size() > 1);
  CHECK(facts_of<domain::VertexSeen>(output).size() < 11);
  CHECK(fact_texts(converse(recorded(turns2, output), whole())) == fact_texts(output));
}

TEST_CASE("A long message of BuildKit counts as far as it is kept") {
  const auto output =
      checked(build({Status().vertex(kRun, 1000).log(kRun, 1500, std::string(90000, 'x')).line(),
                     Status().vertex(kRun, 1000, 2000).line()}));
  CHECK(facts_of<domain::VertexSeen>(output).size() == 2);
  CHECK(facts_of<domain::ConversationBlind>(output).empty());
}

TEST_CASE("A step of the classic builder cannot write a line of BuildKit's") {
  const auto json = Status().vertex("[1/1] RUN forged", 1).json();
  std::string escaped;
  for (const char c : json) escaped += c == '"' ? std::string("\\\"") : std::string(1, c);
  const auto output =
      checked({asks("POST /build?remote=http://a/ HTTP/1.1\r\n\r\n"), answers(kChunkedOk),
               answers(stream(escaped + "\\n")), answers("0\r\n\r\n")});
  CHECK(facts_of<domain::VertexSeen>(output).empty());
}
