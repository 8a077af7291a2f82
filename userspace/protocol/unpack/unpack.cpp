#include "protocol/unpack/unpack.h"

#include <bzlib.h>
#include <lzma.h>
#include <zlib.h>
#include <zstd.h>

#include <memory>

namespace kilnwatch::protocol {
namespace {

constexpr int kZstdWindowLog = 26;  // 64 MiB: within kUnpackMemory
static_assert((std::size_t{1} << kZstdWindowLog) < kUnpackMemory);

// The libraries want a non-const pointer to bytes that they only read.
template <class Byte>
Byte* input(std::string_view bytes) {
  return reinterpret_cast<Byte*>(const_cast<char*>(bytes.data()));
}

std::string gunzip(std::string_view packed, std::size_t limit) {
  std::string out(limit, '\0');
  z_stream s{};
  if (inflateInit2(&s, 16 + MAX_WBITS) != Z_OK) return {};
  s.next_in = input<Bytef>(packed);
  s.avail_in = static_cast<uInt>(packed.size());
  s.next_out = reinterpret_cast<Bytef*>(out.data());
  s.avail_out = static_cast<uInt>(out.size());
  // Members may follow one another (RFC 1952 section 2.2).
  int code = Z_OK;
  while (s.avail_out > 0 && s.avail_in > 0 && code == Z_OK) {
    code = inflate(&s, Z_NO_FLUSH);
    if (code == Z_STREAM_END) code = inflateReset(&s);
  }
  out.resize(out.size() - s.avail_out);
  inflateEnd(&s);
  return out;
}

std::string bunzip2(std::string_view packed, std::size_t limit) {
  std::string out(limit, '\0');
  bz_stream s{};
  if (BZ2_bzDecompressInit(&s, 0, 0) != BZ_OK) return {};
  s.next_in = input<char>(packed);
  s.avail_in = static_cast<unsigned>(packed.size());
  s.next_out = out.data();
  s.avail_out = static_cast<unsigned>(out.size());
  int code = BZ_OK;
  while (s.avail_out > 0 && code == BZ_OK) {
    const auto before = std::pair(s.avail_in, s.avail_out);
    code = BZ2_bzDecompress(&s);
    if (before == std::pair(s.avail_in, s.avail_out)) break;
  }
  out.resize(out.size() - s.avail_out);
  BZ2_bzDecompressEnd(&s);
  return out;
}

std::string unxz(std::string_view packed, std::size_t limit) {
  std::string out(limit, '\0');
  lzma_stream s = LZMA_STREAM_INIT;
  if (lzma_stream_decoder(&s, kUnpackMemory, LZMA_CONCATENATED) != LZMA_OK) return {};
  s.next_in = input<const std::uint8_t>(packed);
  s.avail_in = packed.size();
  s.next_out = reinterpret_cast<std::uint8_t*>(out.data());
  s.avail_out = out.size();
  lzma_ret code = LZMA_OK;
  while (s.avail_out > 0 && s.avail_in > 0 && code == LZMA_OK) code = lzma_code(&s, LZMA_RUN);
  out.resize(out.size() - s.avail_out);
  lzma_end(&s);
  return out;
}

std::string unzstd(std::string_view packed, std::size_t limit) {
  std::string out(limit, '\0');
  const std::unique_ptr<ZSTD_DCtx, decltype(&ZSTD_freeDCtx)> context(ZSTD_createDCtx(),
                                                                     ZSTD_freeDCtx);
  if (!context ||
      ZSTD_isError(ZSTD_DCtx_setParameter(context.get(), ZSTD_d_windowLogMax, kZstdWindowLog))) {
    return {};
  }
  ZSTD_inBuffer in{packed.data(), packed.size(), 0};
  ZSTD_outBuffer room{out.data(), out.size(), 0};
  while (in.pos < in.size && room.pos < room.size) {
    const auto before = std::pair(in.pos, room.pos);
    if (ZSTD_isError(ZSTD_decompressStream(context.get(), &room, &in))) break;
    if (before == std::pair(in.pos, room.pos)) break;
  }
  out.resize(room.pos);
  return out;
}

}  // namespace

Packing packing_of(std::string_view front) {
  using std::string_view_literals::operator""sv;
  if (front.starts_with("\x1f\x8b\x08"sv)) return Packing::kGzip;
  if (front.starts_with("BZh"sv)) return Packing::kBzip2;
  if (front.starts_with("\xfd"
                        "7zXZ\0"sv)) {
    return Packing::kXz;
  }
  if (front.starts_with("\x28\xb5\x2f\xfd"sv)) return Packing::kZstd;
  // A skippable frame: 0x184D2A50 to 0x184D2A5F, least significant byte first.
  if (front.size() >= 4 && (static_cast<unsigned char>(front[0]) & 0xf0) == 0x50 &&
      front.substr(1, 3) == "\x2a\x4d\x18"sv) {
    return Packing::kZstd;
  }
  return Packing::kNone;
}

std::string unpack_front(std::string_view front, std::size_t limit) {
  switch (packing_of(front)) {
    case Packing::kGzip:
      return gunzip(front, limit);
    case Packing::kBzip2:
      return bunzip2(front, limit);
    case Packing::kXz:
      return unxz(front, limit);
    case Packing::kZstd:
      return unzstd(front, limit);
    case Packing::kNone:
      return std::string(front.substr(0, limit));
  }
  return {};
}

}  // namespace kilnwatch::protocol
