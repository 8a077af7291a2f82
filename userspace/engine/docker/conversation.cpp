// The Docker Engine API over HTTP/1.1: framing of both directions, answers matched to requests.
#include "engine/conversation.h"

#include <algorithm>
#include <charconv>
#include <deque>
#include <utility>

#include "engine/docker/call.h"
#include "engine/docker/early.h"
#include "engine/docker/fetch.h"
#include "engine/docker/mask.h"
#include "engine/docker/start.h"
#include "protocol/http1/parser.h"

namespace kilnwatch::engine {
namespace {

using docker::Call;
using docker::Cut;
using domain::Direction;
using protocol::Body;

constexpr std::size_t kMaxPending = 256;  // pipelined requests that wait for their answer

class DockerConversation final : public Conversation, private protocol::MessageSink {
 public:
  explicit DockerConversation(const domain::ConnOpened& opened)
      : unseen_(opened.midway), never_synced_(opened.midway) {
    scene_.conn = opened.conn;
    scene_.next_number = &number_;
    if (opened.midway) {
      request_.lose();
      response_.lose();
    }
  }

  void data(const domain::Chunk& chunk, Output& out) override {
    begin(chunk.direction, chunk.time, out);
    next_[index()] = chunk.pos + chunk.bytes.size();
    if (chunk.direction == Direction::kRequest) {
      ask(chunk);
    } else {
      respond(chunk);
    }
  }

  void skip(Direction direction, domain::TimeNs time, std::uint64_t count, Output& out) override {
    begin(direction, time, out);
    next_[index()] += count;
    hole(count, false);
  }

  void gap(Direction direction, domain::TimeNs time, std::uint64_t count, Output& out) override {
    begin(direction, time, out);
    next_[index()] += count;
    hole(count, true);
  }

  void close(domain::TimeNs time, Output& out) override {
    begin(Direction::kResponse, time, out);
    if (early_.empty() || early_.is_refusal()) {
      early_.clear();
    } else {
      scene_.blind("an answer whose request was not seen");
      unseen_ = true;
      answer_early(time);
    }
    scene_.closing = true;
    response_.finish();
    drop_all(Cut::kClosed);
  }

  std::uint64_t settled(Direction direction) const override {
    const bool asks = direction == Direction::kRequest;
    auto place = (asks ? request_ : response_).untold(next_[static_cast<std::size_t>(direction)]);
    if (!asks && !early_.empty()) place = std::min(place, early_.first_pos());
    for (const auto& call : calls_) {
      if (const auto held = call->held(direction)) place = std::min(place, *held);
    }
    return place;
  }

 private:
  void begin(Direction direction, domain::TimeNs time, Output& out) {
    direction_ = direction;
    scene_.now = time;
    scene_.out = &out;
  }
  std::size_t index() const { return static_cast<std::size_t>(direction_); }
  protocol::Parser& current() { return direction_ == Direction::kRequest ? request_ : response_; }

  // The call whose request comes in; none between requests.
  Call* receiving() {
    return calls_.empty() || calls_.back()->request_done ? nullptr : calls_.back().get();
  }
  // The call that the next byte of the response belongs to.
  Call* answering() {
    for (auto& call : calls_) {
      if (!call->answer_done) return call.get();
    }
    return nullptr;
  }
  Call* receiver() { return direction_ == Direction::kRequest ? receiving() : answering(); }

  void ask(const domain::Chunk& chunk) {
    if (request_.lost() && (chunk.at_head || chunk.call_start) &&
        docker::may_be_request(chunk.bytes)) {
      request_.resync();
      probing_ = true;
    }
    auto pos = chunk.pos;
    auto bytes = chunk.bytes;
    // Line by line while an answer waits, so that it comes right after its request's head.
    while (!early_.empty() && !bytes.empty()) {
      const auto n = std::min(bytes.find('\n'), bytes.size() - 1) + 1;
      request_.feed(pos, bytes.substr(0, n));
      pos += n;
      bytes.remove_prefix(n);
      if (answering() == nullptr) continue;
      answer_early(chunk.time);
      direction_ = Direction::kRequest;
    }
    request_.feed(pos, bytes);
    if (probing_ && !docker::may_be_request(request_.start_so_far())) request_.lose();
  }

