// What the engine fetches itself: it writes requests (kResponse) and reads answers (kRequest).
#include <catch2/catch_test_macros.hpp>

#include "harness/archive.h"
#include "harness/conversation.h"
#include "harness/facts.h"
#include "harness/recorded.h"

using namespace kilnwatch;
using namespace kilnwatch::test;

namespace {

std::string get(const std::string& target, const std::string& host = "198.51.100.66:8080") {
  return "GET " + target + " HTTP/1.1\r\nHost: " + host +
         "\r\nUser-Agent: Go-http-client/1.1\r\nAccept-Encoding: gzip\r\n\r\n";
}

std::string reply(const std::string& type, const std::string& body,
                  const std::string& status = "200 OK") {
  return with_length(
      "HTTP/1.1 " + status + "\r\n" + (type.empty() ? "" : "Content-Type: " + type + "\r\n"), body);
}

engine::Output fetched(const std::vector<Turn>& turns, Splitter split = whole()) {
  return converse(turns, std::move(split), true, false, true);
}

std::vector<domain::ContextFetched> facts(const std::vector<Turn>& turns) {
  const auto all = facts_of<domain::ContextFetched>(fetched(turns));
  for (unsigned seed = 0; seed < 6; ++seed) {
    const auto again =
        facts_of<domain::ContextFetched>(fetched(turns, seed == 0 ? single() : random_split(seed)));
    REQUIRE(again.size() == all.size());
    for (std::size_t i = 0; i < all.size(); ++i) {
      CHECK(again[i].url == all[i].url);
      CHECK(again[i].dockerfile.has_value() == all[i].dockerfile.has_value());
      if (all[i].dockerfile) CHECK(again[i].dockerfile->sha256 == all[i].dockerfile->sha256);
    }
  }
  return all;
}

}  // namespace

TEST_CASE("A text that the engine fetches is a Dockerfile") {
  const std::string text = "FROM alpine:3\nRUN wget http://198.51.100.66/x\nFROM scratch\n";
  for (const std::string type : {"text/plain; charset=utf-8", "application/octet-stream", ""}) {
    const auto seen = facts({answers(get("/Dockerfile?a=b")), asks(reply(type, text))});
    REQUIRE(seen.size() == 1);
    CHECK(seen[0].url == "http://198.51.100.66:8080/Dockerfile?a=b");
    REQUIRE(seen[0].dockerfile);
    CHECK(seen[0].dockerfile->text == text);
    CHECK(seen[0].dockerfile->base_images == std::vector<std::string>{"alpine:3"});
    CHECK(seen[0].dockerfile->instructions.size() == 3);
  }
}

TEST_CASE("A body without length ends with its connection") {
  const auto seen =
      facts({answers(get("/Dockerfile")),
             asks("HTTP/1.0 200 OK\r\nContent-type: application/octet-stream\r\nDate: now\r\n\r\n"
                  "FROM busybox\n")});
  REQUIRE(seen.size() == 1);
  REQUIRE(seen[0].dockerfile);
  CHECK(seen[0].dockerfile->base_images == std::vector<std::string>{"busybox"});
}

TEST_CASE("An archive that the engine fetches holds the Dockerfile") {
  const auto archive =
      tar_entry("a", "FROM wrong") + tar_entry("Dockerfile", "FROM right") + tar_end();
  const auto seen = facts({answers(get("/c.tar")), asks(reply("application/x-tar", archive))});
  REQUIRE(seen.size() == 1);
  REQUIRE(seen[0].dockerfile);
  CHECK(seen[0].dockerfile->text == "FROM right");
}

