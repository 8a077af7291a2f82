#include <catch2/catch_test_macros.hpp>
#include <random>
#include <string>
#include <vector>

#include "harness/dns.h"
#include "protocol/dns/message.h"
#include "protocol/dns/stream.h"

namespace kilnwatch {
namespace {

using namespace test::dns;
using protocol::addresses_of;
using protocol::DnsStream;
using protocol::DnsType;
using protocol::read_dns_answer;
using Texts = std::vector<std::string>;

constexpr unsigned kA = 1, kCname = 5, kTxt = 16, kAaaa = 28, kHttps = 65;
const std::string kSix("\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x07", 16);  // 2001:db8::7

std::string parameter(unsigned key, const std::string& value) {
  return number(key, 2) + sized(value, 2);
}

// An alias, several addresses, a signature between them.
std::string answer() {
  return message(
      "Files.Kiln.test", kA,
      {record(same(), kCname, name("edge.cdn.test")), record(same(), 46, "SIGNATURE-CANARY"),
       a(name("edge.cdn.test"), "192.0.2.1"), a(name("EDGE.cdn.test"), "192.0.2.2")});
}

// As a recording keeps it.
std::string kept(const std::string& text) {
  const auto read = read_dns_answer(text);
  std::string out(text.size(), '*');
  if (!read) return out;
  for (const auto& [at, length] : read->open) out.replace(at, length, text, at, length);
  return out;
}

TEST_CASE("an answer leads from the name that was asked for to addresses") {
  const auto read = read_dns_answer(answer());
  REQUIRE(read);
  CHECK(read->question == "files.kiln.test");
  CHECK(read->question_type == kA);
  CHECK(read->whole);
  REQUIRE(read->records.size() == 3);
  CHECK(read->records[0].type == DnsType::kCname);
  CHECK(read->records[0].owner == "files.kiln.test");
  CHECK(read->records[0].target == "edge.cdn.test");
  CHECK(read->records[0].ttl == 300);
  CHECK(read->records[1].addresses == Texts{"192.0.2.1"});
  CHECK(addresses_of(*read) == Texts{"192.0.2.1", "192.0.2.2"});
}

TEST_CASE("addresses of IPv6, mapped ones as IPv4") {
  const auto mapped = std::string("\0\0\0\0\0\0\0\0\0\0\xff\xff", 12) + v4("192.0.2.9");
  const auto read = read_dns_answer(
      message("a.test", kAaaa, {record(same(), kAaaa, kSix), record(same(), kAaaa, mapped)}));
  CHECK(addresses_of(*read) == Texts{"192.0.2.9", "2001:db8::7"});
}

TEST_CASE("aliases in any order, and rings of them") {
  const auto first = record(same(), kCname, name("b.test"));
  const auto second = record(name("b.test"), kCname, name("c.test"));
  const auto third = a(name("c.test"), "192.0.2.3");
  for (const auto& answers :
       {Texts{first, second, third}, Texts{third, second, first}, Texts{second, third, first}})
    CHECK(addresses_of(*read_dns_answer(message("a.test", kA, answers))) == Texts{"192.0.2.3"});
  const auto ring = record(name("c.test"), kCname, name("a.test"));
  CHECK(addresses_of(*read_dns_answer(message("a.test", kA, {first, second, ring}))).empty());
}

TEST_CASE("what an answer tells of other names counts for nothing") {
  const auto read =
      read_dns_answer(message("evil.test", kA,
                              {a(same(), "192.0.2.6"), a(name("pypi.test"), "192.0.2.7"),
                               record(name("pypi.test"), kCname, name("evil.test"))}));
  CHECK(addresses_of(*read) == Texts{"192.0.2.6"});
}

TEST_CASE("hints of HTTPS and SVCB records, with and without a target") {
  const auto hints = parameter(1, std::string("\x02h2", 3)) +
                     parameter(4, v4("192.0.2.1") + v4("192.0.2.2")) + parameter(6, kSix);
  const auto service = number(1, 2) + name("") + hints;
  CHECK(addresses_of(
            *read_dns_answer(message("a.test", kHttps, {record(same(), kHttps, service)}))) ==
        Texts{"192.0.2.1", "192.0.2.2", "2001:db8::7"});
  const auto alias = record(same(), kHttps, number(0, 2) + name("pool.test"));
  const auto there = record(name("pool.test"), 64, number(1, 2) + name("x.test") + hints);
  const auto read =
      read_dns_answer(message("a.test", kHttps, {alias, there, a(name("x.test"), "192.0.2.9")}));
  CHECK(read->records[1].target == "x.test");
  CHECK(addresses_of(*read).size() == 4);
  // A length that is none of addresses, and one that leads out of the record.
  const auto odd = number(1, 2) + name("") + parameter(4, "12345");
  CHECK(addresses_of(*read_dns_answer(message("a.test", kHttps, {record(same(), kHttps, odd)}))) ==
        Texts{"49.50.51.52"});
  const auto out = number(1, 2) + name("") + number(4, 2) + number(99, 2) + v4("192.0.2.1");
  CHECK(addresses_of(*read_dns_answer(message("a.test", kHttps, {record(same(), kHttps, out)})))
            .empty());
}

TEST_CASE("no name of a host is made of a question that is none") {
  for (const std::string& question :
       {std::string("192.0.2.1"), std::string("a b.test"), std::string("\xff.test")}) {
    const auto read = read_dns_answer(message(question, kA, {a(same(), "192.0.2.1")}));
    REQUIRE(read);
    CHECK(read->question.empty());
    CHECK(addresses_of(*read).empty());
  }
  // One label with a dot in it is another name than two labels.
  auto text = message("pypi.test", kA, {a(same(), "192.0.2.1")});
  text.replace(12, 11, sized("pypi.test", 1) + std::string(1, '\0'));
  CHECK(read_dns_answer(text)->question.empty());
  CHECK(read_dns_answer(message("", kA, {}))->question.empty());
}

TEST_CASE("pointers: in chains, into names, in circles, ahead, out of the message") {
  // 12: question, 24: the first record's owner; 36: its name.
  const auto chain = message("kiln.test", kA,
                             {record(same(), kCname, sized("www", 1) + same()),
                              a(pointer(12 + 11 + 4 + 12), "192.0.2.1")});
  CHECK(addresses_of(*read_dns_answer(chain)) == Texts{"192.0.2.1"});
  CHECK(read_dns_answer(chain)->records[0].target == "www.kiln.test");
  CHECK(read_dns_answer(message("a.b.test", kA, {a(pointer(14), "192.0.2.1")}))->records[0].owner ==
        "b.test");
  const std::size_t behind = message("kiln.test", kA, {}).size();
  for (const std::size_t to : {behind, behind + 2, behind + 10, std::size_t{0x3fff}}) {
    const auto read = read_dns_answer(message("kiln.test", kA, {a(pointer(to), "192.0.2.1")}));
    CHECK(read->records.empty());
    CHECK_FALSE(read->whole);
  }
  // More of them than any name has.
  Texts chained = {a(same(), "192.0.2.1")};
  std::size_t at = behind;
  for (int i = 0; i < 50; ++i) {
    chained.push_back(a(i == 0 ? same() : pointer(at), "192.0.2.1"));
    at += i == 0 ? chained.front().size() : chained.back().size();
  }
  const auto read = read_dns_answer(message("kiln.test", kA, chained));
  CHECK_FALSE(read->whole);
  CHECK(read->records.size() == protocol::kMaxDnsPointers + 1);
}

TEST_CASE("names and labels that are too long, more records than are read") {
  std::string longest;
  while (longest.size() < 240) longest += std::string(49, 'a') + ".";
  const auto fits = longest + "t";
  CHECK(read_dns_answer(message(fits, kA, {}))->question == fits);
  CHECK(read_dns_answer(message(longest + std::string(30, 'b'), kA, {}))->question.empty());
  auto text = message("kiln.test", kA, {a(same(), "192.0.2.1")});
  text[12] = 0x40;
  CHECK(addresses_of(*read_dns_answer(text)).empty());
  const Texts many(protocol::kMaxDnsRecords + 1, a(same(), "192.0.2.1"));
  const auto read = read_dns_answer(message("kiln.test", kA, many));
  CHECK(read->records.size() == protocol::kMaxDnsRecords);
  CHECK_FALSE(read->whole);
}

TEST_CASE("no answer of a resolver") {
  CHECK_FALSE(read_dns_answer(""));
  CHECK_FALSE(read_dns_answer("GET / HTTP/1.1\r\n\r\n"));
  CHECK_FALSE(read_dns_answer(message("kiln.test", kA, {}, 0x0100)));  // a question
  CHECK_FALSE(read_dns_answer(message("kiln.test", kA, {}, 0xa800)));  // an update's
  auto two = message("kiln.test", kA, {});
  two[5] = 2;
  CHECK_FALSE(read_dns_answer(two));
  auto chaos = message("kiln.test", kA, {a(same(), "192.0.2.1")});
  chaos[chaos.size() - 11 - 6] = 3;  // class of the question
  CHECK(read_dns_answer(chaos)->question.size() <= 9);
  const auto none = read_dns_answer(message("kiln.test", kA, {}, 0x8183));
  REQUIRE(none);
  CHECK(none->whole);
}

TEST_CASE("an answer that is cut off tells whole records or nothing") {
  const auto whole = answer();
  for (std::size_t size = 0; size < whole.size(); ++size) {
    const auto read = read_dns_answer(whole.substr(0, size));
    if (!read) continue;
    CHECK_FALSE(read->whole);
    CHECK((read->question.empty() || read->question == "files.kiln.test"));
    const auto addresses = addresses_of(*read);
    CHECK((addresses.empty() || addresses == Texts{"192.0.2.1"}));
  }
}

TEST_CASE("what is kept of an answer reads the same and holds nothing else") {
  const auto text = message("a.test", kTxt,
                            {record(same(), kTxt, sized("TXT-CANARY", 1)), a(same(), "192.0.2.1"),
                             record(same(), kHttps,
                                    number(1, 2) + name("") + parameter(5, "ECH-CANARY") +
                                        parameter(4, v4("192.0.2.2")))});
  for (const auto& one : {text, answer()}) {
    const auto again = kept(one);
    CHECK(again.find("CANARY") == again.npos);
    CHECK(addresses_of(*read_dns_answer(again)) == addresses_of(*read_dns_answer(one)));
    CHECK(kept(again) == again);
  }
  // Every run of labels is named, for what in it must be masked.
  const auto read = read_dns_answer(answer());
  std::string runs;
  for (const auto& [at, length] : read->names) runs += answer().substr(at, length) + "|";
  CHECK(
      runs.starts_with("\x05"
                       "Files\x04"
                       "Kiln\x04"
                       "test|"));
}

TEST_CASE("garbage in an answer: ranges stay inside the message and do not overlap") {
  std::mt19937 random(7);
  for (int round = 0; round < 20'000; ++round) {
    auto text = answer();
    for (auto i = random() % 6; i > 0; --i)
      text[random() % text.size()] = static_cast<char>(random());
    text.resize(random() % (text.size() + 1));
    const auto read = read_dns_answer(text);
    if (!read) continue;
    std::size_t end = 0;
    for (const auto& [at, length] : read->open) {
      CHECK(at >= end);
      end = at + length;
    }
    CHECK(end <= text.size());
    CHECK(addresses_of(*read_dns_answer(kept(text))) == addresses_of(*read));
  }
}

TEST_CASE("messages of a TCP connection, however they are split") {
  const Texts messages = {answer(), "x", message("b.test", kA, {}), std::string(300, 'y')};
  std::string bytes = number(0, 2);  // an empty one is none
  for (const auto& one : messages) bytes += sized(one, 2);
  CHECK(DnsStream().read(bytes) == messages);
  std::mt19937 random(7);
  for (int round = 0; round < 200; ++round) {
    DnsStream stream;
    Texts read;
    for (std::size_t at = 0; at < bytes.size();) {
      const auto size = round == 0 ? 1 : 1 + random() % 90;
      for (auto& one : stream.read(std::string_view(bytes).substr(at, size)))
        read.push_back(std::move(one));
      at += size;
    }
    CHECK(read == messages);
    CHECK(stream.cut() == 0);
  }
}

TEST_CASE("a long message of a TCP connection is told in part, and the next one whole") {
  DnsStream stream;
  const auto read = stream.read(sized(std::string(65'535, 'x'), 2) + sized("next", 2));
  REQUIRE(read.size() == 2);
  CHECK(read[0] == std::string(protocol::kMaxDnsMessage, 'x'));
  CHECK(read[1] == "next");
  CHECK(stream.cut() == 1);
}

TEST_CASE("bytes of a TCP connection that were not seen") {
  DnsStream stream;
  CHECK(stream.read(number(10, 2) + "abc").empty());
  CHECK(stream.pass(4).empty());
  CHECK(stream.read("xyz" + sized("next", 2)) == Texts{"abc", "next"});
  CHECK(stream.cut() == 1);
  CHECK(stream.read(number(5, 2) + "ab").empty());
  CHECK(stream.pass(3) == Texts{"ab"});
  CHECK(stream.read(sized("one", 2)) == Texts{"one"});
  CHECK_FALSE(stream.lost());
  // Where the next one begins is not known.
  CHECK(stream.read(number(5, 2) + "ab").empty());
  CHECK(stream.pass(9) == Texts{"ab"});
  CHECK(stream.lost());
  CHECK(stream.read(sized("one", 2)).empty());
  DnsStream half;
  CHECK(half.read(number(0, 1)).empty());
  CHECK(half.pass(1).empty());
  CHECK(half.lost());
}

}  // namespace
}  // namespace kilnwatch
