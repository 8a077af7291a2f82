#include <catch2/catch_test_macros.hpp>
#include <random>
#include <string>
#include <vector>

#include "protocol/http1/parser.h"

using namespace kilnwatch::protocol;

namespace {

// The callbacks as one text: "[METHOD target]body bytes;" for each message that ended.
struct Log final : MessageSink {
  void line(Line, std::uint64_t, std::string_view) override {}
  Body head(Head head) override {
    text += "[" + head.first + " " + head.second + "]";
    last = head;
    return answer;
  }
  void body(std::uint64_t, std::string_view bytes) override { text += bytes; }
  void end() override { text += ";"; }
  void broken(std::string_view reason) override { text += "!" + std::string(reason); }

  std::string text;
  Head last;
  Body answer = Body::kFramed;
};

Log read_in(const std::string& bytes, bool response, Body answer, auto&& piece) {
  Log log;
  log.answer = answer;
  Parser parser(response, log);
  for (std::size_t at = 0; at < bytes.size();) {
    const auto n = std::min(bytes.size() - at, static_cast<std::size_t>(piece()));
    parser.feed(at, std::string_view(bytes).substr(at, n));
    at += n;
  }
  parser.finish();
  return log;
}

// Read whole, byte by byte and in random pieces: all must be the same.
Log read(const std::string& bytes, bool response = false, Body answer = Body::kFramed) {
  auto whole = read_in(bytes, response, answer, [&] { return bytes.size(); });
  CHECK(read_in(bytes, response, answer, [] { return 1; }).text == whole.text);
  for (unsigned seed = 0; seed < 20; ++seed) {
    std::mt19937 random(seed);
    CHECK(read_in(bytes, response, answer, [&] { return 1 + random() % 9; }).text == whole.text);
  }
  return whole;
}

std::string request(const std::string& text) { return read(text).text; }
std::string response(const std::string& text, Body answer = Body::kFramed) {
  return read(text, true, answer).text;
}

const std::string kPost = "POST /x HTTP/1.1\r\nHost: h\r\n";
const std::string kNext = "GET /next HTTP/1.1\r\n\r\n";

}  // namespace

TEST_CASE("Chunk sizes may carry extensions") {
  CHECK(request(kPost +
                "Transfer-Encoding: chunked\r\n\r\n5;x=y\r\nhello\r\n6 ; a=\"b\"\r\n "
                "world\r\n0;z\r\n\r\n" +
                kNext) == "[POST /x]hello world;[GET /next];");
}

TEST_CASE("A chunk size that net/http refuses ends the reading") {
  for (const std::string size : {"", "5g", "-5", "0x5", " 5", "12345678901234567"}) {
    CHECK(request(kPost + "Transfer-Encoding: chunked\r\n\r\n" + size + "\r\nhello\r\n0\r\n\r\n")
              .starts_with("[POST /x]!"));
  }
  CHECK(request(kPost + "Transfer-Encoding: chunked\r\n\r\n2\r\nhello\r\n0\r\n\r\n") ==
        "[POST /x]he!a chunk is longer than its size");
  CHECK(request(kPost + "Transfer-Encoding: chunked\r\n\r\n5;" + std::string(5000, 'x')) ==
        "[POST /x]!a chunk-size line is too long");
}

TEST_CASE("Trailers belong to the message before them") {
  CHECK(request(kPost + "Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\nX: y\r\n z\r\n\r\n" +
                kNext) == "[POST /x]a;[GET /next];");
}

TEST_CASE("Lines may end in LF alone") {
  CHECK(request("POST /x HTTP/1.1\nContent-Length: 2\n\nabGET /next HTTP/1.1\n\n") ==
        "[POST /x]ab;[GET /next];");
  CHECK(request("POST /x HTTP/1.1\nTransfer-Encoding: chunked\n\n2\nab\r\n0\n\n" + kNext) ==
        "[POST /x]ab;[GET /next];");
}

TEST_CASE("A folded value is one value, also one that frames") {
  const auto log =
      read("POST /x HTTP/1.1\r\nUser-Agent: a\r\n\tb\r\n  c \r\nContent-Length:\r\n 3\r\n\r\nabc");
  CHECK(log.text == "[POST /x]abc;");
  CHECK(log.last.field("user-agent") == "a b c");
  // A line of blanks goes on with the field before it: it does not end the head.
  CHECK(request(kPost + " \r\nContent-Length: 1\r\n\r\na" + kNext) == "[POST /x]a;[GET /next];");
}