TEST_CASE("Out of a recording a fetched context is read the same") {
  const auto archive = tar_entry("a", std::string(700, 'a')) +
                       tar_entry("./Dockerfile", "FROM b\nRUN x --token kw-canary\n") +
                       tar_entry("kw-canary", std::string(1000, 'c')) + tar_end();
  const std::string text = "FROM b\nRUN x --token kw-canary\n";
  const auto chunked = [](const std::string& type, const std::string& body) {
    std::string out =
        "HTTP/1.1 200 OK\r\nContent-Type: " + type + "\r\nTransfer-Encoding: chunked\r\n\r\n";
    for (std::size_t at = 0; at < body.size(); at += 611) out += chunk(body.substr(at, 611));
    return out + "0\r\n\r\n";
  };
  const auto until_close = [](const std::string& type, const std::string& body) {
    return "HTTP/1.0 200 OK\r\nContent-Type: " + type + "\r\n\r\n" + body;
  };
  for (const auto engine : {domain::EngineKind::kDocker, domain::EngineKind::kPodman}) {
    for (const auto& answer :
         {reply("application/x-tar", archive), reply("application/octet-stream", archive),
          reply("application/octet-stream", text), reply("", archive), reply("", text),
          reply("text/plain", engine == domain::EngineKind::kDocker ? text : archive),
          chunked("application/x-tar", archive), chunked("application/octet-stream", text),
          until_close("application/x-tar", archive),
          until_close("application/octet-stream", text)}) {
      const std::vector<Turn> turns{answers(get("/c")), asks(answer)};
      for (unsigned seed = 0; seed < 4; ++seed) {
        const auto live =
            converse(turns, seed == 0 ? whole() : random_split(seed), true, false, true, engine);
        for (const auto& range : live.safe)
          CHECK(range.bytes.find("kw-canary") == std::string::npos);
        const auto seen = facts_of<domain::ContextFetched>(live);
        REQUIRE(seen.size() == 1);
        REQUIRE(seen[0].dockerfile);
        const auto replayed = facts_of<domain::ContextFetched>(
            converse(recorded(turns, live), whole(), true, false, true, engine));
        REQUIRE(replayed.size() == 1);
        CHECK(replayed[0].url == seen[0].url);
        CHECK(replayed[0].time == seen[0].time);
        REQUIRE(replayed[0].dockerfile);
        CHECK(replayed[0].dockerfile->base_images == seen[0].dockerfile->base_images);
        CHECK(replayed[0].dockerfile->text == seen[0].dockerfile->text);
      }
    }
  }
}

TEST_CASE("Of an archive whose end stays in the kernel the front is read") {
  const auto front = tar_entry("Dockerfile", "FROM a") + tar_entry("b", std::string(3000, 'b'));
  const auto head = "HTTP/1.1 200 OK\r\nContent-Type: application/x-tar\r\n";
  const auto length = "Content-Length: 200000\r\n\r\n";
  const auto left = [&](std::size_t seen) { return skips(domain::Direction::kRequest, seen); };
  const auto seen = facts({answers(get("/c.tar")), asks(head + std::string(length) + front),
                           left(200'000 - front.size())});
  REQUIRE(seen.size() == 1);
  REQUIRE(seen[0].dockerfile);
  CHECK(seen[0].dockerfile->text == "FROM a");
  // Of a text all counts; and what is lost may be the Dockerfile that the engine takes.
  CHECK(facts({answers(get("/c")),
               asks("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n" + std::string(length) +
                    "FROM a\n"),
               left(200'000 - 7)})
            .empty());
  CHECK(facts({answers(get("/c.tar")), asks(head + std::string(length) + front),
               loses(domain::Direction::kRequest, 200'000 - front.size())})
            .empty());
}

TEST_CASE("A redirect tells where the engine goes on") {
  const auto seen = facts({answers(get("/a")),
                           asks("HTTP/1.1 302 Found\r\nLocation: /b\r\n"
                                "Content-Length: 0\r\n\r\n"),
                           answers(get("/b")), asks(reply("text/plain", "FROM x\n"))});
  REQUIRE(seen.size() == 2);
  CHECK(seen[0].location == "/b");
  CHECK_FALSE(seen[0].dockerfile);
  CHECK(seen[1].url == "http://198.51.100.66:8080/b");
}

TEST_CASE("Errors, images' layers and torn bodies are no contexts") {
  const std::string layer("\x1f\x8b\x08\0\0", 5);
  CHECK(
      facts({answers(get("/x")), asks(reply("text/plain", "FROM x\n", "404 Not Found"))}).empty());
  CHECK(facts({answers(get("/v2/a/blobs/b")), asks(reply("application/octet-stream", layer))})
            .empty());
  CHECK(facts({answers(get("/x")), asks(reply("text/html", "FROM x\n"))}).empty());
  CHECK(facts({answers(get("/x")), asks("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"
                                        "Content-Length: 99\r\n\r\nFROM x\n")})
            .empty());
}

TEST_CASE("Secrets of a fetch stay in the parser") {
  const auto out = fetched({answers("GET /Dockerfile?token=kw-canary HTTP/1.1\r\nHost: a\r\n"
                                    "Authorization: Basic kw-canary\r\n\r\n"),
                            asks("HTTP/1.1 200 OK\r\nSet-Cookie: kw-canary\r\n"
                                 "Content-Type: text/plain\r\nContent-Length: 34\r\n\r\n"
                                 "FROM a\nRUN x --token kw-canary  \r\n")});
  const auto seen = facts_of<domain::ContextFetched>(out);
  REQUIRE(seen.size() == 1);
  CHECK(seen[0].url == "http://a/Dockerfile?token=***");
  REQUIRE(seen[0].dockerfile);
  CHECK(seen[0].dockerfile->text.find("kw-canary") == std::string::npos);
  for (const auto& range : out.safe) CHECK(range.bytes.find("kw-canary") == std::string::npos);
}
