#include "protocol/quic/keys.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <algorithm>
#include <memory>

namespace kilnwatch::protocol::quic {
namespace {

constexpr std::size_t kTag = 16;
constexpr std::size_t kSample = 16;
constexpr std::size_t kSampleAfter = 4;  // the longest number that a packet may have

using Salt = std::array<std::uint8_t, 20>;
constexpr Salt kSalt1 = {0x38, 0x76, 0x2c, 0xf7, 0xf5, 0x59, 0x34, 0xb3, 0x4d, 0x17,
                         0x9a, 0xe6, 0xa4, 0xc8, 0x0c, 0xad, 0xcc, 0xbb, 0x7f, 0x0a};
constexpr Salt kSalt2 = {0x0d, 0xed, 0xe3, 0xde, 0xf7, 0x00, 0xa6, 0xdb, 0x81, 0x93,
                         0x81, 0xbe, 0x6e, 0x26, 0x9d, 0xcb, 0xf9, 0xbd, 0x2e, 0xd9};

struct Free {
  void operator()(EVP_CIPHER_CTX* context) const { EVP_CIPHER_CTX_free(context); }
};
using Context = std::unique_ptr<EVP_CIPHER_CTX, Free>;

const std::uint8_t* data(std::string_view text) {
  return reinterpret_cast<const std::uint8_t*>(text.data());
}
std::uint8_t* data(std::string& text) { return reinterpret_cast<std::uint8_t*>(text.data()); }

template <class Bytes>
std::string_view text_of(const Bytes& bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

using Digest = std::array<std::uint8_t, 32>;

bool hmac(std::string_view key, std::string_view text, Digest& out) {
  unsigned size = 0;
  return HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()), data(text), text.size(),
              out.data(), &size) != nullptr;
}

// HKDF-Expand-Label (RFC 8446, 7.1) of at most one block of the digest.
template <class Bytes>
bool expand(const Digest& secret, std::string_view label, Bytes& out) {
  const std::string name = "tls13 " + std::string(label);
  std::string info = {'\0', static_cast<char>(out.size()), static_cast<char>(name.size())};
  info += name;
  info += '\0';
  info += '\1';  // the number of the block
  Digest block{};
  if (!hmac(text_of(secret), info, block)) return false;
  std::copy_n(block.begin(), out.size(), out.begin());
  return true;
}

std::optional<std::string> open(const Keys& keys, std::uint64_t number, std::string_view head,
                                std::string_view sealed) {
  const Context context(EVP_CIPHER_CTX_new());
  const auto nonce = nonce_of(keys, number);
  std::string out(sealed.size() - kTag, '\0');
  std::string tag(sealed.substr(out.size()));
  int size = 0;
  const bool opened = context != nullptr &&
                      EVP_DecryptInit_ex(context.get(), EVP_aes_128_gcm(), nullptr, keys.key.data(),
                                         nonce.data()) == 1 &&
                      EVP_DecryptUpdate(context.get(), nullptr, &size, data(head),
                                        static_cast<int>(head.size())) == 1 &&
                      EVP_DecryptUpdate(context.get(), data(out), &size, data(sealed),
                                        static_cast<int>(out.size())) == 1 &&
                      EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_AEAD_SET_TAG,
                                          static_cast<int>(kTag), tag.data()) == 1 &&
                      EVP_DecryptFinal_ex(context.get(), data(out) + out.size(), &size) == 1;
  if (!opened) return std::nullopt;
  return out;
}

}  // namespace

std::optional<Keys> client_keys(Version version, std::string_view id) {
  const bool first = version == Version::k1;
  Digest initial{};
  Digest client{};
  Keys keys;
  const bool made = hmac(text_of(first ? kSalt1 : kSalt2), id, initial) &&
                    expand(initial, "client in", client) &&
                    expand(client, first ? "quic key" : "quicv2 key", keys.key) &&
                    expand(client, first ? "quic iv" : "quicv2 iv", keys.iv) &&
                    expand(client, first ? "quic hp" : "quicv2 hp", keys.header);
  if (!made) return std::nullopt;
  return keys;
}

std::array<std::uint8_t, 12> nonce_of(const Keys& keys, std::uint64_t number) {
  auto nonce = keys.iv;
  for (auto at = nonce.rbegin(); at != nonce.rend() && number != 0; ++at, number >>= 8)
    *at = static_cast<std::uint8_t>(*at ^ (number & 0xff));
  return nonce;
}

std::optional<std::array<std::uint8_t, 5>> header_mask(const Keys& keys, std::string_view sample) {
  const Context context(EVP_CIPHER_CTX_new());
  std::array<std::uint8_t, 2 * kSample> block{};
  std::array<std::uint8_t, 5> mask{};
  int size = 0;
  if (context == nullptr || sample.size() != kSample ||
      EVP_EncryptInit_ex(context.get(), EVP_aes_128_ecb(), nullptr, keys.header.data(), nullptr) !=
          1 ||
      EVP_EncryptUpdate(context.get(), block.data(), &size, data(sample),
                        static_cast<int>(sample.size())) != 1) {
    return std::nullopt;
  }
  std::copy_n(block.begin(), mask.size(), mask.begin());
  return mask;
}

std::optional<std::string> open_packet(const Keys& keys, const LongPacket& packet) {
  const std::size_t begin = packet.number_at;
  if (packet.bytes.size() < begin + kSampleAfter + kSample) return std::nullopt;
  const auto mask = header_mask(keys, packet.bytes.substr(begin + kSampleAfter, kSample));
  if (!mask) return std::nullopt;
  std::string head(packet.bytes.substr(0, begin + kSampleAfter));
  head[0] = static_cast<char>(head[0] ^ ((*mask)[0] & 0x0f));
  const std::size_t width = 1 + (static_cast<std::uint8_t>(head[0]) & 3);
  // A client's first packets: the number is not so far that it would be cut off (RFC 9000, 17.1).
  std::uint64_t number = 0;
  for (std::size_t i = 0; i < width; ++i) {
    head[begin + i] = static_cast<char>(head[begin + i] ^ (*mask)[1 + i]);
    number = number << 8 | static_cast<std::uint8_t>(head[begin + i]);
  }
  head.resize(begin + width);
  return open(keys, number, head, packet.bytes.substr(head.size()));
}

}  // namespace kilnwatch::protocol::quic
