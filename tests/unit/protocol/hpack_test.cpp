#include <catch2/catch_test_macros.hpp>
#include <string>
#include <vector>

#include "harness/hex.h"
#include "protocol/http2/hpack.h"
#include "protocol/http2/huffman.h"

using namespace kilnwatch::protocol::http2;
using kilnwatch::test::from_hex;

namespace {

// "name: value|" for each field; what is not known is "?".
std::string text(const HeaderList& list) {
  std::string out;
  for (const auto& field : list.fields) {
    out += (field.name_known ? field.name : "?") + ": " + (field.value_known ? field.value : "?");
    if (field.sensitive) out += " (sensitive)";
    out += "|";
  }
  if (!list.error.empty()) out += "!" + std::string(list.error);
  return out;
}

struct Decoder : HpackDecoder {
  explicit Decoder(bool midway = false) : HpackDecoder(midway) {}
  std::string operator()(std::string_view hex) { return text(decode(from_hex(hex))); }
};

const std::string kNone = "!a header field names an entry that does not exist";

}  // namespace

TEST_CASE("RFC 7541 C.1: numbers") {
  Decoder decoder;
  CHECK(decoder("2a").empty());      // 10
  CHECK(decoder("3f9a0a").empty());  // 1337
  CHECK(decoder("3fe11f").empty());  // 4096
  CHECK(decoder("3fe21f") == "!a table size beyond what the receiver allowed");
  decoder.allow(4097);
  CHECK(decoder("3fe21f").empty());
  Decoder wide(true);
  CHECK(wide("3fe0ffffff0f").empty());                                             // 2^32 - 1
  CHECK(wide("3fe1ffffff0f") == "!a number in a header block is beyond 32 bits");  // 2^32
  CHECK(wide("3f8080808000").empty());  // 31, with zeros that it does not need
  CHECK(wide("3f808080808000") == "!a number in a header block is beyond 32 bits");
}

TEST_CASE("RFC 7541 C.2: one field of each kind") {
  Decoder decoder;
  CHECK(decoder("400a637573746f6d2d6b65790d637573746f6d2d686561646572") ==
        "custom-key: custom-header|");
  CHECK(decoder("be") == "custom-key: custom-header|");
  CHECK(decoder("040c2f73616d706c652f70617468") == ":path: /sample/path|");
  CHECK(decoder("100870617373776f726406736563726574") == "password: secret (sensitive)|");
  CHECK(decoder("82") == ":method: GET|");
  CHECK(decoder("be") == "custom-key: custom-header|");
  CHECK(decoder("bf") == kNone);
}

TEST_CASE("RFC 7541 C.3 and C.4: requests, without and with Huffman") {
  const std::vector<std::vector<std::string>> blocks = {
      {"828684410f7777772e6578616d706c652e636f6d", "828684be58086e6f2d6361636865",
       "828785bf400a637573746f6d2d6b65790c637573746f6d2d76616c7565"},
      {"828684418cf1e3c2e5f23a6ba0ab90f4ff", "828684be5886a8eb10649cbf",
       "828785bf408825a849e95ba97d7f8925a849e95bb8e8b4bf"}};
  for (const auto& three : blocks) {
    Decoder decoder;
    CHECK(decoder(three[0]) == ":method: GET|:scheme: http|:path: /|:authority: www.example.com|");
    CHECK(decoder(three[1]) ==
          ":method: GET|:scheme: http|:path: /|:authority: www.example.com|"
          "cache-control: no-cache|");
    CHECK(decoder(three[2]) ==
          ":method: GET|:scheme: https|:path: /index.html|:authority: www.example.com|"
          "custom-key: custom-value|");
    CHECK(decoder("bebfc0") ==
          "custom-key: custom-value|cache-control: no-cache|:authority: www.example.com|");
    CHECK(decoder("c1") == kNone);
  }
}