TEST_CASE("Empty lines before a request line are passed over") {
  CHECK(request("\r\n\r\n\n" + kNext) == "[GET /next];");
  CHECK(request(kPost + "Content-Length: 1\r\n\r\na\r\n\r\n" + kNext) == "[POST /x]a;[GET /next];");
}

TEST_CASE("Content-Length may stand twice when it is equal, not when it differs") {
  CHECK(request(kPost + "Content-Length: 2\r\ncontent-length: 2 \r\n\r\nab" + kNext) ==
        "[POST /x]ab;[GET /next];");
  CHECK(request(kPost + "Content-Length: 2\r\nContent-Length: 20\r\n\r\nab" + kNext) ==
        "[POST /x]!Content-Length twice, not the same");
}

TEST_CASE("Content-Length is a plain number") {
  for (const std::string value : {"+2", "-2", "2, 2", "0x2", "2 2", "9223372036854775808"})
    CHECK(request(kPost + "Content-Length: " + value + "\r\n\r\nab") ==
          "[POST /x]!Content-Length is no number");
  CHECK(request(kPost + "Content-Length:\r\n\r\n" + kNext) == "[POST /x];[GET /next];");
  CHECK(request(kPost + "Content-Length : 2\r\n\r\n" + kNext) == "[POST /x];[GET /next];");
}

TEST_CASE("Transfer-Encoding wins over Content-Length") {
  for (const std::string both : {"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n",
                                 "Transfer-Encoding: Chunked\r\nContent-Length: 3\r\n"})
    CHECK(request(kPost + both + "\r\n1\r\na\r\n0\r\n\r\n" + kNext) == "[POST /x]a;[GET /next];");
}

TEST_CASE("The last coding decides, over several fields too") {
  CHECK(request(kPost + "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n" + kNext) ==
        "[POST /x];[GET /next];");
  CHECK(request(kPost + "Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n") ==
        "[POST /x];");
  for (const std::string coding : {"xchunked", "chunked, gzip", "identity", "chunked;q=1"})
    CHECK(request(kPost + "Transfer-Encoding: " + coding + "\r\n\r\n") ==
          "[POST /x]!a transfer coding that is not chunked");
}

TEST_CASE("HTTP/1.0 knows no transfer coding, needs no Host") {
  CHECK(request("POST /x HTTP/1.0\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n" +
                kNext) == "[POST /x]0\r\n;[GET /next];");
  CHECK(request("GET /next HTTP/1.0\r\n\r\n") == "[GET /next];");
}

TEST_CASE("100 Continue and other 1xx come before the answer") {
  CHECK(response("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"
                 "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok") ==
        "[HTTP/1.1 100][HTTP/1.1 103][HTTP/1.1 200]ok;");
}

TEST_CASE("204, 304 and answers to HEAD have no body") {
  CHECK(response("HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n"
                 "HTTP/1.1 304 Not Modified\r\nTransfer-Encoding: chunked\r\n\r\n"
                 "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n") ==
        "[HTTP/1.1 204];[HTTP/1.1 304];[HTTP/1.1 200];");
  CHECK(response("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nHTTP/1.1 200 OK\r\n\r\n",
                 Body::kNone) == "[HTTP/1.1 200];[HTTP/1.1 200];");
}

TEST_CASE("An answer without a length lasts until the connection is closed") {
  CHECK(response("HTTP/1.0 200 OK\r\n\r\nHTTP/1.1 not a head\r\n") ==
        "[HTTP/1.0 200]HTTP/1.1 not a head\r\n;");
}

TEST_CASE("After 101 nothing is read as HTTP") {
  CHECK(response("HTTP/1.1 101 UPGRADED\r\nUpgrade: tcp\r\n\r\nHTTP/1.1 200 OK\r\n\r\n") ==
        "[HTTP/1.1 101]");
}

