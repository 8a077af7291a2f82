#include <bzlib.h>
#include <lzma.h>
#include <zstd.h>

#include <catch2/catch_test_macros.hpp>
#include <string>
#include <vector>

#include "harness/gzip.h"
#include "protocol/unpack/unpack.h"

using namespace kilnwatch::protocol;
using kilnwatch::test::gzip;

namespace {

std::string bzip2(std::string text) {
  std::string out(text.size() + 1024, '\0');
  auto size = static_cast<unsigned>(out.size());
  BZ2_bzBuffToBuffCompress(out.data(), &size, text.data(), static_cast<unsigned>(text.size()), 9, 0,
                           0);
  out.resize(size);
  return out;
}

std::string xz(const std::string& text, std::uint32_t preset = 6) {
  std::string out(text.size() + 1024, '\0');
  std::size_t size = 0;
  lzma_easy_buffer_encode(preset, LZMA_CHECK_CRC32, nullptr,
                          reinterpret_cast<const std::uint8_t*>(text.data()), text.size(),
                          reinterpret_cast<std::uint8_t*>(out.data()), &size, out.size());
  out.resize(size);
  return out;
}

std::string zstd(const std::string& text) {
  std::string out(text.size() + 1024, '\0');
  out.resize(ZSTD_compress(out.data(), out.size(), text.data(), text.size(), 3));
  return out;
}

std::vector<std::string> every_packing(const std::string& text) {
  return {gzip(text), bzip2(text), xz(text), zstd(text)};
}

}  // namespace

TEST_CASE("Each packing is known by its first bytes and unpacked") {
  const std::string text = "FROM alpine:3\nRUN true\n";
  CHECK(packing_of(gzip(text)) == Packing::kGzip);
  CHECK(packing_of(bzip2(text)) == Packing::kBzip2);
  CHECK(packing_of(xz(text)) == Packing::kXz);
  CHECK(packing_of(zstd(text)) == Packing::kZstd);
  CHECK(packing_of(std::string("\x5f\x2a\x4d\x18", 4)) == Packing::kZstd);
  CHECK(packing_of(text) == Packing::kNone);
  CHECK(unpack_front(text, 4) == "FROM");
  for (const auto& packed : every_packing(text)) {
    CHECK(unpack_front(packed, 1000) == text);
    CHECK(unpack_front(packed, 4) == "FROM");
  }
}

TEST_CASE("Parts that follow one another are one stream") {
  CHECK(unpack_front(gzip("a") + gzip("b"), 10) == "ab");
  CHECK(unpack_front(xz("a") + xz("b"), 10) == "ab");
  CHECK(unpack_front(zstd("a") + zstd("b"), 10) == "ab");
  CHECK(unpack_front(std::string("\x50\x2a\x4d\x18\x02\0\0\0xx", 10) + zstd("b"), 10) == "b");
}

TEST_CASE("A stream that is cut or damaged gives what comes before") {
  std::string text;
  for (int i = 0; i < 3000; ++i) text += std::to_string(i * 7919) + "\n";
  for (const auto& packed : every_packing(text)) {
    for (std::size_t n = 0; n < packed.size(); n += 97)
      CHECK(text.starts_with(unpack_front(packed.substr(0, n), 1 << 20)));
    for (std::size_t n = 0; n < packed.size(); n += 131) {
      auto damaged = packed;
      damaged[n] = static_cast<char>(damaged[n] ^ 0x55);
      CHECK(unpack_front(damaged, 1 << 20).size() <= std::size_t{1} << 20);
    }
  }
}

TEST_CASE("A bomb is unpacked as far as the limit only") {
  const std::string zeros(std::size_t{8} << 20, '\0');
  for (const auto& packed : every_packing(zeros))
    CHECK(unpack_front(packed, 65536).size() == 65536);
}

TEST_CASE("A dictionary larger than the limit is refused") {
  CHECK(unpack_front(xz("text", 9), 10) == "text");
  lzma_options_lzma options;
  lzma_lzma_preset(&options, 6);
  options.dict_size = 512U << 20;
  options.mf = LZMA_MF_HC3;
  const lzma_filter filters[] = {{LZMA_FILTER_LZMA2, &options}, {LZMA_VLI_UNKNOWN, nullptr}};
  // The encoder would need gigabytes: the size in the filter properties is set by hand instead.
  auto packed = xz("text", 0);
  std::uint32_t size = 0;
  REQUIRE(lzma_properties_size(&size, filters) == LZMA_OK);
  std::uint8_t property = 0;
  REQUIRE(lzma_properties_encode(filters, &property) == LZMA_OK);
  // Stream header 12 bytes; block header: size, flags, filter id, properties size, properties,
  // padding, CRC32.
  packed[12 + 4] = static_cast<char>(property);
  const auto header = static_cast<std::size_t>(static_cast<unsigned char>(packed[12]) + 1) * 4;
  const auto crc =
      lzma_crc32(reinterpret_cast<const std::uint8_t*>(packed.data()) + 12, header - 4, 0);
  for (std::size_t i = 0; i < 4; ++i)
    packed[12 + header - 4 + i] = static_cast<char>(crc >> (8 * i));
  CHECK(unpack_front(packed, 10).empty());
}
