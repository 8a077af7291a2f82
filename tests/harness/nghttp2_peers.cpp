#include "harness/nghttp2_peers.h"

#include <algorithm>
#include <utility>

namespace kilnwatch::test {
namespace {

Peer& peer(void* self) { return *static_cast<Peer*>(self); }

std::vector<nghttp2_nv> as_list(const std::vector<NameValue>& fields) {
  std::vector<nghttp2_nv> list;
  const auto bytes = [](const std::string& text) {
    return reinterpret_cast<std::uint8_t*>(const_cast<char*>(text.data()));
  };
  list.reserve(fields.size());
  for (const auto& field : fields)
    list.push_back({bytes(field.name), bytes(field.value), field.name.size(), field.value.size(),
                    NGHTTP2_NV_FLAG_NONE});
  return list;
}

}  // namespace

Peer::Peer(bool server, unsigned seed, bool printable)
    : server_(server), printable_(printable), random_(seed) {
  nghttp2_session_callbacks* callbacks = nullptr;
  nghttp2_session_callbacks_new(&callbacks);
  nghttp2_session_callbacks_set_on_header_callback(callbacks, header);
  nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, frame);
  nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, data);
  nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, closed);
  nghttp2_session_callbacks_set_select_padding_callback(callbacks, padding);
  nghttp2_option* option = nullptr;
  nghttp2_option_new(&option);
  nghttp2_option_set_no_http_messaging(option, 1);  // any name, any value
  nghttp2_option_set_peer_max_concurrent_streams(option, 1000);
  nghttp2_session* made = nullptr;
  if (server) {
    nghttp2_session_server_new2(&made, callbacks, this, option);
  } else {
    nghttp2_session_client_new2(&made, callbacks, this, option);
  }
  session_.reset(made);
  nghttp2_option_del(option);
  nghttp2_session_callbacks_del(callbacks);
  const nghttp2_settings_entry table{NGHTTP2_SETTINGS_HEADER_TABLE_SIZE,
                                     static_cast<std::uint32_t>(random_() % 10000)};
  nghttp2_submit_settings(session_.get(), NGHTTP2_FLAG_NONE, &table, random_() % 2);
}

std::vector<std::string> Peer::send() {
  std::vector<std::string> out;
  for (;;) {
    const std::uint8_t* bytes = nullptr;
    const auto size = nghttp2_session_mem_send(session_.get(), &bytes);
    if (size <= 0) return out;
    out.emplace_back(reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(size));
  }
}

