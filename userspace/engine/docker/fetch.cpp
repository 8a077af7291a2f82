#include "engine/docker/fetch.h"

#include <algorithm>
#include <charconv>
#include <deque>
#include <optional>
#include <string>
#include <utility>

#include "base/secrets.h"
#include "base/text.h"
#include "engine/docker/context.h"
#include "engine/docker/dockerfile.h"
#include "engine/docker/mask.h"
#include "protocol/http1/parser.h"
#include "protocol/tar/tar.h"
#include "protocol/unpack/unpack.h"

namespace kilnwatch::engine::docker {
namespace {

using domain::Direction;
using protocol::Body;

constexpr std::size_t kSniffed = 100;  // bytes, as remotecontext/mimetype.go looks at

// net/http DetectContentType as far as it matters: text has none of these bytes (mimesniff §3).
bool is_text(std::string_view bytes) {
  return std::none_of(bytes.begin(), bytes.end(), [](unsigned char c) {
    return c <= 0x08 || c == 0x0b || (c >= 0x0e && c <= 0x1a) || (c >= 0x1c && c <= 0x1f);
  });
}

bool is_dockerfile(std::string_view type, std::string_view body) {
  if (type.starts_with("text/plain")) return true;
  if (!type.empty() && !type.starts_with("application/octet-stream")) return false;
  return protocol::packing_of(body) == protocol::Packing::kNone &&
         is_text(body.substr(0, kSniffed));
}

class Fetch final : public Conversation, private protocol::MessageSink {
 public:
  explicit Fetch(const domain::ConnOpened& opened)
      : podman_(opened.engine == domain::EngineKind::kPodman) {
    scene_.conn = opened.conn;
  }

  void data(const domain::Chunk& chunk, Output& out) override {
    begin(chunk.direction, chunk.time, out);
    next_[index()] = chunk.pos + chunk.bytes.size();
    // The engine writes each request in one piece (net/http persistConn.writeLoop).
    if (asks() && parser().lost() && chunk.call_start && chunk.bytes.starts_with("GET "))
      parser().resync();
    if (!asks() && parser().lost() && chunk.call_start && chunk.bytes.starts_with("HTTP/1."))
      parser().resync();
    parser().feed(chunk.pos, chunk.bytes);
  }
  void skip(Direction direction, domain::TimeNs time, std::uint64_t count, Output& out) override {
    begin(direction, time, out);
    next_[index()] += count;
    if (!asks()) give_up();  // beyond what is looked at of an answer
    parser().hole(count);
  }
  void gap(Direction direction, domain::TimeNs time, std::uint64_t count, Output& out) override {
    skip(direction, time, count, out);
  }
  void close(domain::TimeNs time, Output& out) override {
    begin(Direction::kRequest, time, out);
    parser().finish();
  }
  std::uint64_t settled(Direction direction) const override {
    const auto side = static_cast<std::size_t>(direction);
    const auto told = parsers_[side].untold(next_[side]);
    const bool holds = direction == Direction::kRequest && !body_.empty();
    return holds ? std::min(told, body_.first_pos()) : told;
  }
  std::size_t held_bytes() const override {
    std::size_t sum = body_.held_bytes() + fact_.url.capacity() + type_.capacity();
    for (const auto& parser : parsers_) sum += parser.held_bytes();
    for (const auto& url : urls_) sum += url.capacity();
    return sum;
  }

 private:
  void begin(Direction direction, domain::TimeNs time, Output& out) {
    direction_ = direction;
    scene_.now = time;
    scene_.out = &out;
  }
  std::size_t index() const { return static_cast<std::size_t>(direction_); }
  bool asks() const { return direction_ == Direction::kResponse; }  // the engine writes
  protocol::Parser& parser() { return parsers_[index()]; }

  void line(protocol::Line kind, std::uint64_t pos, std::string_view raw) override {
    // Masks are made for an engine that answers.
    const auto role = asks() ? Direction::kRequest : Direction::kResponse;
    scene_.out->safe.push_back({direction_, pos, masks_[index()].masked(role, kind, raw)});
  }

  Body head(protocol::Head head) override {
    if (asks()) {
      if (urls_.size() >= kMaxFetches) urls_.pop_front();
      urls_.push_back("http://" + std::string(head.field("host")) + head.second);
      return Body::kFramed;
    }
    give_up();
    std::uint32_t status = 0;
    std::from_chars(head.second.data(), head.second.data() + head.second.size(), status);
    if (status / 100 == 1 || urls_.empty()) return Body::kFramed;
    fact_ = {scene_.now, scene_.conn, base::mask_text(urls_.front()), {}, std::nullopt};
    urls_.pop_front();
    wanted_ = status == 200;
    if (status / 100 == 3) {
      fact_.location = base::mask_text(head.field("location"));
      scene_.out->facts.emplace_back(fact_);
    }
    type_ = base::lower(head.field("content-type"));
    return Body::kFramed;
  }

  void body(std::uint64_t pos, std::string_view bytes) override {
    if (asks() || !wanted_) return;
    const auto room = kMaxContextFront - body_.size();
    body_.add(pos, bytes.substr(0, room));
    if (bytes.size() > room) give_up();
  }

  void end() override {
    if (asks()) return;
    if (std::exchange(wanted_, false)) judge();
    body_.clear();
  }
  void broken(std::string_view) override {
    if (!asks()) give_up();
  }
  void give_up() {
    wanted_ = false;
    body_.clear();
  }

  void judge() {
    const bool archive = protocol::packing_of(body_.bytes()) != protocol::Packing::kNone ||
                         protocol::tar_end(body_.bytes()).has_value();
    if (podman_ ? !archive : is_dockerfile(type_, body_.bytes())) {
      auto seen = seen_dockerfile(body_.bytes(), scene_.now, {});
      if (seen.instructions.empty()) return;
      fact_.dockerfile = std::move(seen);
      body_.vouch(direction_, 0, body_.size(), base::mask_text_same_length(body_.bytes()),
                  scene_.out->safe);
    } else {
      Output inner;
      Scene scene = scene_;
      scene.out = &inner;
      ContextFront front({}, ContextFront::dockers({}));
      body_.each([&](std::uint64_t pos, std::string_view bytes) { front.add(scene, pos, bytes); });
      front.finish(scene);
      if (inner.facts.empty()) return;
      fact_.dockerfile = std::get<domain::DockerfileSeen>(std::move(inner.facts.front()));
      for (auto& range : inner.safe) scene_.out->safe.push_back(std::move(range));
    }
    fact_.time = scene_.now;
    scene_.out->facts.emplace_back(std::move(fact_));
  }

  Scene scene_;
  bool podman_;  // what is no archive is the Dockerfile, whatever its type (buildah:
                 // define/types.go)
  Direction direction_ = Direction::kRequest;
  std::deque<std::string> urls_;  // asked for, not answered
  domain::ContextFetched fact_;   // of the answer that is read
  std::string type_;              // its Content-Type, lower case
  Gathered body_;
  bool wanted_ = false;  // its body may be a context
  LineMask masks_[2] = {LineMask(true), LineMask(true)};
  std::uint64_t next_[2] = {0, 0};
  // By direction: what the engine reads are answers.
  protocol::Parser parsers_[2] = {{true, *this}, {false, *this}};
};

}  // namespace

std::unique_ptr<Conversation> make_fetch(const domain::ConnOpened& opened) {
  return std::make_unique<Fetch>(opened);
}

}  // namespace kilnwatch::engine::docker