TEST_CASE("Pipelined requests are apart from one another") {
  CHECK(request(kNext + kPost + "Content-Length: 1\r\n\r\na" + kNext + kNext) ==
        "[GET /next];[POST /x]a;[GET /next];[GET /next];");
}

TEST_CASE("Any target is handed on as it stands") {
  CHECK(request("OPTIONS * HTTP/1.1\r\n\r\n") == "[OPTIONS *];");
  CHECK(request("POST http://h/%62uild?a=b HTTP/1.1\r\n\r\n") == "[POST http://h/%62uild?a=b];");
}

TEST_CASE("What is no HTTP/1 is not read") {
  for (const std::string text :
       {"\x16\x03\x01\x02\n", "PRI * HTTP/2.0\r\n", "GET /\r\n", "GET  / HTTP/1.1\r\n",
        " GET / HTTP/1.1\r\n", "GET / HTTP/1.1 x\r\n", "GET / HTTP/1.\r\n"})
    CHECK(request(text) == "!no HTTP/1 request line");
}

TEST_CASE("A head may be as long as net/http takes, not longer") {
  const std::string start = "GET / HTTP/1.1\r\nA: ";
  const std::string line(kHeadLimit - start.size() - 4, 'a');
  Log log;
  Parser fits(false, log);
  fits.feed(0, start + line + "\r\n\r\n");
  CHECK(log.text == "[GET /];");
  Log over;
  Parser parser(false, over);
  parser.feed(0, start + line + "aa\r\n\r\n");
  CHECK(over.text == "!a head is too long");
  CHECK(parser.lost());
}

TEST_CASE("Framing fields count however many others stand before them") {
  std::string many;
  for (int i = 0; i < 2000; ++i)
    many += "X-Fill-" + std::to_string(i) + ": " + std::string(60, 'x') + "\r\n";
  CHECK(request(kPost + many + "Content-Length: 2\r\n\r\nab" + kNext) ==
        "[POST /x]ab;[GET /next];");
}

TEST_CASE("Bytes of a body that were not seen do not harm framing") {
  Log log;
  Parser parser(false, log);
  const auto head = kPost + "Content-Length: 100\r\n\r\nab";
  parser.feed(0, head);
  parser.hole(98);
  parser.feed(head.size() + 98, kNext);
  CHECK(log.text == "[POST /x]ab;[GET /next];");
}

TEST_CASE("A hole over the end of a chunk holds when it is the line end") {
  for (const std::uint64_t more : {0, 1, 2}) {
    Log log;
    Parser parser(true, log);
    parser.feed(0, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n10\r\nabc");
    parser.hole(13 + more);
    parser.feed(0, std::string("\r\n").substr(more) + "1\r\nd\r\n0\r\n\r\n");
    CHECK(log.text == "[HTTP/1.1 200]abcd;");
  }
}

TEST_CASE("A hole outside a body loses the framing, until a resync") {
  Log log;
  Parser parser(false, log);
  parser.feed(0, "GET / HT");
  parser.hole(3);
  CHECK(parser.lost());
  parser.feed(11, kNext);
  CHECK(log.text == "!bytes between bodies were not seen");
  parser.resync();
  parser.feed(11 + kNext.size(), kNext);
  CHECK(log.text.ends_with("[GET /next];"));
}

TEST_CASE("Every understood byte of lines is told once, at its place") {
  struct Lines final : MessageSink {
    void line(Line, std::uint64_t pos, std::string_view raw) override {
      CHECK(pos == next);
      next = pos + raw.size();
    }
    Body head(Head) override { return Body::kFramed; }
    void body(std::uint64_t pos, std::string_view bytes) override {
      CHECK(pos == next);
      next = pos + bytes.size();
    }
    void end() override {}
    void broken(std::string_view) override { FAIL(); }
    std::uint64_t next = 0;
  } lines;
  const auto text =
      "\r\n" + kPost + "Transfer-Encoding: chunked\r\n\r\n2;x\r\nab\r\n0\r\nT: x\r\n\r\n" + kNext;
  Parser parser(false, lines);
  for (std::size_t i = 0; i < text.size(); ++i) {
    parser.feed(i, std::string_view(text).substr(i, 1));
    CHECK(parser.untold(i + 1) == lines.next);
  }
  CHECK(lines.next == text.size());
}
