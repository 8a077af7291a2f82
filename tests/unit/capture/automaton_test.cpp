#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <string>

#include "capture/live/head_automaton.h"

using namespace kilnwatch::capture;

namespace {

struct Scan {
  std::size_t end = 0;  // bytes of the head; 0: it goes on
  std::uint64_t length = 0;
  bool chunked = false;
  bool bad = false;
  bool preface = false;
  bool h2c = false;
};

// The loop of bpf/lib/filter/framing.bpf.h, scan_head.
Scan scan(const std::string& head, std::size_t state = kHeadStart) {
  static const auto table = make_head_automaton();
  Scan out;
  for (std::size_t i = 0; i < head.size(); ++i) {
    const auto c = static_cast<std::uint8_t>(head[i]);
    const auto entry = table[state << 8 | c];
    state = entry & 63U;
    if (entry >> 8 == kHeadDigit) out.length = out.length * 10 + (c & 15U);
    if (entry >> 8 == kHeadLength) out.length = 0;
    if (entry >> 8 == kHeadChunked) out.chunked = true;
    if (entry >> 8 == kHeadPreface) out.preface = true;
    if (entry >> 8 == kHeadH2c) out.h2c = true;
    if (entry >> 8 == kHeadBad) {
      out.bad = true;
      return out;
    }
    if (entry >> 8 == kHeadEnd) {
      out.end = i + 1;
      return out;
    }
  }
  return out;
}

}  // namespace

TEST_CASE("The end of a head is found, with CRLF and with bare LF") {
  for (const std::string head : {"GET / HTTP/1.1\r\nHost: x\r\n\r\n", "GET / HTTP/1.1\nHost: x\n\n",
                                 "\r\n\r\nGET / HTTP/1.0\r\n\r\n"}) {
    CHECK(scan(head + "body").end == head.size());
    CHECK(scan(head.substr(0, head.size() - 1)).end == 0);
  }
}

TEST_CASE("Content-Length is read in any letter case, as a whole name, at a line's start") {
  CHECK(scan("POST / HTTP/1.1\r\nContent-Length: 1234\r\n\r\n").length == 1234);
  CHECK(scan("POST / HTTP/1.1\r\nCONTENT-LENGTH:7\r\nA: b\r\n\r\n").length == 7);
  CHECK(scan("POST / HTTP/1.1\r\nX-Content-Length: 9\r\n\r\n").length == 0);
  CHECK(scan("POST /?content-length:5 HTTP/1.1\r\nA: b\r\n\r\n").length == 0);
  CHECK(scan("POST / HTTP/1.1\r\nContent-Length: 12\r\nContent-Length: 12\r\n\r\n").length == 12);
}

TEST_CASE("Transfer-Encoding: chunked is seen, also after another coding") {
  CHECK(scan("POST / HTTP/1.1\r\ntransfer-encoding: Chunked\r\n\r\n").chunked);
  CHECK(scan("POST / HTTP/1.1\r\nTransfer-Encoding: gzip, chunked\r\n\r\n").chunked);
  CHECK_FALSE(scan("POST / HTTP/1.1\r\nTransfer-Encoding: gzip\r\nX: chunked\r\n\r\n").chunked);
}

TEST_CASE("A value may go on in the next line") {
  CHECK(scan("POST / HTTP/1.1\r\nTransfer-Encoding:\r\n chunked\r\n\r\n").chunked);
  CHECK(scan("POST / HTTP/1.1\r\nTransfer-Encoding: gzip,\n\tchunked\r\n\r\n").chunked);
  CHECK(scan("POST / HTTP/1.1\r\nContent-Length:\r\n 12\r\n\r\n").length == 12);
  CHECK(scan("POST / HTTP/1.1\r\nTransfer-Encoding:\r\nContent-Length: 5\r\n\r\n").length == 5);
  CHECK(scan("POST / HTTP/1.1\r\nContent-Length:\r\n\r\n").end != 0);
}

TEST_CASE("What is no request line is refused at its first word") {
  CHECK_FALSE(scan("POST / HTTP/1.1\r\n").bad);
  CHECK_FALSE(scan("m-search / HTTP/1.1\r\n").bad);
  CHECK(scan("\x16\x03\x01").bad);
  CHECK(scan(std::string("Dockerfile\0\0", 12)).bad);
  CHECK(scan("POST\r\n").bad);
  CHECK(scan("POST / HTTP/1.1\r\nHost: \x16\r\n\r\n").end != 0);
}

TEST_CASE("The preface of HTTP/2 is met at its blank, and is no other method's") {
  CHECK(scan("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").preface);
  for (const std::string head :
       {"POST / HTTP/1.1\r\n\r\n", "PR / HTTP/1.1\r\n\r\n", "PRIX / HTTP/1.1\r\n\r\n",
        "PRO / HTTP/1.1\r\n\r\n", "PUT /PRI  HTTP/1.1\r\nPRI : x\r\n\r\n"}) {
    CHECK_FALSE(scan(head).preface);
    CHECK(scan(head).end == head.size());
  }
}

TEST_CASE("An answer says that HTTP/2 comes next") {
  const std::string line = "HTTP/1.1 101 Switching Protocols\r\n";
  CHECK(scan(line + "Connection: Upgrade\r\nUpgrade: h2c\r\n\r\n", kHeadLine).h2c);
  CHECK(scan(line + "upgrade:H2C\r\n\r\n", kHeadLine).h2c);
  CHECK(scan(line + "upgrade:H2C\r\n\r\n", kHeadLine).end != 0);
  CHECK_FALSE(scan(line + "Upgrade: tcp\r\nX: h2c\r\n\r\n", kHeadLine).h2c);
  CHECK_FALSE(scan(line + "X-Upgrade: h2c\r\n\r\n", kHeadLine).h2c);
}