  void respond(const domain::Chunk& chunk) {
    const bool nobody = answering() == nullptr && !unseen_ && response_.between();
    if (nobody || !early_.empty()) {
      if (early_.add(chunk)) return;
      // The engine answers what was not seen.
      scene_.blind("an answer whose request was not seen");
      unseen_ = true;
      answer_early(chunk.time);
    }
    answer(chunk);
  }

  void answer(const domain::Chunk& chunk) {
    if (response_.lost() && chunk.call_start) find_answer(chunk.bytes);
    const auto read = response_.feed(chunk.pos, chunk.bytes);
    if (read == chunk.bytes.size()) return;
    // What follows the last answer belongs to a request that was not seen yet.
    auto rest = chunk;
    rest.pos += read;
    rest.bytes.remove_prefix(read);
    rest.call_start = false;
    respond(rest);
  }

  void answer_early(domain::TimeNs time) {
    direction_ = Direction::kResponse;
    for (const auto& piece : early_.take()) {
      respond({Direction::kResponse, time, piece.pos, piece.bytes, false, piece.call_start});
      if (piece.hole > 0) hole(piece.hole, piece.lost);
    }
  }

  // Bytes of the current direction that were not seen.
  void hole(std::uint64_t count, bool lost) {
    if (direction_ == Direction::kResponse && !early_.empty()) return early_.add_hole(count, lost);
    if (current().tunnelled()) return;
    gap_ = lost;
    if (current().in_body()) {
      if (auto* call = receiver()) {
        if (direction_ == Direction::kRequest)
          call->request_hole(scene_, count, lost);
        else
          call->answer_hole(scene_, lost);
      }
      current().hole(count);
    } else if (!lost) {
      current().hole(count);
    } else if (direction_ == Direction::kRequest || !response_.lost()) {
      current().lose();
      broken("bytes of the conversation were lost");
    }
    gap_ = false;
  }

  // After lost framing an answer is found again at the start of a write.
  void find_answer(std::string_view bytes) {
    if (bytes.starts_with("HTTP/1.")) {
      never_synced_ = false;
      return response_.resync();
    }
    if (!docker::may_be_message_chunk(bytes)) return;
    auto* call = answering();
    if (call == nullptr && !unseen_) return;
    if (call == nullptr || (never_synced_ && !call->answer_begun)) {
      calls_.push_front(docker::make_unseen_call());
      call = calls_.front().get();
      call->request_done = true;
    }
    never_synced_ = false;
    call->answer_begun = true;
    response_.resync_chunk();
  }

  void line(protocol::Line kind, std::uint64_t pos, std::string_view raw) override {
    scene_.out->safe.push_back({direction_, pos, masks_[index()].masked(direction_, kind, raw)});
  }

  Body head(protocol::Head head) override {
    return direction_ == Direction::kResponse ? answer_head(head) : request_head(head);
  }

  Body request_head(const protocol::Head& head) {
    probing_ = false;
    told_lost_ = false;
    unseen_ = false;  // an engine reads on only when it has answered what came before
    if (calls_.size() >= kMaxPending) {
      scene_.blind("more requests at once than are followed");
      calls_.front()->cut(scene_, Cut::kLost);
      calls_.pop_front();
    }
    const domain::CallId id{scene_.conn, number_++};
    calls_.push_back(docker::make_call(head, id, scene_));
    calls_.back()->head_only = head.first == "HEAD";
    return Body::kFramed;
  }