TEST_CASE("RFC 7541 C.5 and C.6: responses that evict, without and with Huffman") {
  const std::vector<std::vector<std::string>> blocks = {
      {"4803333032580770726976617465611d4d6f6e2c203231204f637420323031332032303a31333a323120474d54"
       "6e1768747470733a2f2f7777772e6578616d706c652e636f6d",
       "4803333037c1c0bf",
       "88c1611d4d6f6e2c203231204f637420323031332032303a31333a323220474d54c05a04677a69707738666f6f"
       "3d4153444a4b48514b425a584f5157454f50495541585157454f49553b206d61782d6167653d333630303b2076"
       "657273696f6e3d31"},
      {"488264025885aec3771a4b6196d07abe941054d444a8200595040b8166e082a62d1bff6e919d29ad171863c78f"
       "0b97c8e9ae82ae43d3",
       "4883640effc1c0bf",
       "88c16196d07abe941054d444a8200595040b8166e084a62d1bffc05a839bd9ab77ad94e7821dd7f2e6c7b335df"
       "dfcd5b3960d5af27087f3672c1ab270fb5291f9587316065c003ed4ee5b1063d5007"}};
  const std::string rest =
      "cache-control: private|date: Mon, 21 Oct 2013 20:13:21 GMT|"
      "location: https://www.example.com|";
  for (const auto& three : blocks) {
    Decoder decoder;
    CHECK(decoder("3fe101").empty());  // 256 bytes
    CHECK(decoder(three[0]) == ":status: 302|" + rest);
    CHECK(decoder(three[1]) == ":status: 307|" + rest);
    CHECK(decoder("c1") == "cache-control: private|");
    CHECK(decoder(three[2]) ==
          ":status: 200|cache-control: private|date: Mon, 21 Oct 2013 20:13:22 GMT|"
          "location: https://www.example.com|content-encoding: gzip|"
          "set-cookie: foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1|");
    CHECK(decoder("bebfc0") ==
          "set-cookie: foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1|"
          "content-encoding: gzip|date: Mon, 21 Oct 2013 20:13:22 GMT|");
    CHECK(decoder("c1") == kNone);
  }
}

TEST_CASE("Paths as the HPACK encoder of Go writes them") {
  Decoder decoder;
  CHECK(decoder("838645976293c7e978ed3512753257ee15ef1ea4d87a18dc7a3b97"
                "5f8b1d75d0620d263d4c4d656440027465864d833505b11f") ==
        ":method: POST|:scheme: http|:path: /moby.buildkit.v1.Control/Solve|"
        "content-type: application/grpc|te: trailers|");
  CHECK(decoder("8386459a6293c7e9794d4151eaa22fdc2be13505ddeaa2317cd2cb78f5fabfbe") ==
        ":method: POST|:scheme: http|:path: /moby.filesync.v1.FileSync/DiffCopy|"
        "te: trailers|:path: /moby.filesync.v1.FileSync/DiffCopy|");
}

TEST_CASE("Huffman padding is at most seven ones") {
  std::string out;
  CHECK(huffman_decode(from_hex("07"), out));  // '0' and three ones
  CHECK(out == "0");
  out.clear();
  CHECK_FALSE(huffman_decode(from_hex("06"), out));          // not ones
  CHECK_FALSE(huffman_decode(from_hex("07ff"), out));        // eleven of them
  CHECK_FALSE(huffman_decode(from_hex("ffffffff"), out));    // the end of the string
  CHECK_FALSE(huffman_decode(from_hex("fffffffcff"), out));  // 30 bits and ten ones
}

TEST_CASE("A wrong block is refused whole, and the ones after it are read") {
  for (const std::string bad : {"80", "7f", "40", "4003", "400361", "40036162630a61", "0f", "ff",
                                "c0", "8220", "408206400161", "bf"}) {
    Decoder decoder;
    CHECK(decoder("4001610162") == "a: b|");
    CHECK(decoder("82" + bad).starts_with("!"));
    CHECK(decoder("82be") == ":method: GET|?: ?|");
    CHECK(decoder("40016301648282be") == "c: d|:method: GET|:method: GET|c: d|");
  }
}

TEST_CASE("Met midway: what was entered since then is right, the rest unknown") {
  Decoder decoder(true);
  CHECK(decoder("83be45022f61") == ":method: POST|?: ?|:path: /a|");
  CHECK(decoder("bebf") == ":path: /a|?: ?|");
  // The name of an unknown entry, with a value of its own: the value is known from then on.
  CHECK(decoder("7f0003787979") == "?: xyy|");
  CHECK(decoder("bebfc0") == "?: xyy|:path: /a|?: ?|");
  CHECK(decoder("0f3003787979") == ":path: xyy|");
}

TEST_CASE("An entry keeps its number, so what an unknown one stands for can be learnt") {
  HpackDecoder decoder(true);
  const auto first = decoder.decode(from_hex("bebf"));
  const auto second = decoder.decode(from_hex("4001610162bfc0"));
  REQUIRE(second.fields.size() == 3);
  CHECK_FALSE(second.fields[0].entry);
  CHECK(second.fields[1].entry == first.fields[0].entry);
  CHECK(second.fields[2].entry == first.fields[1].entry);
  CHECK(first.fields[0].entry != first.fields[1].entry);
  decoder.forget();
  CHECK(decoder.decode(from_hex("be")).fields[0].entry != first.fields[0].entry);
}

