#include "protocol/grpc/gunzip.h"

#include <zlib.h>

#include <algorithm>

namespace kilnwatch::protocol::grpc {

Unpacked gunzip(std::string_view packed, std::size_t limit, std::string& out) {
  constexpr std::size_t kFirst = 4096;
  out.clear();
  z_stream s{};
  if (inflateInit2(&s, 16 + MAX_WBITS) != Z_OK) return Unpacked::kDamaged;
  // The library only reads these bytes.
  s.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(packed.data()));
  s.avail_in = static_cast<uInt>(packed.size());
  std::size_t written = 0;
  auto result = Unpacked::kDamaged;
  for (;;) {
    if (written == out.size()) {
      // One byte beyond the limit tells "too large" from "just fits".
      out.resize(std::min(limit + 1, std::max(kFirst, 2 * out.size())));
    }
    s.next_out = reinterpret_cast<Bytef*>(out.data() + written);
    s.avail_out = static_cast<uInt>(out.size() - written);
    const int code = inflate(&s, Z_NO_FLUSH);
    written = out.size() - s.avail_out;
    if (written > limit) {
      result = Unpacked::kTooLarge;
      break;
    }
    if (code == Z_STREAM_END) {
      if (s.avail_in == 0) result = Unpacked::kWhole;
      if (s.avail_in == 0 || inflateReset(&s) != Z_OK) break;
    } else if (code != Z_OK) {  // also: no input left
      break;
    }
  }
  inflateEnd(&s);
  out.resize(result == Unpacked::kWhole ? written : 0);
  return result;
}

}  // namespace kilnwatch::protocol::grpc
