// The handshake's bytes (CRYPTO frames; RFC 9000, 19.6), which come in any order and twice.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>

namespace kilnwatch::protocol::quic {

// A ClientHello with post-quantum keys has some 1,800 bytes; it can be no longer than this in one
// record over TCP.
inline constexpr std::size_t kMaxHello = std::size_t{16} << 10;
// With bytes missing between them: clients that shuffle their hello make some 10.
inline constexpr std::size_t kMaxPieces = 64;

class CryptoStream {
 public:
  // Where two pieces overlap the first one stands.
  void add(std::uint64_t at, std::string_view bytes);
  // From the first byte on, as far as nothing is missing.
  std::string_view front() const;
  std::uint64_t refused() const { return refused_; }  // pieces: beyond a limit

 private:
  std::map<std::uint64_t, std::string> pieces_;  // none touches another
  std::uint64_t refused_ = 0;
};

// The CRYPTO frames of an Initial packet. False: what follows in it could not be read.
bool read_frames(std::string_view frames, CryptoStream& into);

}  // namespace kilnwatch::protocol::quic
