// Both directions of an HTTP/2 connection. The first byte holds the options; then steps: a byte
// that says who sends and what, a byte of length, the bytes. However the bytes of a step are cut,
// the callbacks are the same; what is held stays within limits; places ascend. Against nghttp2
// whole peers are held in tests/unit/protocol/http2_oracle_test.cpp. In 600 s (2026-11-29, two
// cores shared): 4,368,403 inputs, no promise broken.
#include <string>
#include <vector>

#include "fuzz/fuzz.h"
#include "protocol/http2/connection.h"

namespace {

using namespace kilnwatch;
namespace grpc = protocol::grpc;
namespace h2 = protocol::http2;
using h2::Sender;

constexpr std::size_t kStreams = 4;
constexpr std::size_t kMessage = 512;
constexpr std::size_t kGathered = 1024;

struct Log final : h2::ConnectionSink {
  std::string text;
  std::uint64_t fed[2] = {0, 0};

  void plain(Sender from, std::uint64_t pos, std::string_view raw) override {
    place(from, pos, raw.size());
    line("P", from);
    text += raw;
  }
  void synced(Sender from, h2::Sync how) override {
    line("S", from);
    text += std::to_string(static_cast<int>(how));
  }
  void headers(const h2::Stream& s, Sender from, const h2::HeaderBlock& block) override {
    fields("H", s, from, block);
  }
  void trailers(const h2::Stream& s, Sender from, const h2::HeaderBlock& block) override {
    fields("T", s, from, block);
  }
  void headers_unknown(const h2::Stream& s, Sender from, std::string_view reason) override {
    event("U", s, from);
    text += reason;
  }
  void message(const h2::Stream& s, Sender from, const grpc::Message& message) override {
    event("M", s, from);
    text += message.bytes;
    fuzz::promise(message.bytes.size() <= kMessage, "a message is bounded");
    pieces(from, message.pieces);
  }
  void message_skipped(const h2::Stream& s, Sender from, const grpc::Skipped& skipped) override {
    event("-", s, from);
    text += std::to_string(static_cast<int>(skipped.reason)) + "," +
            std::to_string(skipped.length) + ",";
    text += skipped.front;
    fuzz::promise(skipped.front.size() <= grpc::kFrontKept, "a front is bounded");
    pieces(from, skipped.pieces);
  }
  void body(const h2::Stream& s, Sender from, std::uint64_t pos, std::string_view bytes) override {
    place(from, pos, bytes.size());
    const auto start = name("B", s, from);
    if (start != last_) event("B", s, from);
    text += bytes;
    last_ = start;
  }
  void body_hole(const h2::Stream& s, Sender from, std::uint64_t count) override {
    event("?", s, from);
    text += std::to_string(count);
  }
  void end(const h2::Stream& s, Sender from) override { event("E", s, from); }
  void reset(const h2::Stream& s, Sender from, std::uint32_t code) override {
    event("R", s, from);
    text += std::to_string(code);
  }
  void dropped(const h2::Stream& s) override { event("D", s, Sender::kConnector); }
  void go_away(Sender from, std::uint32_t stream, std::uint32_t code) override {
    line("G", from);
    text += std::to_string(stream) + "," + std::to_string(code);
  }
  void broken(Sender from, std::string_view reason) override {
    line("!", from);
    text += reason;
  }

