#include <catch2/catch_test_macros.hpp>

#include "harness/conversation.h"
#include "harness/facts.h"

using namespace kilnwatch;
using namespace kilnwatch::test;

namespace {

// Facts of a build that answers with these writes, but the request; the same for every split.
std::vector<std::string> told(const std::vector<std::string>& writes, bool end = true) {
  std::vector<Turn> turns{asks("POST /build?remote=http://a/ HTTP/1.1\r\n\r\n"),
                          answers(kChunkedOk)};
  for (const auto& write : writes) turns.push_back(answers(write));
  if (end) turns.push_back(answers("0\r\n\r\n"));
  auto texts = fact_texts(converse(turns, whole()));
  CHECK(fact_texts(converse(turns, single())) == texts);
  for (unsigned seed = 0; seed < 10; ++seed)
    CHECK(fact_texts(converse(turns, random_split(seed))) == texts);
  texts.erase(texts.begin());
  return texts;
}

const std::string kEnd = "ended 7.0 5 200 ";

}  // namespace

TEST_CASE("Each line of the builder is told, escaped or not") {
  CHECK(
      told({stream(" ---\\u003e Running in 0123456789ab\\n"),
            stream(" ---> Running in 0123456789ac\\n"),
            stream(" ---\\u003e Removed intermediate container 0123456789ab\\n"),
            stream("Removing intermediate container 0123456789ac\\n"),
            stream(" ---\\u003e 0123456789ad\\n"), stream("Successfully tagged keycloak:20\\n")}) ==
      std::vector<std::string>{"running 7.0 0123456789ab", "running 7.0 0123456789ac",
                               "removed 7.0 0123456789ab", "removed 7.0 0123456789ac",
                               "tagged 7.0 keycloak:20", kEnd});
}

TEST_CASE("A step's stderr is coloured, so it is never the builder's line") {
  CHECK(told({stream("\\u001b[91mStep 1/1 : FROM x\\u001b[0m"),
              stream("\\u001b[91m ---\\u003e Running in 0123456789ab\\n\\u001b[0m")}) ==
        std::vector<std::string>{kEnd});
}

TEST_CASE("Messages end in CRLF or LF, several come in one chunk, one in several") {
  const std::string step = "{\"stream\":\"Step 1/1 : FROM a\"}";
  const std::vector<std::string> expected{"step 7.0 1/1 FROM a", kEnd};
  CHECK(told({chunk(step + "\n")}) == expected);
  CHECK(told({chunk(step)}) == expected);
  CHECK(told({chunk("{}\r\n" + step + "\r\n{}")}) == expected);
  CHECK(told({chunk(step.substr(0, 9)), chunk(step.substr(9) + "\r"), chunk("\n")}) == expected);
}

TEST_CASE("What is no JSON, or none of the builder's, is passed over") {
  CHECK(
      told({chunk("garbage\r\n"), chunk("\xff\xfe\r\n"), message("[1]"), message("{\"stream\":7}"),
            message("{}"), message("{\"aux\":{\"ID\":\"sha256:short\"}}"), message("{\"aux\":7}"),
            stream("Step x/y : z"), stream("Step 1"), stream("Step 0/1 : x"),
            stream(" ---> Running in xyz"), message("{\"message\":\"m\"}")}) ==
      std::vector<std::string>{kEnd});
}

TEST_CASE("A failure's text is told, from error or errorDetail") {
  const std::string text = "The command '/bin/sh -c x' returned a non-zero code: 3";
  CHECK(told({message("{\"errorDetail\":{\"code\":3,\"message\":\"" + text + "\"},\"error\":\"" +
                      text + "\"}")}) == std::vector<std::string>{"ended 7.0 2 200 " + text});
  CHECK(told({message("{\"errorDetail\":{\"message\":\"pull token=abc\"}}")}) ==
        std::vector<std::string>{"ended 7.0 2 200 pull token=***"});
}

TEST_CASE("Of a message that is longer than what is kept the front counts") {
  const auto texts = told({stream("Step 1/1 : RUN one two\\ud83d\\ude00" + std::string(70000, 'b')),
                           stream(" ---> Running in 0123456789ab\\n")});
  REQUIRE(texts.size() == 3);
  CHECK(texts[0] == "step 7.0 1/1 RUN one");
  CHECK(texts[1] == "running 7.0 0123456789ab");
  CHECK(told({stream(std::string(70000, 'x')), stream("Step 1/1 : FROM a")})[0] ==
        "step 7.0 1/1 FROM a");
}

TEST_CASE("Of a write whose tail stayed in the kernel the front counts") {
  const auto write = stream("Step 1/2 : RUN a " + std::string(2000, 'x'));
  const std::vector<Turn> turns{
      asks("POST /build HTTP/1.1\r\n\r\n"), answers(kChunkedOk),
      answers(write.substr(0, 512)),        skips(domain::Direction::kResponse, write.size() - 512),
      answers(stream("Step 2/2 : RUN y")),  answers("0\r\n\r\n")};
  const auto texts = fact_texts(converse(turns, whole()));
  REQUIRE(texts.size() == 4);
  CHECK(texts[1] == "step 7.0 1/2 RUN a");
  CHECK(texts[2] == "step 7.0 2/2 RUN y");
}

TEST_CASE("Bytes after a hole are a message only when they begin one") {
  const std::string tail = "xx\\\"stream\\\":\\\"Step 1/1 : FROM forged\\\"}\"}\r\n";
  const std::vector<Turn> turns{asks("POST /build HTTP/1.1\r\n\r\n"),
                                answers(kChunkedOk),
                                answers("60\r\n{\"stream\":\"abc"),
                                skips(domain::Direction::kResponse, 0x60 - 14 - tail.size()),
                                answers(tail + "\r\n"),
                                answers(stream("Step 1/1 : FROM a")),
                                answers("0\r\n\r\n")};
  CHECK(fact_texts(converse(turns, whole()))[1] == "step 7.0 1/1 FROM a");
}

TEST_CASE("An error status with a message is a refusal, after steps a failure") {
  const auto status = [](const std::string& answer) {
    const auto output = converse({asks("POST /build HTTP/1.1\r\n\r\n"), answers(answer)}, single());
    const auto ended = facts_of<domain::BuildEnded>(output);
    REQUIRE(ended.size() == 1);
    return std::pair(ended[0].status, ended[0].message);
  };
  const std::string head = "HTTP/1.1 400 Bad Request\r\nContent-Type: application/json\r\n";
  CHECK(status(with_length(head, "{\"message\":\"client version 9.9 is too new\"}\n")) ==
        std::pair(domain::BuildStatus::kRefused, std::string("client version 9.9 is too new")));
  CHECK(status(with_length("HTTP/1.1 404 Not Found\r\n", "404 page not found\n")) ==
        std::pair(domain::BuildStatus::kRefused, std::string()));
  CHECK(
      status(with_length(head, "{\"message\":\"" + std::string(5000, 'a') + "\"}")).second.size() ==
      512);
}

TEST_CASE("A step's output met midway may be a build's; logs and events are not") {
  const auto met = [](const std::string& json) {
    return facts_of<domain::ConversationBlind>(
               converse({answers(message(json)), answers(message(json))}, whole(), true, true))
        .size();
  };
  CHECK(met(R"({"stream":"harmless\\n"})") == 1);
  CHECK(met(R"({"status":"Pulling"})") == 0);
  CHECK(met(R"({"Type":"container"})") == 0);
}
