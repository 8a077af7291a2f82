// A QUIC client's first packets, made by hand.
#pragma once

#include <openssl/evp.h>

#include <cstdint>
#include <string>
#include <vector>

#include "protocol/quic/keys.h"

namespace kilnwatch::test::quic {

using protocol::quic::Version;

inline std::string big_endian(std::uint64_t value, int width) {
  std::string out;
  while (width-- > 0) out += static_cast<char>(value >> (8 * width));
  return out;
}

// Of `width` bytes: 1, 2, 4 or 8.
inline std::string number(std::uint64_t value, int width = 2) {
  std::string out = big_endian(value, width);
  const int bits = width == 1 ? 0 : width == 2 ? 1 : width == 4 ? 2 : 3;
  out[0] = static_cast<char>(out[0] | bits << 6);
  return out;
}

inline std::string crypto(std::uint64_t at, const std::string& bytes) {
  return "\x06" + number(at) + number(bytes.size()) + bytes;
}

struct Shape {
  Version version = Version::k1;
  std::string id = "8 bytes.";
  std::string token = {};
  std::uint32_t packet = 0;
  std::string keys_of = {};      // empty: of `id`
  std::size_t least = 1200 - 1;  // of the frames and what protects them: the rest is padding
};

// An Initial packet with these frames.
inline std::string initial(std::string frames, const Shape& shape = {}) {
  constexpr int kTag = 16;
  if (frames.size() + kTag < shape.least) frames.resize(shape.least - kTag, '\0');
  std::string head(1, static_cast<char>(shape.version == Version::k1 ? 0xc3 : 0xd3));
  head += big_endian(static_cast<std::uint32_t>(shape.version), 4);
  head += big_endian(shape.id.size(), 1) + shape.id + big_endian(3, 1) + "own";
  head += number(shape.token.size()) + shape.token + number(4 + frames.size() + kTag);
  const std::size_t at = head.size();
  head += big_endian(shape.packet, 4);
  const auto keys =
      protocol::quic::client_keys(shape.version, shape.keys_of.empty() ? shape.id : shape.keys_of);
  const auto nonce = protocol::quic::nonce_of(*keys, shape.packet);
  const auto* text = reinterpret_cast<const unsigned char*>(frames.data());
  std::string sealed(frames.size() + kTag, '\0');
  auto* out = reinterpret_cast<unsigned char*>(sealed.data());
  int size = 0;
  EVP_CIPHER_CTX* context = EVP_CIPHER_CTX_new();
  EVP_EncryptInit_ex(context, EVP_aes_128_gcm(), nullptr, keys->key.data(), nonce.data());
  EVP_EncryptUpdate(context, nullptr, &size, reinterpret_cast<const unsigned char*>(head.data()),
                    static_cast<int>(head.size()));
  EVP_EncryptUpdate(context, out, &size, text, static_cast<int>(frames.size()));
  EVP_EncryptFinal_ex(context, out + size, &size);
  EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, kTag, out + frames.size());
  EVP_CIPHER_CTX_free(context);
  const auto mask = protocol::quic::header_mask(*keys, sealed.substr(0, 16));
  head[0] = static_cast<char>(head[0] ^ ((*mask)[0] & 0x0f));
  for (std::size_t i = 0; i < 4; ++i)
    head[at + i] = static_cast<char>(head[at + i] ^ (*mask)[1 + i]);
  return head + sealed;
}

// A ClientHello without the record around it; `filling` stands before its name.
inline std::string hello(const std::string& host, std::size_t filling = 0, bool relay = false) {
  const auto sized = [](const std::string& text, int width) {
    return big_endian(text.size(), width) + text;
  };
  const std::string named = sized(big_endian(0, 1) + sized(host, 2), 2);
  std::string extensions;
  if (filling > 0) extensions += big_endian(51, 2) + sized(std::string(filling, 'k'), 2);
  extensions += big_endian(0, 2) + sized(named, 2);
  if (relay) extensions += big_endian(0xfe0d, 2) + sized(std::string(200, 'e'), 2);
  const std::string body = "\x03\x03" + std::string(32, 'r') + sized("", 1) +
                           sized(std::string("\x13\x01", 2), 2) + sized(std::string(1, '\0'), 1) +
                           sized(extensions, 2);
  return "\x01" + sized(body, 3);
}

// In datagrams of at most `size` bytes of it each.
inline std::vector<std::string> datagrams(const std::string& hello, std::size_t size = 1100) {
  std::vector<std::string> out;
  for (std::size_t at = 0; at < hello.size(); at += size) {
    Shape shape;
    shape.packet = static_cast<std::uint32_t>(out.size());
    out.push_back(initial(crypto(at, hello.substr(at, size)), shape));
  }
  return out;
}

}  // namespace kilnwatch::test::quic