  Body answer_head(const protocol::Head& head) {
    std::uint32_t status = 0;
    std::from_chars(head.second.data(), head.second.data() + head.second.size(), status);
    if (status / 100 == 1 && status != 101) return Body::kFramed;
    auto* call = answering();
    if (call != nullptr && call->answer_begun) {  // its end was lost
      end_answer(*call, Cut::kLost);
      call = answering();
    }
    if (call == nullptr) {
      calls_.push_back(docker::make_unseen_call());
      call = calls_.back().get();
      call->request_done = true;
    }
    call->answer_begun = true;
    if (!call->unreadable.empty() && status < 400) scene_.blind(call->unreadable);
    call->unreadable = {};
    const bool hijacked =
        call->kind() == docker::Kind::kHijack && status == 200 && docker::is_raw_stream(head);
    if (status == 101 || hijacked) {
      if (call->kind() == docker::Kind::kBuildKit)
        scene_.blind("a BuildKit conversation is not read");
      end_answer(*call, std::nullopt);
      request_.tunnel();
      for (auto& later : calls_) later->unreadable = {};
      drop_all(Cut::kLost);
      return Body::kTunnel;
    }
    call->answer_head(scene_, status);
    return call->head_only ? Body::kNone : Body::kFramed;
  }

  void body(std::uint64_t pos, std::string_view bytes) override {
    auto* call = receiver();
    if (call == nullptr) return;
    if (direction_ == Direction::kRequest)
      call->request_body(scene_, pos, bytes);
    else
      call->answer_body(scene_, pos, bytes);
  }

  void end() override {
    auto* call = receiver();
    if (call == nullptr) return;
    if (direction_ == Direction::kRequest) {
      call->request_end(scene_);
      call->request_done = true;
      drop_done();
    } else {
      call->answer_end(scene_);
      end_answer(*call, std::nullopt);
      if (answering() == nullptr && !unseen_) response_.pause();
    }
  }

  void broken(std::string_view reason) override {
    if (direction_ == Direction::kResponse) return answers_lost();
    if (probing_ && !gap_) {  // it was no request
      probing_ = false;
      return;
    }
    probing_ = false;
    auto* call = receiving();
    if (call != nullptr) {
      call->request_hole(scene_, 0, gap_);
      call->request_done = true;
      if (!call->answer_done && !gap_) call->unreadable = reason;
    }
    if (gap_) {  // a request may stand there
      unseen_ = true;
      if (!std::exchange(told_lost_, true)) scene_.blind(reason);
    } else if (call == nullptr) {
      // Whether the engine could read it, its answer tells.
      calls_.push_back(docker::make_unseen_call());
      calls_.back()->request_done = true;
      calls_.back()->unreadable = reason;
    }
    drop_done();
  }

  void answers_lost() {
    std::size_t waiting = 0;
    for (const auto& call : calls_) waiting += call->answer_done ? 0 : 1;
    if (waiting == 1) {
      answering()->answer_hole(scene_, true);
    } else if (waiting > 1) {  // which answer is whose cannot be told any more
      drop_all(Cut::kLost);
      unseen_ = true;
    }
  }

  void end_answer(Call& call, std::optional<Cut> cut) {
    if (cut) call.cut(scene_, *cut);
    call.answer_done = true;
    drop_done();
  }

  void drop_done() {
    while (!calls_.empty() && calls_.front()->answer_done && calls_.front()->request_done)
      calls_.pop_front();
  }

  void drop_all(Cut how) {
    for (auto& call : calls_) {
      if (call->answer_done) continue;
      if (!call->unreadable.empty()) scene_.blind(call->unreadable);
      call->cut(scene_, how);
    }
    calls_.clear();
  }

  docker::Scene scene_;
  std::uint32_t number_ = 0;
  std::deque<std::unique_ptr<Call>> calls_;
  docker::Early early_;
  docker::LineMask masks_[2];
  std::uint64_t next_[2] = {0, 0};
  Direction direction_ = Direction::kRequest;
  bool probing_ = false;    // the request side may have been found again
  bool gap_ = false;        // bytes are told lost right now
  bool told_lost_ = false;  // that requests may be hidden since the last one
  bool unseen_;             // answers may belong to requests that were not seen
  bool never_synced_;       // no answer's head was seen yet, of a connection met midway
  protocol::Parser request_{false, *this};
  protocol::Parser response_{true, *this};
};

}  // namespace

std::unique_ptr<Conversation> make_conversation(const domain::ConnOpened& opened) {
  if (opened.fetch) return docker::make_fetch(opened);
  return std::make_unique<DockerConversation>(opened);
}

}  // namespace kilnwatch::engine
