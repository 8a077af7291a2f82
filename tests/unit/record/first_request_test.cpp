#include "protocol/http1/first_request.h"

#include <catch2/catch_test_macros.hpp>
#include <random>
#include <string>

namespace kilnwatch {
namespace {

using protocol::read_first_request;

TEST_CASE("method, target and host of a first request") {
  const auto request = read_first_request(
      "GET /payload.sh?x=1 HTTP/1.1\r\nUser-Agent: w\r\nhOST: \t kiln.test:8080 \r\nA: b\r\n\r\n");
  REQUIRE(request);
  CHECK(request->line == "GET /payload.sh?x=1 HTTP/1.1\r\n");
  CHECK(request->method == "GET");
  CHECK(request->target == "/payload.sh?x=1");
  CHECK(request->host_line == "hOST: \t kiln.test:8080 \r\n");
  CHECK(request->host == "kiln.test:8080");
}

TEST_CASE("where more of a head may follow") {
  using protocol::host_may_follow;
  for (const char* begun : {"G", "GET", "GET /a", "GET / HTTP/1.1\r\n", "GET / HTTP/1.1\r\nHo",
                            "GET / HTTP/1.1\r\nHost: cut", "PROPPATCH /"})
    CHECK(host_may_follow(begun));
  for (const char* other :
       {"", " ", "g", "GETS-AND-ALL", "SSH-2.0-x\r\n", "GET /\r\n", "GET / HTTP/1.1\r\n\r\n",
        "GET / HTTP/1.0\n\n", "GET / HTTP/1.1\r\nHost: a\r\n", "CONNECT a:1 HTTP/1.1\r\n",
        "POST / HTTP/1.1\r\nA: b\r\n\r\nbody"})
    CHECK_FALSE(host_may_follow(other));
}

TEST_CASE("bare line feeds, no host, a host behind the head or cut off") {
  CHECK(read_first_request("HEAD / HTTP/1.0\nHost: a\n\n")->host == "a");
  CHECK(read_first_request("GET / HTTP/1.1\r\n\r\n")->host.empty());
  CHECK(read_first_request("POST / HTTP/1.1\r\n\r\nHost: body\r\n")->host_line.empty());
  CHECK(read_first_request("GET / HTTP/1.1\r\nHost: cut")->host_line.empty());
  CHECK(read_first_request("GET / HTTP/1.1\r\nX-Host: a\r\nHost: b\r\nHost: c\r\n\r\n")->host ==
        "b");
  CHECK(read_first_request("CONNECT kiln.test:443 HTTP/1.1\r\n\r\n")->target == "kiln.test:443");
}

TEST_CASE("whom a proxy is asked for stands in the target, whatever a field says") {
  const auto asked = [](const std::string& line) {
    const std::string text = line + " HTTP/1.1\r\nHost: known.test\r\n\r\n";
    const auto request = read_first_request(text);
    REQUIRE(request);
    CHECK(request->host_line == "Host: known.test\r\n");
    return std::string(request->host);
  };
  CHECK(asked("CONNECT evil.test:443") == "evil.test:443");
  CHECK(asked("CONNECT [2001:db8::66]:443") == "[2001:db8::66]:443");
  CHECK(asked("GET http://evil.test/a") == "evil.test");
  CHECK(asked("GET HTTPS://known.test@evil.test:8443?u=http://known.test/") == "evil.test:8443");
  CHECK(asked("POST ftp://evil.test") == "evil.test");
  for (const auto* origin :
       {"GET /", "GET /fetch?u=http://evil.test/", "OPTIONS *", "GET //evil.test/",
        "GET evil.test/http://evil.test", "GET http:evil.test", "GET http:///a", "CONNECT /"})
    CHECK(asked(origin) == "known.test");
}

TEST_CASE("no request") {
  for (const char* text :
       {"", "GET", "GET / HTTP/1.1", "GET /\r\n", "GET  HTTP/1.1\r\n", " / HTTP/1.1\r\n",
        "get / HTTP/1.1\r\n", "GET / HTTP/2\r\n", "GET /a b HTTP/1.1\r\n", "GET /\x01 HTTP/1.1\r\n",
        "ABCDEFGHIJK / HTTP/1.1\r\n", "\x16\x03\x01\x02\n", "SSH-2.0-OpenSSH_9.2\r\n",
        "HTTP/1.1 200 OK\r\n"}) {
    INFO(text);
    CHECK_FALSE(read_first_request(text));
  }
}

TEST_CASE("every cut and random garbage: views stay inside the text") {
  const std::string whole = "PUT /a HTTP/1.1\r\nAccept: *\r\nHost: kiln\r\n\r\nbody";
  std::mt19937 random(1);
  for (int round = 0; round < 5000; ++round) {
    std::string text = whole.substr(0, random() % (whole.size() + 1));
    for (auto i = random() % 3; i > 0 && !text.empty(); --i)
      text[random() % text.size()] = static_cast<char>(random());
    const auto request = read_first_request(text);
    if (!request) continue;
    CHECK(text.starts_with(request->line));
    CHECK(request->line.find(request->target) != std::string_view::npos);
    CHECK((request->host_line.empty() || text.find(request->host_line) != std::string::npos));
  }
}

}  // namespace
}  // namespace kilnwatch
