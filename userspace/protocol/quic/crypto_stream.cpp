#include "protocol/quic/crypto_stream.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "protocol/quic/packet.h"

namespace kilnwatch::protocol::quic {
namespace {

// Those that an Initial packet may have (RFC 9000, 12.4).
enum : std::uint64_t { kPadding = 0, kPing = 1, kAck = 2, kAckEcn = 3, kCrypto = 6, kClose = 0x1c };

void skip_ack(Reader& reader, bool ecn) {
  reader.number();  // largest
  reader.number();  // delay
  // Each range is a gap and a length, the first one a length alone.
  auto ranges = reader.number();
  reader.number();
  for (; ranges > 0 && !reader.cut(); --ranges) {
    reader.number();
    reader.number();
  }
  for (int count = 0; ecn && count < 3; ++count) reader.number();
}

}  // namespace

void CryptoStream::add(std::uint64_t at, std::string_view bytes) {
  if (at > kMaxHello || bytes.size() > kMaxHello - at) {
    ++refused_;
    return;
  }
  while (!bytes.empty()) {
    const auto next = pieces_.upper_bound(at);
    const auto before = next == pieces_.begin() ? pieces_.end() : std::prev(next);
    const std::uint64_t end = before == pieces_.end() ? 0 : before->first + before->second.size();
    if (end > at) {
      const auto known = std::min<std::uint64_t>(end - at, bytes.size());
      at += known;
      bytes.remove_prefix(known);
      continue;
    }
    const auto room = next == pieces_.end() ? bytes.size() : next->first - at;
    const std::string_view fresh = bytes.substr(0, room);
    const bool meets_next = next != pieces_.end() && fresh.size() == room;
    if (before != pieces_.end() && end == at) {
      before->second += fresh;
      if (meets_next) {
        before->second += next->second;
        pieces_.erase(next);
      }
    } else if (meets_next) {
      auto piece = pieces_.extract(next);
      piece.key() = at;
      piece.mapped().insert(0, fresh);
      pieces_.insert(std::move(piece));
    } else if (pieces_.size() < kMaxPieces) {
      pieces_.emplace(at, fresh);
    } else {
      ++refused_;
      return;
    }
    at += fresh.size();
    bytes.remove_prefix(fresh.size());
  }
}

std::string_view CryptoStream::front() const {
  const auto first = pieces_.find(0);
  return first == pieces_.end() ? std::string_view{} : first->second;
}

bool read_frames(std::string_view frames, CryptoStream& into) {
  Reader reader(frames);
  while (!reader.empty()) {
    switch (reader.number()) {
      case kPadding:
      case kPing:
        break;
      case kAck:
        skip_ack(reader, false);
        break;
      case kAckEcn:
        skip_ack(reader, true);
        break;
      case kCrypto: {
        const auto at = reader.number();
        const auto bytes = reader.take(reader.number());
        if (!reader.cut()) into.add(at, bytes);
        break;
      }
      case kClose:
        reader.number();
        reader.number();
        reader.take(reader.number());
        break;
      default:
        return false;
    }
    if (reader.cut()) return false;
  }
  return true;
}

}  // namespace kilnwatch::protocol::quic
