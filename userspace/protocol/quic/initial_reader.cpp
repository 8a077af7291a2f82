#include "protocol/quic/initial_reader.h"

#include <algorithm>
#include <utility>

#include "protocol/quic/packet.h"

namespace kilnwatch::protocol::quic {
namespace {

constexpr std::size_t kHead = 4;  // of a handshake message: type and length
constexpr std::uint8_t kClientHello = 1;
constexpr std::string_view kRecord = "\x16\x03\x01";  // handshake; the length follows

std::uint8_t byte_of(std::string_view text, std::size_t at) {
  return static_cast<std::uint8_t>(text[at]);
}

// Of the whole ClientHello that begins there; 0: of none, or not known so far.
std::size_t length_of(std::string_view front) {
  if (front.size() < kHead || byte_of(front, 0) != kClientHello) return 0;
  return kHead + (std::size_t{byte_of(front, 1)} << 16 | std::size_t{byte_of(front, 2)} << 8 |
                  byte_of(front, 3));
}

bool is_whole(std::string_view front) {
  const std::size_t length = length_of(front);
  return length != 0 && front.size() >= length;
}

}  // namespace

void InitialReader::add(std::string_view datagrams) {
  for (std::size_t count = 0; !datagrams.empty(); ++count) {
    // Behind its last packet a datagram may be filled up with zeros, which begin no packet.
    const auto begin = datagrams.find_first_not_of('\0');
    if (begin == datagrams.npos) return;
    datagrams.remove_prefix(begin);
    const auto packet = read_long_packet(datagrams);
    if (!packet) return;
    if (count >= kMaxPackets) {
      ++refused_;
      return;
    }
    if (packet->initial) read(*packet);
    datagrams.remove_prefix(packet->bytes.size());
  }
}

void InitialReader::read(const LongPacket& packet) {
  const auto try_keys = [&](Attempt& attempt) {
    const auto frames = open_packet(attempt.keys, packet);
    if (frames) read_frames(*frames, attempt.stream);
    return frames.has_value();
  };
  const auto is_own = [&](const Attempt& attempt) {
    return attempt.version == packet.version && attempt.id == packet.destination;
  };
  const auto own = std::find_if(attempts_.begin(), attempts_.end(), is_own);
  if (own != attempts_.end()) {
    if (try_keys(*own)) return;
  } else if (const auto keys = client_keys(packet.version, packet.destination)) {
    Attempt fresh{packet.version, std::string(packet.destination), *keys};
    if (try_keys(fresh)) {
      if (attempts_.size() < kMaxAttempts) {
        attempts_.push_back(std::move(fresh));
      } else {
        ++refused_;
      }
      return;
    }
  }
  // Once the server chose an id the client uses that, and the keys of before (RFC 9001, 5.2).
  for (Attempt& other : attempts_) {
    if (!is_own(other) && other.version == packet.version && try_keys(other)) return;
  }
}

const InitialReader::Attempt* InitialReader::best() const {
  const Attempt* best = nullptr;
  for (const Attempt& attempt : attempts_) {
    const auto front = attempt.stream.front();
    if (is_whole(front)) return &attempt;
    if (front.empty() || byte_of(front, 0) != kClientHello) continue;
    if (best == nullptr || front.size() > best->stream.front().size()) best = &attempt;
  }
  return best;
}

bool InitialReader::whole() const {
  const Attempt* attempt = best();
  return attempt != nullptr && is_whole(attempt->stream.front());
}

std::string InitialReader::hello() const {
  const Attempt* attempt = best();
  if (attempt == nullptr) return {};
  std::string_view front = attempt->stream.front();
  // After a HelloRetryRequest another one follows.
  if (is_whole(front)) front = front.substr(0, length_of(front));
  std::string out(kRecord);
  out += static_cast<char>(front.size() >> 8);
  out += static_cast<char>(front.size());
  out += front;
  return out;
}

std::uint64_t InitialReader::refused() const {
  std::uint64_t count = refused_;
  for (const Attempt& attempt : attempts_) count += attempt.stream.refused();
  return count;
}

}  // namespace kilnwatch::protocol::quic
