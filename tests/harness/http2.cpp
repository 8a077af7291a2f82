#include "harness/http2.h"

#include <algorithm>
#include <catch2/catch_test_macros.hpp>
#include <random>

namespace kilnwatch::test {
namespace {

std::string side_name(h2::Sender from) { return from == h2::Sender::kConnector ? "C" : "A"; }

const char* reason_name(grpc::Reason reason) {
  constexpr const char* kNames[] = {"too large", "no room", "hole",    "compression",
                                    "damaged",   "cut",     "unframed"};
  return kNames[static_cast<std::size_t>(reason)];
}

// Bytes that are long are told by their number.
std::string shown(std::string_view bytes) {
  return bytes.size() > 60 ? std::to_string(bytes.size()) + " bytes" : std::string(bytes);
}

class Log final : public h2::ConnectionSink {
 public:
  explicit Log(Heard& told) : told_(told) {}

  std::string fed[2];  // holes as zeros

  void plain(h2::Sender from, std::uint64_t pos, std::string_view raw) override {
    const auto i = static_cast<std::size_t>(from);
    check(from, pos, raw.size());
    // It is what stands there.
    if (fed[i].substr(pos, raw.size()) != raw) FAIL("plain bytes are not those of the stream");
    told_.plain[i] += raw;
  }
  void synced(h2::Sender from, h2::Sync how) override {
    line(side_name(from) + (how == h2::Sync::kStart  ? " starts"
                            : how == h2::Sync::kMark ? " marked"
                                                     : " guessed"));
  }
  void headers(const h2::Stream& s, h2::Sender from, const h2::HeaderBlock& block) override {
    fields("headers", s, from, block);
  }
  void trailers(const h2::Stream& s, h2::Sender from, const h2::HeaderBlock& block) override {
    fields("trailers", s, from, block);
  }
  void headers_unknown(const h2::Stream& s, h2::Sender from, std::string_view reason) override {
    line(name(s, from) + "unknown: " + std::string(reason));
  }
  void message(const h2::Stream& s, h2::Sender from, const grpc::Message& message) override {
    line(name(s, from) + "message " + shown(message.bytes) + (message.compressed ? " (gzip)" : ""));
    places(from, message.pieces);
  }
  void message_skipped(const h2::Stream& s, h2::Sender from, const grpc::Skipped& skip) override {
    line(name(s, from) + "skipped " + std::to_string(skip.length) + ", " +
         reason_name(skip.reason) + ": " + shown(skip.front));
    places(from, skip.pieces);
  }
  void body(const h2::Stream& s, h2::Sender from, std::uint64_t pos,
            std::string_view bytes) override {
    const auto start = name(s, from) + "body ";
    if (!in_body_ || told_.text.rfind(start) != told_.text.rfind('\n', told_.text.size() - 2) + 1)
      line(start);
    told_.text.pop_back();
    told_.text += std::string(bytes) + "\n";
    in_body_ = true;
    check(from, pos, bytes.size());
  }
  void body_hole(const h2::Stream& s, h2::Sender from, std::uint64_t count) override {
    line(name(s, from) + "hole " + std::to_string(count));
  }
  void end(const h2::Stream& s, h2::Sender from) override { line(name(s, from) + "end"); }
  void reset(const h2::Stream& s, h2::Sender from, std::uint32_t code) override {
    line(name(s, from) + "reset " + std::to_string(code));
  }
  void dropped(const h2::Stream& s) override { line(std::to_string(s.id) + " dropped"); }
  void go_away(h2::Sender from, std::uint32_t last, std::uint32_t code) override {
    line(side_name(from) + " goes away after " + std::to_string(last) + ": " +
         std::to_string(code));
  }
  void broken(h2::Sender from, std::string_view reason) override {
    line(side_name(from) + " broken: " + std::string(reason));
  }

 private:
  static std::string name(const h2::Stream& s, h2::Sender from) {
    return side_name(from) + std::to_string(s.id) + (s.midway ? "? " : " ");
  }
  void line(const std::string& text) {
    told_.text += text + "\n";
    in_body_ = false;
  }
  void fields(const char* what, const h2::Stream& s, h2::Sender from,
              const h2::HeaderBlock& block) {
    auto text = name(s, from) + what;
    for (const auto& field : block.list.fields)
      text += " " + (field.name_known ? field.name : "?") + "=" +
              (field.value_known ? shown(field.value) : "?");
    line(text);
    places(from, block.pieces);
    std::string coded;
    for (const auto& piece : block.pieces)
      coded += fed[static_cast<std::size_t>(from)].substr(piece.pos, piece.size);
    if (!block.pieces.empty() && coded != block.coded) FAIL("a block does not stand where it says");
  }
  void places(h2::Sender from, const std::vector<protocol::Piece>& pieces) {
    std::uint64_t last = 0;
    for (const auto& piece : pieces) {
      if (piece.pos < last || piece.size == 0) FAIL("pieces are not in order");
      last = piece.pos + piece.size;
      check(from, piece.pos, piece.size);
    }
  }
  void check(h2::Sender from, std::uint64_t pos, std::uint64_t size) {
    if (pos + size > fed[static_cast<std::size_t>(from)].size())
      FAIL("a place beyond what was seen");
  }