 private:
  static std::string name(const char* what, const h2::Stream& s, Sender from) {
    return what + std::to_string(static_cast<int>(from)) + ":" + std::to_string(s.id) +
           (s.midway ? "?" : ".");
  }
  void event(const char* what, const h2::Stream& s, Sender from) {
    last_.clear();
    text += "\n" + name(what, s, from);
  }
  void line(const char* what, Sender from) {
    last_.clear();
    text += "\n" + (what + std::to_string(static_cast<int>(from)));
  }
  void fields(const char* what, const h2::Stream& s, Sender from, const h2::HeaderBlock& block) {
    event(what, s, from);
    for (const auto& field : block.list.fields) {
      text += "|" + (field.name_known ? field.name : "?") + "=" +
              (field.value_known ? field.value : "?");
      fuzz::promise(field.value_at + field.value_size <= block.coded.size(), "a value has a place");
    }
    std::size_t size = 0;
    for (const auto& piece : block.pieces) size += piece.size;
    fuzz::promise(block.pieces.empty() || size == block.coded.size(), "a block is in its pieces");
    pieces(from, block.pieces);
  }
  void pieces(Sender from, const std::vector<protocol::Piece>& pieces) {
    std::uint64_t next = 0;
    for (const auto& piece : pieces) {
      fuzz::promise(piece.pos >= next, "pieces ascend");
      next = piece.pos + piece.size;
      fuzz::promise(next <= fed[static_cast<std::size_t>(from)], "pieces were seen");
      text += "," + std::to_string(piece.pos) + "+" + std::to_string(piece.size);
    }
  }
  void place(Sender from, std::uint64_t pos, std::size_t size) {
    auto& next = next_[static_cast<std::size_t>(from)];
    fuzz::promise(pos >= next, "places ascend");
    next = pos + size;
    fuzz::promise(next <= fed[static_cast<std::size_t>(from)], "what is told was seen");
  }
  std::uint64_t next_[2] = {0, 0};
  std::string last_;
};

// As much as the limits allow, and some for each byte that is being gathered.
std::size_t most_held(std::size_t size) {
  return 2 * h2::kTableHeld + kGathered + kStreams * (12 * h2::kTextKept + 2048) + 20 * size;
}

std::string read(std::string_view bytes, fuzz::Pieces* cut) {
  fuzz::Reader input(bytes);
  const auto flags = input.byte();
  h2::Options options;
  options.midway = (flags & 1U) != 0;
  options.grpc = (flags & 2U) != 0;
  if ((flags & 4U) != 0)
    options.client = (flags & 8U) != 0 ? Sender::kAcceptor : Sender::kConnector;
  options.streams = kStreams;
  options.message = kMessage;
  options.gathered = kGathered;
  Log log;
  h2::Connection connection(options, log);
  std::uint64_t untold[2] = {0, 0};
  while (!input.empty()) {
    const auto what = input.byte();
    const auto from = (what & 1U) != 0 ? Sender::kAcceptor : Sender::kConnector;
    auto& fed = log.fed[what & 1U];
    const std::uint64_t count = input.byte();
    if ((what & 0xf0U) == 0x10U) {
      fed += count;
      connection.hole(from, count);
    } else if ((what & 0xf0U) == 0x20U && connection.lost(from)) {
      connection.resync(from);
    } else if ((what & 0xf0U) == 0x30U) {
      connection.lose(from);
    } else {
      const auto step = input.take(static_cast<std::size_t>((what & 2U) != 0 ? count * 16 : count));
      for (std::size_t at = 0; at < step.size();) {
        const auto n = cut == nullptr ? step.size() : cut->next(1, step.size() - at);
        const auto pos = fed;
        fed += n;
        connection.feed(from, pos, step.substr(at, n), at == 0 && (what & 4U) == 0);
        at += n;
      }
    }
    const auto place = connection.untold(from, fed);
    fuzz::promise(place <= fed && place >= untold[what & 1U], "what was told stays told");
    untold[what & 1U] = place;
    fuzz::promise(connection.streams() <= kStreams, "streams are bounded");
    fuzz::promise(connection.held_bytes() <= most_held(bytes.size()), "memory is bounded");
  }
  connection.close();
  return log.text;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto bytes = fuzz::text(data, size);
  const auto whole = read(bytes, nullptr);
  fuzz::Pieces pieces(bytes);
  const auto cut = read(bytes, &pieces);
  if (cut != whole) fuzz::show({{"whole", whole}, {"cut", cut}});
  fuzz::promise(cut == whole, "any cut reads the same");
  return 0;
}
