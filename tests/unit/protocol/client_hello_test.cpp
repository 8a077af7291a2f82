#include "protocol/tls/client_hello.h"

#include <catch2/catch_test_macros.hpp>
#include <random>
#include <string>
#include <vector>

#include "harness/hex.h"

namespace kilnwatch {
namespace {

using protocol::read_client_hello;

// What real clients sent to files.kiln.test on loopback.
constexpr const char* kOpenssl =  // openssl s_client 3.0
    "160301013c01000138030375d04b44dcbfd06b70fa088da55865bf042a7f20894371868c049bdf0905761a20"
    "53b3ee15795d3b2f019f1a759e699933c676fc54237361d3f317c89059e7537e003e130213031301c02cc030"
    "009fcca9cca8ccaac02bc02f009ec024c028006bc023c0270067c00ac0140039c009c0130033009d009c003d"
    "003c0035002f00ff010000b100000014001200000f66696c65732e6b696c6e2e74657374000b000403000102"
    "000a00160014001d0017001e0019001801000101010201030104002300000016000000170000000d002a0028"
    "040305030603080708080809080a080b080408050806040105010601030303010302040205020602002b0009"
    "080304030303020301002d00020101003300260024001d0020df1f317cb9fe5abba134f25ccb3e2cc916ab48"
    "5e2901cd2ead168f282f52711f";
constexpr const char* kGnutls =  // git 2.39, GnuTLS 3.7: the name comes last
    "160301018f0100018b030336f1af6ae5a9689cf0db64168a1cf059fe6eec007df1595acb90b2f92ee5940420"
    "c39fadfbcfc4c04fcd9155061470748cb5f482563ec09096f7cbb377687d62fb003a1302130313011304c02c"
    "cca9c0adc00ac02bc0acc009c030cca8c014c02fc013009dc09d0035009cc09c002f009fccaac09f0039009e"
    "c09e003301000108000500050100000000000a00160014001700180019001d001e0100010101020103010400"
    "0b00020100000d00220020040108090804040308070501080a0805050308080601080b080606030201020300"
    "10000e000c02683208687474702f312e3100160000001700000033006b0069001700410445b0aae630284c47"
    "eb1584e70b448aeff2ac635a1ede81d0701b044742159c7d8f3eb51f52503160009214e29447d5bfb7b6ea8b"
    "eb3f1863815fb8f0871864d8001d0020cc2d150ee32acfa3fc7dd50ef7931dfe9bd3f5b50bdc2d7852d98d4d"
    "f8551573002b0009080304030303020301ff0100010000000014001200000f66696c65732e6b696c6e2e7465"
    "7374001c00024001";
constexpr const char* kPython =  // python 3.11
    "1603010200010001fc0303c0c269564bb57226029701f53a24bdeb891ceafa6c9b55238a160540b7056af320"
    "3d589a79fcc884c05117e76b0199f6afa7b710147b0f98e83a98bed8a82d2e5e0024130213031301c02cc030"
    "c02bc02fcca9cca8c024c028c023c027009f009e006b006700ff0100018f00000014001200000f66696c6573"
    "2e6b696c6e2e74657374000b000403000102000a00160014001d0017001e0019001801000101010201030104"
    "002300000016000000170000000d002a0028040305030603080708080809080a080b08040805080604010501"
    "0601030303010302040205020602002b00050403040303002d00020101003300260024001d0020c72b5a9904"
    "6760118017dadf199b14b62e00366330cf35d760782e8c6d78b52e001500de00000000000000000000000000"
    "0000000000000000000000000000000000000000000000000000000000000000000000000000000000000000"
    "0000000000000000000000000000000000000000000000000000000000000000000000000000000000000000"
    "0000000000000000000000000000000000000000000000000000000000000000000000000000000000000000"
    "0000000000000000000000000000000000000000000000000000000000000000000000000000000000000000"
    "000000000000000000000000000000000000000000000000000000000000000000";

std::string number(std::size_t value, int width) {
  std::string out;
  while (width-- > 0) out += static_cast<char>(value >> (8 * width));
  return out;
}

std::string sized(const std::string& text, int width) { return number(text.size(), width) + text; }

std::string extension(unsigned type, const std::string& content) {
  return number(type, 2) + sized(content, 2);
}

std::string name(const std::string& host) {
  return extension(0, sized(number(0, 1) + sized(host, 2), 2));
}

std::string handshake(const std::string& extensions) {
  std::string body = "\x03\x03" + std::string(32, 'r') + sized(std::string(32, 's'), 1) +
                     sized(std::string("\x13\x01\x13\x02", 4), 2) + sized(std::string(1, '\0'), 1);
  return "\x01" + sized(body + sized(extensions, 2), 3);
}

std::string records(const std::string& handshake, std::size_t size) {
  std::string out;
  for (std::size_t at = 0; at < handshake.size(); at += size)
    out += "\x16\x03\x01" + sized(handshake.substr(at, size), 2);
  return out;
}

// As a recording keeps it.
std::string kept(const std::string& text) {
  const auto hello = read_client_hello(text);
  std::string out(text.size(), '*');
  if (!hello) return out;
  for (const auto& [at, length] : hello->open) out.replace(at, length, text, at, length);
  return out;
}

TEST_CASE("the name that real clients ask for") {
  for (const char* hex : {kOpenssl, kGnutls, kPython}) {
    const auto text = test::from_hex(hex);
    const auto hello = read_client_hello(text);
    REQUIRE(hello);
    CHECK(hello->server_name == "files.kiln.test");
    CHECK(hello->whole);
    CHECK_FALSE(hello->encrypted);
  }
}

TEST_CASE("extensions in any order, unknown and reserved ones, several records") {
  const auto grease = extension(0x1a1a, "") + extension(0xdada, "x");
  const auto key = extension(51, std::string(1216, 'k'));
  for (const auto& extensions :
       {name("A.Kiln.test") + grease + key, grease + key + name("a.kiln.test"),
        key + name("a.kiln.test") + grease}) {
    for (const std::size_t size : {1U, 2U, 7U, 100U, 16'384U}) {
      const auto hello = read_client_hello(records(handshake(extensions), size));
      REQUIRE(hello);
      CHECK(hello->server_name == "a.kiln.test");
      CHECK(hello->whole);
    }
  }
}

TEST_CASE("an encrypted hello shows the name of the relay only") {
  const auto hello = read_client_hello(
      records(handshake(name("relay.test") + extension(0xfe0d, std::string(200, 'e'))), 16'384));
  REQUIRE(hello);
  CHECK(hello->server_name == "relay.test");
  CHECK(hello->encrypted);
}

TEST_CASE("no name is made of what is none") {
  for (const char* host : {"", "192.0.2.1", "a b", "a/../b", "\xff", "a\nb"}) {
    INFO(host);
    const auto hello = read_client_hello(records(handshake(name(host)), 16'384));
    REQUIRE(hello);
    CHECK(hello->server_name.empty());
  }
  CHECK(read_client_hello(records(handshake(name(std::string(254, 'a'))), 16'384))
            ->server_name.empty());
  const auto other_type = extension(0, sized(number(1, 1) + sized("host", 2), 2));
  CHECK(read_client_hello(records(handshake(other_type), 16'384))->server_name.empty());
  CHECK(read_client_hello(records(handshake(""), 16'384))->whole);
}

TEST_CASE("no hello") {
  for (const std::string& text :
       {std::string(), std::string("GET / HTTP/1.1\r\n\r\n"), std::string("\x16\x03\x01"),
        std::string("\x16\x03\x01\x00\x00", 5), records("\x02" + handshake("").substr(1), 99),
        std::string("\x17") + records(handshake(name("a.b")), 999).substr(1)}) {
    CHECK_FALSE(read_client_hello(text));
  }
}

TEST_CASE("a hello that is cut off names its server or nothing") {
  for (const char* hex : {kOpenssl, kGnutls, kPython}) {
    const auto whole = test::from_hex(hex);
    for (std::size_t size = 0; size < whole.size(); ++size) {
      const auto hello = read_client_hello(whole.substr(0, size));
      if (!hello) continue;
      CHECK((hello->server_name.empty() || hello->server_name == "files.kiln.test"));
      CHECK_FALSE(hello->whole);
    }
  }
}

TEST_CASE("what is kept of a hello reads the same and holds no key, session or ticket") {
  const auto secret =
      extension(35, "TICKET-CANARY") + extension(41, "PSK-CANARY") + extension(51, "KEY-CANARY");
  const auto text = records(handshake(secret + name("a.kiln.test") + secret), 50);
  const auto again = kept(text);
  CHECK(again.find("CANARY") == again.npos);
  CHECK(again.find("rrr") == again.npos);
  CHECK(again.find("sss") == again.npos);
  CHECK(read_client_hello(again)->server_name == "a.kiln.test");
  CHECK(kept(again) == again);
  const auto behind = extension(0, sized(number(0, 1) + sized("a.test", 2) + "BEHIND-CANARY", 2));
  CHECK(kept(records(handshake(behind), 999)).find("CANARY") == std::string::npos);
}

TEST_CASE("garbage: ranges stay inside the text and do not overlap") {
  std::mt19937 random(7);
  for (int round = 0; round < 20'000; ++round) {
    auto text = test::from_hex(round % 2 == 0 ? kOpenssl : kGnutls);
    for (auto i = random() % 6; i > 0; --i)
      text[random() % text.size()] = static_cast<char>(random());
    text.resize(random() % (text.size() + 1));
    const auto hello = read_client_hello(text);
    if (!hello) continue;
    std::size_t end = 0;
    for (const auto& [at, length] : hello->open) {
      CHECK(at >= end);
      end = at + length;
    }
    CHECK(end <= text.size());
    CHECK(read_client_hello(kept(text))->server_name == hello->server_name);
  }
}

}  // namespace
}  // namespace kilnwatch
