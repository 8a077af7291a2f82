// Canaries in every place where a client may put a secret: in no fact, in no recorded byte.
#include <catch2/catch_test_macros.hpp>

#include "harness/archive.h"
#include "harness/conversation.h"
#include "harness/facts.h"

using namespace kilnwatch;
using namespace kilnwatch::test;

namespace {

std::vector<Turn> canaries() {
  const std::string fields =
      "Host: user:canary01@h\r\nAuthorization: Bearer canary02\r\nX-Registry-Config: canary03==\r\n"
      "X-Registry-Auth: canary04==\r\nCookie: a=canary05\r\nProxy-Authorization:\r\n\tBasic "
      "canary06\r\n"
      "User-Agent: x token=canary07\r\nReferer: "
      "http://u:canary08@h/?WebIdentityToken=canary09\r\nX-Folded: a\r\n canary10\r\n"
      "X-Unknown: canary11\r\n";
  const std::string query =
      "remote=http%3A%2F%2Fu%3Acanary12%40h%2F%3Ftoken%3Dcanary13&buildargs=%7B%22A%22%3A%"
      "22canary14%22%2C%22B%22%3Anull%7D"
      "&buildargs={\"C\":\"canary\\\"15\"}&labels={\"l\":\"canary16\"}&buildargs=A=canary17&%"
      "62uildargs=[\"canary18\"]"
      "&buildargs={\"X\":{\"canary19\":\"canary20\"}}&password=canary21&x=%zzcanary22&buildargs={"
      "\"A\":\"canary23;\"}";
  const auto archive =
      tar_entry("Dockerfile",
                "FROM a\nENV API_TOKEN=canary30\nRUN curl -u u:canary31 http://u:canary32@h/\n"
                "ENV DB_PASSWORD canary37 canary\nRUN [\"curl\", \"-u\", \"u:canary38\"]\n"
                "RUN x --password \\\n# why\n  canary39 && curl -su u:canary\\\ncanary h\n") +
      tar_entry("x", "canary33") + tar_end();
  const std::string create =
      "{\"Image\":\"a\",\"Env\":[\"PLAIN=canary34\"],\"Cmd\":[\"sh\",\"-c\",\"x --password "
      "canary35\"],\"Entrypoint\":[\"redis-cli\", \"-a\", \"canary47\"],"
      "\"HostConfig\":{\"Binds\":[\"/a?token=canary36:/b\"]}}";
  return {
      asks(with_length("POST /build?" + query + " HTTP/1.1\r\n" + fields, archive)),
      answers("HTTP/1.1 200 OK\r\nSet-Cookie: canary40\r\nTransfer-Encoding: chunked\r\n\r\n"),
      answers(stream("Step 1/2 : ENV API_TOKEN=canary41")),
      answers(stream("Step 2/2 : ENV DB_PASSWORD canary46 \\\"canary\\\"\\n")),
      answers(stream("step output canary42\\n")),
      answers("5;x=canary43\r\n{}\r\n \r\n"),
      answers(message("{\"error\":\"pull https://u:canary44@h failed\"}")),
      answers("0\r\nX-Trailer: canary45\r\n\r\n"),
      asks(with_length(
          "POST /build HTTP/1.1\r\nContent-Type: application/x-www-form-urlencoded\r\n",
          "t=a&buildargs=%7B%22K%22%3A%22canary50%22%7D&remote=https%3A%2F%2Fx%3Acanary51%40h")),
      answers(with_length("HTTP/1.1 500 Oops\r\n", "{\"message\":\"token: canary52\"}")),
      asks(with_length("POST /build HTTP/1.1\r\nContent-Type: multipart/form-data; boundary=b\r\n",
                       "--b\r\nContent-Disposition: form-data; "
                       "name=\"buildargs\"\r\n\r\n{\"K\":\"canary53\"}\r\n--b--\r\n")),
      answers(with_length("HTTP/1.1 500 Oops\r\n", "{}")),
      asks(with_length("POST /containers/create?name=a HTTP/1.1\r\n", create)),
      answers(with_length("HTTP/1.1 201 Created\r\n", "{\"Id\":\"" + std::string(64, 'c') + "\"}")),
      asks("POST /images/create?fromImage=a&fromSrc=http://u:canary60@h/ "
           "HTTP/1.1\r\nX-Registry-Auth: canary61\r\n\r\n"),
      answers(with_length("HTTP/1.1 200 OK\r\n", "{\"status\":\"canary62\"}")),
      asks("GET http://u:canary63@h/x?auth=canary64 HTTP/1.1\r\nno colon canary65\r\n\r\n"),
      answers(with_length("HTTP/1.1 200 OK\r\n", "canary66")),
      asks("garbage canary67\r\n"),
  };
}

}  // namespace

TEST_CASE("No canary leaves, however the bytes are cut") {
  const auto turns = canaries();
  const auto expected = fact_texts(converse(turns, whole()));
  CHECK(expected.size() > 8);
  for (unsigned seed = 0; seed < 60; ++seed) {
    const auto output = converse(turns, seed == 0 ? single() : random_split(seed));
    const auto all = everything(output);
    const auto at = all.find("canary");
    CHECK((at == all.npos ? std::string() : all.substr(at < 60 ? 0 : at - 60, 100)).empty());
    CHECK(fact_texts(output) == expected);
  }
}

TEST_CASE("No canary leaves when the bytes are cut in two at any place, or one is lost there") {
  for (const bool lose : {false, true}) {
    const auto turns = canaries();
    for (std::size_t turn = 0; turn < turns.size(); ++turn) {
      for (std::size_t at = 1; at < turns[turn].bytes.size(); ++at) {
        auto cut = turns;
        const auto& whole_turn = turns[turn];
        cut[turn].bytes = whole_turn.bytes.substr(0, at);
        auto rest = whole_turn;
        rest.bytes = whole_turn.bytes.substr(at + (lose ? 1 : 0));
        cut.insert(cut.begin() + static_cast<std::ptrdiff_t>(turn) + 1, rest);
        if (lose)
          cut.insert(cut.begin() + static_cast<std::ptrdiff_t>(turn) + 1,
                     loses(whole_turn.direction, 1));
        const auto all = everything(converse(cut, whole()));
        const auto found = all.find("canary");
        if (found != all.npos) {
          INFO("turn " << turn << " at " << at << ": "
                       << all.substr(found < 60 ? 0 : found - 60, 100));
          FAIL();
        }
      }
    }
  }
}

TEST_CASE("Names, positions and framing of a request stay") {
  const auto output = converse(canaries(), single());
  std::string recorded;
  for (const auto& range : output.safe) recorded += range.bytes;
  CHECK(apart(output.safe));
  for (const std::string text : {"Authorization: ", "X-Registry-Auth: ", "%22A%22%3A%22",
                                 "API_TOKEN=", "Content-Length: ", "t=a&buildargs=%7B%22K%22%3A%22",
                                 "\"Env\":[\"PLAIN=", "Step 1/2 : ENV"})
    CHECK(recorded.find(text) != std::string::npos);
}
