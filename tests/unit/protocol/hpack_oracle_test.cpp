// Our HPACK decoder against nghttp2: what its encoder writes we read, what its decoder reads we
// read the same.
#include <catch2/catch_test_macros.hpp>
#include <random>
#include <string>
#include <vector>

#include "harness/nghttp2_hpack.h"
#include "protocol/http2/hpack.h"

using namespace kilnwatch::protocol::http2;
using kilnwatch::test::Deflater;
using kilnwatch::test::Inflater;
using kilnwatch::test::NameValue;

namespace {

using Random = std::mt19937;

std::string random_text(Random& random, std::size_t most) {
  std::string out(random() % (most + 1), '\0');
  const bool plain = random() % 4 != 0;
  for (auto& c : out) c = static_cast<char>(plain ? 'a' + random() % 26 : random() % 256);
  return out;
}

// Lists as a gRPC client would send them: a few names, values that repeat.
std::vector<NameValue> random_fields(Random& random) {
  static const std::vector<std::string> names = {":method", ":path",       ":authority", ":status",
                                                 "te",      "grpc-status", "x-a",        "x-b"};
  std::vector<NameValue> fields(random() % 12);
  for (auto& field : fields) {
    field.name = random() % 8 == 0 ? "n" + random_text(random, 40) : names[random() % names.size()];
    for (auto& c : field.name) {
      if (c >= 'A' && c <= 'Z') c = '_';
    }
    field.value = random() % 3 == 0 ? random_text(random, random() % 5 == 0 ? 900 : 30)
                                    : std::to_string(random() % 7);
    field.sensitive = random() % 16 == 0;
  }
  return fields;
}

std::vector<NameValue> known(const HeaderList& list) {
  std::vector<NameValue> out;
  for (const auto& field : list.fields) {
    CHECK(field.name_known);
    CHECK(field.value_known);
    out.push_back({field.name, field.value, field.sensitive});
  }
  return out;
}

}  // namespace

TEST_CASE("What nghttp2 encodes is read back, with tables of any size") {
  for (unsigned seed = 0; seed < 60; ++seed) {
    Random random(seed);
    Deflater deflater(16384);
    HpackDecoder decoder(false);
    decoder.allow(16384);
    for (int i = 0; i < 40; ++i) {
      if (random() % 8 == 0) deflater.resize(random() % 3 == 0 ? random() % 200 : random() % 16384);
      const auto fields = random_fields(random);
      const auto list = decoder.decode(deflater.encode(fields));
      REQUIRE(list.error.empty());
      REQUIRE(known(list) == fields);
    }
  }
}

TEST_CASE("Read from the middle, a field is right or unknown, never wrong") {
  std::size_t unknown = 0;
  std::size_t right = 0;
  for (unsigned seed = 0; seed < 100; ++seed) {
    Random random(seed);
    Deflater deflater;
    std::vector<std::vector<NameValue>> lists;
    std::vector<std::string> blocks;
    for (int i = 0; i < 60; ++i) {
      if (random() % 20 == 0) deflater.resize(random() % 4096);
      lists.push_back(random_fields(random));
      blocks.push_back(deflater.encode(lists.back()));
    }
    HpackDecoder decoder(true);
    for (std::size_t i = 5 + random() % 20; i < blocks.size(); ++i) {
      if (random() % 16 == 0) {  // this one is not seen
        decoder.forget();
        continue;
      }
      const auto list = decoder.decode(blocks[i]);
      REQUIRE(list.error.empty());
      REQUIRE(list.fields.size() == lists[i].size());
      for (std::size_t k = 0; k < list.fields.size(); ++k) {
        const auto& field = list.fields[k];
        if (field.name_known) REQUIRE(field.name == lists[i][k].name);
        if (field.value_known) REQUIRE(field.value == lists[i][k].value);
        ++(field.name_known && field.value_known ? right : unknown);
      }
    }
  }
  CHECK(unknown > 500);
  CHECK(right > unknown);
}

TEST_CASE("A damaged block is refused by both or read the same by both") {
  std::size_t refused = 0;
  std::size_t read = 0;
  for (unsigned seed = 0; seed < 4000; ++seed) {
    Random random(seed);
    Deflater deflater;
    Inflater inflater;
    HpackDecoder decoder(false);
    for (int i = 0; i < 8; ++i) {
      auto block = deflater.encode(random_fields(random));
      if (i >= 2) {
        for (auto n = random() % 3; n > 0 && !block.empty(); --n) {
          const auto at = random() % block.size();
          if (random() % 4 == 0) {
            block.resize(at);
          } else if (random() % 4 == 0) {
            block.insert(at, 1, static_cast<char>(random() % 256));
          } else {
            block[at] = static_cast<char>(random() % 256);
          }
        }
      }
      const auto theirs = inflater.decode(block);
      const auto ours = decoder.decode(block);
      REQUIRE(theirs.has_value() == ours.error.empty());
      if (!theirs) {
        ++refused;
        break;
      }
      REQUIRE(known(ours) == *theirs);
      ++read;
    }
  }
  CHECK(refused > 1000);
  CHECK(read > 10000);
}