  Heard& told_;
  bool in_body_ = false;
};

}  // namespace

std::string big_endian(std::uint64_t value, unsigned bytes) {
  std::string out;
  for (unsigned i = bytes; i-- > 0;) out += static_cast<char>(value >> 8 * i);
  return out;
}

std::string frame(h2::Type type, unsigned flags, std::uint32_t stream, std::string_view payload) {
  return big_endian(payload.size(), 3) + static_cast<char>(type) + static_cast<char>(flags) +
         big_endian(stream, 4) + std::string(payload);
}

std::string literals(const std::vector<std::pair<std::string, std::string>>& fields) {
  std::string out;
  const auto text = [&out](const std::string& value) {
    if (value.size() < 127) {
      out += static_cast<char>(value.size());
    } else {
      out += '\x7f';
      auto left = value.size() - 127;
      for (; left >= 128; left /= 128) out += static_cast<char>(0x80U | (left & 0x7fU));
      out += static_cast<char>(left);
    }
    out += value;
  };
  for (const auto& [name, value] : fields) {
    out += '\0';
    text(name);
    text(value);
  }
  return out;
}

std::string grpc_message(std::string_view bytes, bool compressed) {
  return std::string(1, compressed ? '\1' : '\0') + big_endian(bytes.size(), 4) +
         std::string(bytes);
}

std::string call(std::uint32_t stream, std::string_view path, unsigned flags) {
  return frame(h2::Type::kHeaders, flags, stream,
               literals({{":method", "POST"},
                         {":path", std::string(path)},
                         {"content-type", "application/grpc"}}));
}

std::string answer(std::uint32_t stream) {
  return frame(h2::Type::kHeaders, h2::kEndHeaders, stream,
               literals({{":status", "200"}, {"content-type", "application/grpc"}}));
}

std::string trailers(std::uint32_t stream, std::string_view status) {
  return frame(h2::Type::kHeaders, h2::kEndHeaders | h2::kEndStream, stream,
               literals({{"grpc-status", std::string(status)}}));
}

std::string data(std::uint32_t stream, std::string_view bytes, unsigned flags) {
  return frame(h2::Type::kData, flags, stream, bytes);
}

std::string settings(std::string_view payload) { return frame(h2::Type::kSettings, 0, 0, payload); }

std::string client_start() { return std::string(h2::kPreface) + settings(); }

Heard tell(const std::vector<Step>& steps, const h2::Options& options, const Cut& cut) {
  Heard told;
  Log log(told);
  h2::Connection connection(options, log);
  std::uint64_t untold[2] = {0, 0};
  for (const auto& step : steps) {
    const auto i = static_cast<std::size_t>(step.from);
    auto& fed = log.fed[i];
    if (step.hole > 0) {
      fed.append(step.hole, '\0');
      connection.hole(step.from, step.hole);
    }
    for (std::size_t at = 0; at < step.bytes.size();) {
      const auto n =
          std::clamp<std::size_t>(cut(step.bytes.size() - at), 1, step.bytes.size() - at);
      const auto pos = fed.size();
      const std::string piece = step.bytes.substr(at, n);  // of its own size, for the sanitizers
      fed += piece;
      connection.feed(step.from, pos, piece, at == 0);
      at += n;
    }
    const auto now = connection.untold(step.from, fed.size());
    if (now < untold[i] || now > fed.size()) FAIL("what was told is untold again");
    untold[i] = now;
  }
  connection.close();
  told.counters = connection.counters();
  return told;
}

std::string tell_all(const std::vector<Step>& steps, const h2::Options& options) {
  const auto whole = tell(steps, options, [](std::size_t left) { return left; });
  const auto same = [&whole](const Heard& told) {
    CHECK(told.text == whole.text);
    CHECK(told.plain[0] == whole.plain[0]);
    CHECK(told.plain[1] == whole.plain[1]);
  };
  same(tell(steps, options, [](std::size_t) { return 1; }));
  for (unsigned seed = 0; seed < 20; ++seed) {
    std::mt19937 random(seed);
    same(tell(steps, options, [&random](std::size_t) { return 1 + random() % 23; }));
  }
  return whole.text;
}

}  // namespace kilnwatch::test
