#include "protocol/dns/stream.h"

#include <algorithm>
#include <utility>

namespace kilnwatch::protocol {

namespace {

constexpr std::size_t kLengthBytes = 2;

}  // namespace

void DnsStream::end(std::vector<std::string>& out) {
  if (part_) ++cut_;
  if (!message_.empty()) out.push_back(std::exchange(message_, {}));
  length_bytes_ = left_ = 0;
  part_ = false;
}

std::vector<std::string> DnsStream::read(std::string_view bytes) {
  std::vector<std::string> out;
  while (!bytes.empty() && !lost_) {
    if (length_bytes_ < kLengthBytes) {
      left_ = left_ << 8 | static_cast<std::uint8_t>(bytes.front());
      ++length_bytes_;
      bytes.remove_prefix(1);
      if (length_bytes_ == kLengthBytes && left_ == 0) end(out);
      continue;
    }
    const auto piece = bytes.substr(0, left_);
    const std::size_t keep = part_ ? 0 : std::min(piece.size(), kMaxDnsMessage - message_.size());
    message_.append(piece, 0, keep);
    part_ = part_ || keep < piece.size();
    left_ -= piece.size();
    bytes.remove_prefix(piece.size());
    if (left_ == 0) end(out);
  }
  return out;
}

std::vector<std::string> DnsStream::pass(std::uint64_t count) {
  std::vector<std::string> out;
  if (count == 0 || lost_) return out;
  // Their length is known, so what is behind them is, too.
  if (length_bytes_ == kLengthBytes && count <= left_) {
    part_ = true;
    left_ -= static_cast<std::size_t>(count);
    if (left_ == 0) end(out);
    return out;
  }
  lost_ = true;
  if (length_bytes_ < kLengthBytes) return out;
  part_ = true;
  end(out);
  return out;
}

}  // namespace kilnwatch::protocol
