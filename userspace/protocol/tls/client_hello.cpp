#include "protocol/tls/client_hello.h"

#include <algorithm>

#include "base/host_name.h"

namespace kilnwatch::protocol {
namespace {

constexpr std::size_t kRecordHead = 5;  // type, version, length (RFC 8446, 5.1)
constexpr std::size_t kMaxRecord = 1 << 14;
constexpr std::uint8_t kHandshake = 22;
constexpr std::uint8_t kHello = 1;
constexpr std::uint16_t kServerName = 0;           // extension types
constexpr std::uint16_t kEncryptedHello = 0xfe0d;  // RFC 9849, 11.1

std::uint8_t byte_of(std::string_view text, std::size_t at) {
  return static_cast<std::uint8_t>(text[at]);
}

// The handshake bytes of the records at the front, each with its place in the text.
struct Handshake {
  std::string bytes;
  std::vector<std::size_t> places;
  std::vector<std::pair<std::size_t, std::size_t>> heads;
};

Handshake handshake_of(std::string_view text) {
  Handshake out;
  std::size_t at = 0;
  while (at + kRecordHead <= text.size() && byte_of(text, at) == kHandshake &&
         byte_of(text, at + 1) == 3) {
    const std::size_t length = std::size_t{byte_of(text, at + 3)} << 8 | byte_of(text, at + 4);
    if (length == 0 || length > kMaxRecord) break;
    out.heads.emplace_back(at, kRecordHead);
    at += kRecordHead;
    const std::size_t end = std::min(at + length, text.size());
    out.bytes.append(text, at, end - at);
    for (; at < end; ++at) out.places.push_back(at);
  }
  return out;
}

// Reads forward; whatever lies beyond the end makes it `cut`, and reads as nothing.
class Reader {
 public:
  explicit Reader(std::string_view bytes) : bytes_(bytes) {}
  bool cut() const { return cut_; }
  std::size_t at() const { return at_; }
  std::size_t left() const { return bytes_.size() - at_; }
  std::size_t number(std::size_t width) {
    if (left() < width) return lack();
    std::size_t value = 0;
    for (; width > 0; --width) value = value << 8 | byte_of(bytes_, at_++);
    return value;
  }
  void skip(std::size_t count) {
    if (left() < count) {
      lack();
      return;
    }
    at_ += count;
  }
  std::string_view take(std::size_t count) {
    if (left() < count) {
      lack();
      return {};
    }
    at_ += count;
    return bytes_.substr(at_ - count, count);
  }

 private:
  std::size_t lack() {
    cut_ = true;
    at_ = bytes_.size();
    return 0;
  }
  std::string_view bytes_;
  std::size_t at_ = 0;
  bool cut_ = false;
};

// The first host name of the list (RFC 6066, 3: no more than one).
std::string name_in(std::string_view list) {
  Reader reader(list);
  reader.skip(2);
  const auto type = reader.number(1);
  const auto name = reader.take(reader.number(2));
  return reader.cut() || type != 0 ? std::string{} : base::host_name(name);
}

// Neighbours in the text become one range.
void open(ClientHello& hello, const Handshake& from, std::size_t begin, std::size_t end) {
  for (; begin < end; ++begin) {
    const std::size_t place = from.places[begin];
    if (!hello.open.empty() && hello.open.back().first + hello.open.back().second == place) {
      ++hello.open.back().second;
    } else {
      hello.open.emplace_back(place, 1);
    }
  }
}

void read_extensions(Reader& reader, const Handshake& from, ClientHello& hello) {
  const std::size_t size = reader.number(2);
  const std::size_t end = std::min(reader.at() + size, reader.at() + reader.left());
  open(hello, from, reader.at() - (reader.cut() ? 0 : 2), reader.at());
  const bool all_there = !reader.cut() && end - reader.at() == size;
  while (reader.at() + 4 <= end) {
    const std::size_t begin = reader.at();
    const auto type = reader.number(2);
    const auto length = reader.number(2);
    open(hello, from, begin, begin + 4);
    if (reader.at() + length > end) return;
    const std::size_t content = reader.at();
    const auto value = reader.take(length);
    if (type == kEncryptedHello) hello.encrypted = true;
    if (type != kServerName || !hello.server_name.empty()) continue;
    hello.server_name = name_in(value);
    // List length, type and name length, then the name: what stands behind it is nobody's.
    if (!hello.server_name.empty())
      open(hello, from, content, content + 5 + hello.server_name.size());
  }
  hello.whole = all_there && reader.at() == end;
}

}  // namespace

std::optional<ClientHello> read_client_hello(std::string_view text) {
  const Handshake from = handshake_of(text);
  if (from.bytes.size() < 4 || byte_of(from.bytes, 0) != kHello) return std::nullopt;
  ClientHello hello;
  hello.open = from.heads;
  Reader reader(from.bytes);
  // Lengths say where the extensions are, so they stay; what they measure does not.
  const auto passed = [&](std::size_t width) {
    const std::size_t begin = reader.at();
    const std::size_t length = reader.number(width);
    if (!reader.cut()) open(hello, from, begin, reader.at());
    return length;
  };
  reader.skip(4);
  open(hello, from, 0, reader.at());
  if (reader.number(2) >> 8 != 3 && !reader.cut()) return std::nullopt;
  if (!reader.cut()) open(hello, from, 4, 6);
  reader.skip(32);
  const auto session = passed(1);
  if (session > 32) return std::nullopt;
  reader.skip(session);
  const auto suites = passed(2);
  if (suites % 2 != 0) return std::nullopt;
  reader.skip(suites);
  reader.skip(passed(1));
  if (!reader.cut()) read_extensions(reader, from, hello);
  std::sort(hello.open.begin(), hello.open.end());
  return hello;
}

}  // namespace kilnwatch::protocol