TEST_CASE("A table that was emptied or filled is known whole") {
  SECTION("no size") {
    Decoder decoder(true);
    CHECK(decoder("203fe101be") == kNone);
  }
  SECTION("an entry that does not fit") {
    Decoder decoder(true);
    CHECK(decoder("3f09").empty());  // 40 bytes
    CHECK(decoder("400161086262626262626262") == "a: bbbbbbbb|");
    CHECK(decoder("be") == kNone);
  }
  SECTION("entries that pushed out all before them") {
    Decoder decoder(true);
    CHECK(decoder("3f25").empty());  // 68 bytes: two entries of 34
    CHECK(decoder("4001610162") == "a: b|");
    CHECK(decoder("bebf") == "a: b|?: ?|");
    CHECK(decoder("40016301644001650166bebf") == "c: d|e: f|e: f|c: d|");
    CHECK(decoder("c0") == kNone);
  }
}

TEST_CASE("A block that was not seen makes the table unknown, not the connection") {
  Decoder decoder;
  CHECK(decoder("4001610162") == "a: b|");
  decoder.forget();
  CHECK(decoder("be") == "?: ?|");
  CHECK(decoder("4001630164bebf") == "c: d|c: d|?: ?|");
}

TEST_CASE("A block of a few bytes cannot stand for much") {
  HpackDecoder decoder(false);
  const auto literal = [](std::string_view name, std::string_view value) {
    return std::string(1, '\x40') + static_cast<char>(name.size()) + std::string(name) +
           from_hex("7f8118") /* 3,200 */ + std::string(value);
  };
  const auto entry = literal("big", std::string(3200, 'x'));
  auto list = decoder.decode(entry + std::string(100000, '\xbe'));
  CHECK(list.error.empty());
  CHECK(list.fields.size() == 20);  // of 3,235 bytes in 65,536
  CHECK(list.dropped == 100001 - 20);
  // What says where a request goes is still kept.
  list = decoder.decode(std::string(30, '\xbe') + from_hex("8345022f61"));
  CHECK(list.field(":method") == "POST");
  CHECK(list.field(":path") == "/a");
  CHECK(decoder.held_bytes() <= kTableHeld);
}

TEST_CASE("A table that peers made large is held in part") {
  HpackDecoder decoder(false);
  decoder.allow(1 << 20);
  CHECK(decoder.decode(from_hex("3fe1ff3f")).error.empty());  // 1 MiB
  std::string block;
  for (int i = 0; i < 100; ++i)
    block += from_hex("40016e7f8118") + std::string(3200, static_cast<char>('a' + i % 26));
  CHECK(decoder.decode(block).error.empty());
  CHECK(decoder.held_bytes() <= kTableHeld);
  const auto list = decoder.decode(from_hex("bee0"));  // the newest; the 35th
  REQUIRE(list.error.empty());
  CHECK(list.fields[0].value == std::string(3200, static_cast<char>('a' + 99 % 26)));
  CHECK_FALSE(list.fields[1].value_known);
  // One entry beyond all memory keeps its place.
  const std::string huge(kTableHeld, 'h');
  CHECK(decoder.decode(from_hex("40016d7f81ff03") + huge + from_hex("4001610162")).error.empty());
  CHECK(text(decoder.decode(from_hex("bebf"))) == "a: b|?: ?|");
}

TEST_CASE("A masked value is as long, and decodes to stars") {
  for (const std::string hex :
       {"82100870617373776f726406736563726574", "82408825a849e95ba97d7f8925a849e95bb8e8b4bf84"}) {
    auto block = from_hex(hex);
    HpackDecoder decoder(false);
    const auto list = decoder.decode(block);
    REQUIRE(list.error.empty());
    const auto& field = list.fields.at(1);
    CHECK(field.value_size > 0);
    mask_value(block, field);
    const auto masked = HpackDecoder(false).decode(block);
    REQUIRE(masked.error.empty());
    CHECK(masked.fields.at(1).name == field.name);
    CHECK(masked.fields.at(1).value == std::string(field.value_size, '*'));
    CHECK(block.size() == from_hex(hex).size());
  }
}