bool Peer::receive(const std::string& bytes) {
  const auto read = nghttp2_session_mem_recv(
      session_.get(), reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
  return read == static_cast<ssize_t>(bytes.size());
}

int Peer::header(nghttp2_session*, const nghttp2_frame*, const std::uint8_t* name,
                 std::size_t name_size, const std::uint8_t* value, std::size_t value_size,
                 std::uint8_t, void* self) {
  peer(self).list_ += " " + std::string(reinterpret_cast<const char*>(name), name_size) + "=" +
                      std::string(reinterpret_cast<const char*>(value), value_size);
  return 0;
}

int Peer::frame(nghttp2_session*, const nghttp2_frame* frame, void* self) {
  auto& me = peer(self);
  const auto id = std::to_string(frame->hd.stream_id);
  auto& events = me.understood.events;
  switch (frame->hd.type) {
    case NGHTTP2_HEADERS:
      events.push_back(id + " headers" + std::exchange(me.list_, {}));
      if (me.server_ && frame->headers.cat == NGHTTP2_HCAT_REQUEST)
        me.unanswered_.push_back(frame->hd.stream_id);
      break;
    case NGHTTP2_PUSH_PROMISE:
      events.push_back(std::to_string(frame->push_promise.promised_stream_id) + " headers" +
                       std::exchange(me.list_, {}));
      return 0;
    case NGHTTP2_RST_STREAM:
      if (me.closed_.contains(frame->hd.stream_id)) return 0;  // both sides had ended it
      events.push_back(id + " reset " + std::to_string(frame->rst_stream.error_code));
      return 0;
    case NGHTTP2_GOAWAY:
      events.push_back("goodbye " + std::to_string(frame->goaway.error_code));
      return 0;
    case NGHTTP2_DATA:
      break;
    default:
      return 0;
  }
  if ((frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0) events.push_back(id + " end");
  return 0;
}

int Peer::data(nghttp2_session*, std::uint8_t, std::int32_t stream, const std::uint8_t* bytes,
               std::size_t size, void* self) {
  peer(self).understood.bodies[static_cast<std::uint32_t>(stream)].append(
      reinterpret_cast<const char*>(bytes), size);
  return 0;
}

int Peer::closed(nghttp2_session*, std::int32_t stream, std::uint32_t, void* self) {
  auto& me = peer(self);
  me.closed_.insert(stream);
  me.outgoing_.erase(stream);
  me.unanswered_.erase(std::remove(me.unanswered_.begin(), me.unanswered_.end(), stream),
                       me.unanswered_.end());
  return 0;
}

ssize_t Peer::read(nghttp2_session* session, std::int32_t stream, std::uint8_t* out,
                   std::size_t size, std::uint32_t* flags, nghttp2_data_source*, void* self) {
  auto& me = peer(self);
  auto& outgoing = me.outgoing_[stream];
  const auto n = std::min({outgoing.left, size, std::size_t{1} + me.random_() % 3000});
  std::generate_n(out, n, [&me] { return static_cast<std::uint8_t>('a' + me.random_() % 26); });
  outgoing.left -= n;
  if (outgoing.left > 0) return static_cast<ssize_t>(n);
  *flags |= NGHTTP2_DATA_FLAG_EOF;
  if (outgoing.trailers) {
    *flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
    const std::vector<NameValue> fields = {{"grpc-status", "0"}};
    nghttp2_submit_trailer(session, stream, as_list(fields).data(), 1);
  }
  return static_cast<ssize_t>(n);
}

ssize_t Peer::padding(nghttp2_session*, const nghttp2_frame* frame, std::size_t most, void* self) {
  auto& random = peer(self).random_;
  const auto want = frame->hd.length + (random() % 3 == 0 ? random() % 256 : 0);
  return static_cast<ssize_t>(std::min<std::size_t>(want, most));
}

std::vector<NameValue> Peer::fields(bool request) {
  std::vector<NameValue> out;
  if (request) {
    out = {{":method", "POST"}, {":path", "/" + std::to_string(random_() % 5)}};
  } else {
    out = {{":status", random_() % 2 == 0 ? "200" : "404"}};
  }
  for (auto n = random_() % 6; n > 0; --n) {
    const std::size_t size = random_() % 30 == 0 ? random_() % 20000 : random_() % 40;
    out.push_back({"x-" + std::to_string(random_() % 9),
                   random_() % 2 == 0
                       ? std::to_string(random_() % 5)
                       : std::string(size, static_cast<char>(printable_ ? 'a' + random_() % 26
                                                                        : random_() % 256))});
  }
  return out;
}

void Peer::respond(std::int32_t stream) {
  const auto list = fields(false);
  outgoing_[stream] = {random_() % 20000, random_() % 2 == 0};
  const nghttp2_data_provider provider{{}, read};
  nghttp2_submit_response(session_.get(), stream, as_list(list).data(), list.size(),
                          random_() % 4 == 0 ? nullptr : &provider);
}

void Peer::act(std::mt19937& random) {
  const auto what = random() % 16;
  if (what == 0 && !outgoing_.empty()) {
    nghttp2_submit_rst_stream(session_.get(), NGHTTP2_FLAG_NONE, outgoing_.begin()->first,
                              static_cast<std::uint32_t>(random() % 10));
  } else if (what == 1) {
    const nghttp2_settings_entry table{NGHTTP2_SETTINGS_HEADER_TABLE_SIZE,
                                       static_cast<std::uint32_t>(random() % 6000)};
    nghttp2_submit_settings(session_.get(), NGHTTP2_FLAG_NONE, &table, 1);
  } else if (what == 2) {
    nghttp2_submit_ping(session_.get(), NGHTTP2_FLAG_NONE, nullptr);
  } else if (!server_) {
    const auto list = fields(true);
    const nghttp2_data_provider provider{{}, read};
    const nghttp2_priority_spec priority{0, 16, 0};
    const auto stream = nghttp2_submit_request(
        session_.get(), random() % 4 == 0 ? &priority : nullptr, as_list(list).data(), list.size(),
        random() % 3 == 0 ? nullptr : &provider, nullptr);
    if (stream > 0) outgoing_[stream] = {random() % 30000, random() % 3 == 0};
  } else if (!unanswered_.empty()) {
    const auto at =
        unanswered_.begin() + static_cast<std::ptrdiff_t>(random() % unanswered_.size());
    if (what == 3) {
      const auto list = fields(true);
      const auto promised = nghttp2_submit_push_promise(session_.get(), NGHTTP2_FLAG_NONE, *at,
                                                        as_list(list).data(), list.size(), nullptr);
      if (promised > 0) respond(promised);
      return;
    }
    const auto stream = *at;
    unanswered_.erase(at);
    respond(stream);
  }
}

}  // namespace kilnwatch::test
