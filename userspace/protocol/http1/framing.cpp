#include "protocol/http1/framing.h"

#include <algorithm>
#include <charconv>

#include "base/number.h"
#include "base/text.h"

namespace kilnwatch::protocol {
namespace {

constexpr std::size_t kChunkDigits = 16;  // net/http: "http chunk length too large"

std::string_view trim(std::string_view text) {
  const auto from = text.find_first_not_of(" \t");
  if (from == text.npos) return {};
  return text.substr(from, text.find_last_not_of(" \t") - from + 1);
}

bool is_version(std::string_view text) {
  static constexpr std::string_view kLead = "HTTP/1.";
  return text.starts_with(kLead) && text.size() > kLead.size() &&
         text.find_first_not_of("0123456789", kLead.size()) == text.npos;
}

}  // namespace

Framing framing_of(const Head& head, bool response) {
  using Kind = Framing::Kind;
  const bool old = head.third == "HTTP/1.0" && !response;
  bool coded = false;
  std::string coding;
  for (const auto& [name, value] : head.fields) {
    if (name != "transfer-encoding" || old) continue;
    coded = true;
    coding = base::lower(trim(std::string_view(value).substr(value.rfind(',') + 1)));
  }
  if (coded) {
    if (coding == "chunked") return {Kind::kChunked};
    if (response) return {Kind::kUntilClose};
    return {Kind::kBroken, 0, "a transfer coding that is not chunked"};
  }
  std::optional<std::string_view> length;
  for (const auto& [name, value] : head.fields) {
    if (name != "content-length") continue;
    const auto text = trim(value);
    if (length && *length != text) return {Kind::kBroken, 0, "Content-Length twice, not the same"};
    length = text;
  }
  if (!length || length->empty()) return {response ? Kind::kUntilClose : Kind::kNone};
  const auto count = base::number_of<std::int64_t>(*length);  // net/http: 63 bits
  if (!count || length->front() == '-') return {Kind::kBroken, 0, "Content-Length is no number"};
  if (*count == 0) return {Kind::kNone};
  return {Kind::kLength, static_cast<std::uint64_t>(*count)};
}

std::optional<std::uint64_t> chunk_size(std::string_view line) {
  const auto text = line.substr(0, line.find(';'));
  const auto digits = text.substr(0, text.find_last_not_of(" \t") + 1);
  std::uint64_t size = 0;
  const char* const end = digits.data() + digits.size();
  const auto [stop, error] = std::from_chars(digits.data(), end, size, 16);
  if (digits.empty() || digits.size() > kChunkDigits || error != std::errc{} || stop != end)
    return std::nullopt;
  return size;
}

bool parse_start(std::string_view line, bool response, Head& head) {
  const auto a = line.find(' ');
  if (a == 0 || a == line.npos) return false;
  const auto b = line.find(' ', a + 1);
  head.first = line.substr(0, a);
  head.second = line.substr(a + 1, b == line.npos ? b : b - a - 1);
  head.third = b == line.npos ? std::string_view() : line.substr(b + 1);
  return is_version(response ? head.first : head.third);
}

}  // namespace kilnwatch::protocol
