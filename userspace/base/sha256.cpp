#include "base/sha256.h"

#include <openssl/evp.h>

#include <array>
#include <new>

namespace kilnwatch::base {

std::string sha256_hex(std::string_view bytes) {
  static constexpr char kHex[] = "0123456789abcdef";
  std::array<unsigned char, 32> digest{};
  unsigned int size = 0;
  // With a digest that is built in, memory is the only thing that can be missing.
  if (EVP_Digest(bytes.data(), bytes.size(), digest.data(), &size, EVP_sha256(), nullptr) != 1) {
    throw std::bad_alloc();
  }
  std::string out;
  for (const auto b : digest) {
    out += kHex[b >> 4];
    out += kHex[b & 15];
  }
  return out;
}

}  // namespace kilnwatch::base
