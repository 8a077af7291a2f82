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
    if (!asks() && wanted_) {  // beyond what is looked at of an answer, or left out of a recording
      part_only();
      front_->hole(inside(), count);
      judge(false);
    }
    parser().hole(count);
  }
  void gap(Direction direction, domain::TimeNs time, std::uint64_t count, Output& out) override {
    begin(direction, time, out);
    next_[index()] += count;
    if (!asks()) give_up();
    parser().hole(count);
  }
  void close(domain::TimeNs time, Output& out) override {
    begin(Direction::kRequest, time, out);
    parser().finish();
  }
  std::uint64_t settled(Direction direction) const override {
    const auto side = static_cast<std::size_t>(direction);
    auto told = parsers_[side].untold(next_[side]);
    if (direction == Direction::kResponse) return told;
    if (!body_.empty()) told = std::min(told, body_.first_pos());
    if (front_) told = std::min(told, front_->held().value_or(told));
    for (const auto& range : found_.safe) told = std::min(told, range.pos);
    return told;
  }
  std::size_t held_bytes() const override {
    std::size_t sum = body_.held_bytes() + fact_.url.capacity() + type_.capacity();
    if (front_) sum += front_->held_bytes();
    for (const auto& range : found_.safe) sum += sizeof(range) + range.bytes.capacity();
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
    if (status == 200) {
      wanted_ = whole_ = true;
      front_.emplace(domain::CallId{}, ContextFront::dockers({}));
    }
    if (status / 100 == 3) {
      fact_.location = base::mask_text(head.field("location"));
      scene_.out->facts.emplace_back(fact_);
    }
    type_ = base::lower(head.field("content-type"));
    return Body::kFramed;
  }

  void body(std::uint64_t pos, std::string_view bytes) override {
    if (asks() || !wanted_) return;
    front_->add(inside(), pos, bytes);
    if (body_.size() + bytes.size() > kMaxContextFront) part_only();
    if (whole_) body_.add(pos, bytes);
    judge(false);
  }

  void end() override {
    if (asks()) return;
    judge(true);
    give_up();
  }
  void broken(std::string_view) override {
    if (!asks()) give_up();
  }
  void give_up() {
    wanted_ = false;
    front_.reset();
    found_ = {};
    part_only();
  }
  void part_only() {
    whole_ = false;
    body_.clear();
  }

  // What the front of an archive tells waits until it is certain that this is one.
  Scene inside() {
    Scene scene = scene_;
    scene.out = &found_;
    return scene;
  }

  // By what there is of the body so far; with kSniffed bytes this is decided, but for podman.
  bool may_be_text() const {
    if (!podman_ && type_.starts_with("text/plain")) return true;
    if (!whole_) return false;
    if (!podman_) return is_dockerfile(type_, body_.bytes());
    return protocol::packing_of(body_.bytes()) == protocol::Packing::kNone &&
           !protocol::tar_end(body_.bytes());
  }

  // `over`: nothing more of the body is to come. An archive may be judged before, as soon as
  // nothing more is looked for in it.
  void judge(bool over) {
    if (!wanted_ || (!over && front_->wanted()) || (may_be_text() && !over)) return;
    if (may_be_text()) {
      take_text();
    } else {
      take_archive();
    }
    give_up();
  }

  void take_archive() {
    front_->finish(inside());
    if (found_.facts.empty()) return;
    fact_.dockerfile = std::get<domain::DockerfileSeen>(std::move(found_.facts.front()));
    for (auto& range : found_.safe) scene_.out->safe.push_back(std::move(range));
    tell();
  }

  void take_text() {
    if (!whole_) return;
    auto seen = seen_dockerfile(body_.bytes(), scene_.now, {});
    if (seen.instructions.empty()) return;
    fact_.dockerfile = std::move(seen);
    body_.vouch(Direction::kRequest, 0, body_.size(), base::mask_text_same_length(body_.bytes()),
                scene_.out->safe);
    tell();
  }

  void tell() {
    fact_.time = scene_.now;
    scene_.out->facts.emplace_back(std::move(fact_));
  }

  Scene scene_;
  bool podman_;  // what is no archive is the Dockerfile, whatever its type (buildah:
                 // define/types.go)
  Direction direction_ = Direction::kRequest;
  std::deque<std::string> urls_;       // asked for, not answered
  domain::ContextFetched fact_;        // of the answer that is read
  std::string type_;                   // its Content-Type, lower case
  bool wanted_ = false;                // its body may be a context
  Gathered body_;                      // all of it so far, if whole_
  bool whole_ = false;                 // it was seen from its beginning, and is not too long
  std::optional<ContextFront> front_;  // as that of an archive
  Output found_;                       // in front_
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
