#include <algorithm>
#include <catch2/catch_test_macros.hpp>
#include <random>
#include <string>
#include <vector>

#include "harness/hex.h"
#include "harness/quic.h"
#include "harness/quic_datagrams.h"
#include "protocol/quic/initial_reader.h"
#include "protocol/tls/client_hello.h"

namespace kilnwatch {
namespace {

namespace quic = test::quic;
using protocol::quic::CryptoStream;
using protocol::quic::InitialReader;
using protocol::quic::read_frames;
using quic::Version;
using test::from_hex;

template <class Bytes>
std::string hex(const Bytes& bytes) {
  constexpr const char* kDigits = "0123456789abcdef";
  std::string out;
  for (const auto byte : bytes) {
    out += kDigits[static_cast<std::uint8_t>(byte) >> 4];
    out += kDigits[static_cast<std::uint8_t>(byte) & 15];
  }
  return out;
}

std::string name_in(const InitialReader& reader) {
  const auto hello = protocol::read_client_hello(reader.hello());
  return hello ? hello->server_name : "";
}

// Of datagrams that come in this order; empty where the hello is not whole.
std::string name_of(const std::vector<std::string>& datagrams) {
  InitialReader reader;
  for (const auto& datagram : datagrams) reader.add(datagram);
  return reader.whole() ? name_in(reader) : "";
}

TEST_CASE("quic: the keys of RFC 9001, A.1 and RFC 9369, A.1") {
  const auto id = from_hex("8394c8f03e515708");
  const auto first = protocol::quic::client_keys(Version::k1, id);
  REQUIRE(first);
  CHECK(hex(first->key) == "1f369613dd76d5467730efcbe3b1a22d");
  CHECK(hex(first->iv) == "fa044b2f42a3fd3b46fb255c");
  CHECK(hex(first->header) == "9f50449e04a0e810283a1e9933adedd2");
  const auto mask =
      protocol::quic::header_mask(*first, from_hex("d1b1c98dd7689fb8ec11d242b123dc9b"));
  REQUIRE(mask);
  CHECK(hex(*mask) == "437b9aec36");
  const auto second = protocol::quic::client_keys(Version::k2, id);
  REQUIRE(second);
  CHECK(hex(second->key) == "8b1a0bc121284290a29e0971b5cd045d");
  CHECK(hex(second->iv) == "91f73e2351d8fa91660e909f");
  CHECK(hex(second->header) == "45b95e15235d6f45a6b19cbcb0294ba9");
}

TEST_CASE("quic: the client's packet of RFC 9001, A.2 and RFC 9369, A.2") {
  for (const char* text : {quic::kRfc9001, quic::kRfc9369}) {
    InitialReader reader;
    reader.add(from_hex(text));
    CHECK(reader.whole());
    CHECK(name_in(reader) == "example.com");
    CHECK(hex(reader.hello()).starts_with("16030100f1010000ed0303ebf8fa56f12939b9584a3896472e"));
    CHECK(reader.hello().size() == 5 + 241);
    CHECK(reader.refused() == 0);
  }
}

TEST_CASE("quic: what real clients sent") {
  CHECK(name_of({from_hex(quic::kGtlsclient)}) == "localhost");
  for (const auto& client : {quic::kCurlOpenssl, quic::kCurlNgtcp2, quic::kOpenssl}) {
    const auto first = from_hex(client[0]);
    const auto second = from_hex(client[1]);
    CHECK(name_of({first}).empty());
    CHECK(name_of({first, second}) == "files.kiln.test");
    CHECK(name_of({second, first}) == "files.kiln.test");
    CHECK(name_of({first + second}) == "files.kiln.test");  // as for UDP_SEGMENT
    CHECK(name_of({first, first, second, second}) == "files.kiln.test");
  }
}

TEST_CASE("quic: a hello in pieces of any size and order, over several packets") {
  const auto hello = quic::hello("a.kiln.test", 1700);
  for (const std::size_t size : {40U, 100U, 999U, 1100U}) {
    auto datagrams = quic::datagrams(hello, size);
    CHECK(name_of(datagrams) == "a.kiln.test");
    std::reverse(datagrams.begin(), datagrams.end());
    CHECK(name_of(datagrams) == "a.kiln.test");
  }
  // One client shuffles it within a packet, with pings and padding between.
  std::vector<std::string> frames;
  for (std::size_t at = 0; at < hello.size(); at += 50)
    frames.push_back(quic::crypto(at, hello.substr(at, 50)) + std::string("\x01\0\0\x01", 4));
  std::mt19937 random(3);
  for (int round = 0; round < 20; ++round) {
    std::shuffle(frames.begin(), frames.end(), random);
    std::string first, second;
    for (std::size_t i = 0; i < frames.size(); ++i) (i % 2 == 0 ? first : second) += frames[i];
    quic::Shape shape;
    shape.packet = 1;
    CHECK(name_of({quic::initial(first), quic::initial(second, shape)}) == "a.kiln.test");
  }
}

TEST_CASE("quic: by version 2, behind a token, in a datagram with other packets and filling") {
  const auto frames = quic::crypto(0, quic::hello("a.kiln.test"));
  quic::Shape shape;
  shape.version = Version::k2;
  CHECK(name_of({quic::initial(frames, shape)}) == "a.kiln.test");
  shape.token = std::string(100, 't');
  CHECK(name_of({quic::initial(frames, shape)}) == "a.kiln.test");
  // 0-RTT by version 1: its frames are under other keys.
  const std::string early = "\xd3" + quic::big_endian(1, 4) + quic::big_endian(8, 1) + "8 bytes." +
                            quic::big_endian(0, 1) + quic::number(60) + std::string(60, 'x');
  shape = {};
  shape.least = 0;
  const auto packet = quic::initial(frames, shape);
  CHECK(name_of({early + packet}) == "a.kiln.test");
  CHECK(name_of({packet + early}) == "a.kiln.test");
  CHECK(name_of({early + std::string(900, '\0') + packet}) == "a.kiln.test");
}

TEST_CASE("quic: a Retry makes new keys, an id that the server chose does not") {
  const auto hello = quic::hello("a.kiln.test", 1700);
  quic::Shape first, retried;
  retried.id = "new id";
  retried.token = "token";
  const auto half = hello.size() / 2;
  const auto front = quic::crypto(0, hello.substr(0, half));
  const auto rest = quic::crypto(half, hello.substr(half));
  CHECK(name_of({quic::initial(front, first), quic::initial(front, retried),
                 quic::initial(rest, retried)}) == "a.kiln.test");
  quic::Shape chosen;
  chosen.id = "server";
  chosen.keys_of = first.id;
  CHECK(name_of({quic::initial(front, first), quic::initial(rest, chosen)}) == "a.kiln.test");
  chosen.keys_of = "nobody's";
  CHECK(name_of({quic::initial(front, first), quic::initial(rest, chosen)}).empty());
}

TEST_CASE("quic: acknowledgements and a close stand between, an unknown frame ends the packet") {
  const auto hello = quic::crypto(0, quic::hello("a.kiln.test"));
  const auto n = [](std::uint64_t value) { return quic::number(value, 1); };
  const auto ack = n(2) + n(9) + n(0) + n(2) + n(1) + n(0) + n(1) + n(0) + n(1);
  const auto ecn = n(3) + n(9) + n(0) + n(0) + n(1) + n(4) + n(5) + n(6);
  const auto close = n(0x1c) + n(1) + n(0) + n(3) + "bye";
  CHECK(name_of({quic::initial(ack + ecn + close + hello)}) == "a.kiln.test");
  CHECK(name_of({quic::initial("\x30" + hello)}).empty());
  CHECK(name_of({quic::initial(hello + "\x30")}) == "a.kiln.test");
}

TEST_CASE("quic: no hello") {
  const auto packet = quic::initial(quic::crypto(0, quic::hello("a.kiln.test")));
  auto other = packet;
  other[1] = '\x7f';  // version
  const auto server = quic::crypto(0, "\x02" + quic::hello("a.kiln.test").substr(1));
  for (const std::string& text : {std::string(), std::string(1200, '\0'), std::string(1200, 'x'),
                                  other, quic::initial(server), packet.substr(1)}) {
    InitialReader reader;
    reader.add(text);
    CHECK(reader.hello().empty());
    CHECK_FALSE(reader.whole());
  }
}

TEST_CASE(
    "quic: a changed byte anywhere in a packet, or one that is missing, and nothing is read") {
  const auto packet = quic::initial(quic::crypto(0, quic::hello("a.kiln.test")));
  for (std::size_t at = 0; at < packet.size(); ++at) {
    auto changed = packet;
    changed[at] = static_cast<char>(changed[at] ^ 0x10);
    CHECK(name_of({changed}).empty());
    CHECK(name_of({packet.substr(0, at)}).empty());
  }
}

TEST_CASE("quic: what comes first stands, and the better known attempt is told") {
  const auto hello = quic::hello("first.test", 1700);
  CryptoStream stream;
  stream.add(4, "efgh");
  stream.add(2, "CDEFGHIJ");
  CHECK(stream.front().empty());
  stream.add(0, "ab??");
  CHECK(stream.front() == "abCDefghIJ");
  stream.add(3, "xx");
  CHECK(stream.front() == "abCDefghIJ");

  InitialReader reader;
  for (const auto& datagram : quic::datagrams(hello)) reader.add(datagram);
  quic::Shape shape;
  shape.id = "another id";
  reader.add(quic::initial(quic::crypto(0, quic::hello("second.test")), shape));
  CHECK(name_in(reader) == "first.test");
  InitialReader partly;
  partly.add(quic::datagrams(hello)[0]);
  CHECK_FALSE(partly.whole());
  CHECK(partly.hello().size() == 5 + 1100);
  partly.add(quic::initial(quic::crypto(0, quic::hello("second.test")), shape));
  CHECK(partly.whole());
  CHECK(name_in(partly) == "second.test");
}

TEST_CASE("quic: a second hello behind the first one is none of it") {
  const auto hello = quic::hello("a.kiln.test");
  InitialReader reader;
  reader.add(quic::initial(quic::crypto(0, hello + quic::hello("b.kiln.test"))));
  CHECK(reader.hello().size() == 5 + hello.size());
}

TEST_CASE("quic: pieces, packets and attempts have their limits, and are counted") {
  using namespace protocol::quic;
  CryptoStream stream;
  stream.add(kMaxHello, "x");
  stream.add(~std::uint64_t{0}, "x");
  CHECK(stream.refused() == 2);
  stream.add(kMaxHello - 1, "x");
  for (std::size_t i = 0; i < kMaxPieces + 3; ++i) stream.add(10 + 2 * i, "x");
  CHECK(stream.refused() == 6);
  stream.add(0, std::string(kMaxHello, 'y'));
  CHECK(stream.front().size() == kMaxHello);

  InitialReader reader;
  quic::Shape shape;
  for (std::size_t i = 0; i < kMaxAttempts + 2; ++i) {
    shape.id = "id " + std::to_string(i);
    reader.add(quic::initial(quic::crypto(0, "\x01\x01"), shape));
  }
  CHECK(reader.refused() == 2);
  shape.least = 0;
  std::string many;
  for (std::size_t i = 0; i < kMaxPackets + 3; ++i) many += quic::initial("\x01", shape);
  InitialReader crowded;
  crowded.add(many);
  CHECK(crowded.refused() == 1);
}

TEST_CASE("quic: garbage in frames and packets is survived") {
  std::mt19937 random(11);
  for (int round = 0; round < 20'000; ++round) {
    std::string frames(random() % 200, '\0');
    for (char& c : frames) c = static_cast<char>(random() % (round % 2 == 0 ? 256 : 8));
    CryptoStream stream;
    read_frames(frames, stream);
    CHECK(stream.front().size() <= frames.size());
  }
  const auto client = from_hex(quic::kGtlsclient);
  for (int round = 0; round < 2'000; ++round) {
    auto text = client;
    for (auto i = random() % 4; i > 0; --i) text[random() % 40] = static_cast<char>(random());
    text.resize(random() % (text.size() + 1));
    InitialReader reader;
    reader.add(text);
    const auto hello = reader.hello();
    CHECK((hello.empty() || hello.size() < text.size()));
  }
}

}  // namespace
}  // namespace kilnwatch
