#include "engine/docker/conversation.h"

#include <algorithm>

#include "engine/docker/start.h"

namespace kilnwatch::engine {
namespace docker {

using domain::Direction;

DockerConversation::DockerConversation(const domain::ConnOpened& opened, const Api& api)
    : unseen_(opened.midway), never_synced_(opened.midway) {
  scene_.api = &api;
  scene_.conn = opened.conn;
  scene_.midway = opened.midway;
  scene_.next_number = &number_;
  if (opened.midway) {
    request_.lose();
    response_.lose();
  }
}

void DockerConversation::begin(Direction direction, domain::TimeNs time, Output& out) {
  direction_ = direction;
  scene_.now = time;
  scene_.out = &out;
}

void DockerConversation::data(const domain::Chunk& chunk, Output& out) {
  begin(chunk.direction, chunk.time, out);
  if (is_foreign(chunk)) {
    next_[index()] = chunk.pos + chunk.bytes.size();
    return;
  }
  // Of one whose beginning was lost the kernel's mark tells, as of one met midway.
  const bool unsure = scene_.midway || request_.lost();
  if (!grpc_ && unsure && meets_grpc(chunk)) return meet_grpc(chunk);
  if (!grpc_ && asks() && greets(chunk)) return;
  next_[index()] = chunk.pos + chunk.bytes.size();
  if (grpc_) {
    grpc_->data(chunk, out);
  } else if (asks()) {
    ask(chunk);
  } else {
    respond(chunk);
  }
}

// Known by its first byte, which nobody can change later: what follows is read nowhere.
bool DockerConversation::is_foreign(const domain::Chunk& chunk) {
  const bool first = asks() && !scene_.midway && chunk.pos == 0 && !chunk.bytes.empty();
  if (first && begins_no_request(chunk.bytes[0])) {
    foreign_ = true;
    early_.clear();
    // So that a recording tells it, too.
    scene_.out->safe.push_back({Direction::kRequest, 0, std::string(1, chunk.bytes[0])});
  }
  return foreign_;
}

void DockerConversation::skip(Direction direction, domain::TimeNs time, std::uint64_t count,
                              Output& out) {
  begin(direction, time, out);
  if (asks()) end_greeting(time);
  next_[index()] += count;
  if (foreign_) return;
  if (grpc_) return grpc_->skip(direction, time, count, out);
  hole(count, false);
}

void DockerConversation::gap(Direction direction, domain::TimeNs time, std::uint64_t count,
                             Output& out) {
  begin(direction, time, out);
  if (asks()) end_greeting(time);
  next_[index()] += count;
  if (foreign_) return;
  if (grpc_) return grpc_->gap(direction, time, count, out);
  hole(count, true);
}

void DockerConversation::close(domain::TimeNs time, Output& out) {
  if (foreign_) return;
  begin(Direction::kRequest, time, out);
  end_greeting(time);
  begin(Direction::kResponse, time, out);
  if (grpc_) return grpc_->close(time, out);
  unmet_.clear();
  if (early_.is_refusal()) early_.clear();
  if (!early_.empty()) unasked(time);
  scene_.closing = true;
  response_.finish();
  calls_.give_up(scene_, Cut::kClosed);
}

std::uint64_t DockerConversation::settled(Direction direction) const {
  if (grpc_) return grpc_->settled(direction);
  const bool request = direction == Direction::kRequest;
  auto place = (request ? request_ : response_).untold(next_[static_cast<std::size_t>(direction)]);
  if (request && !greeting_.empty()) place = std::min(place, greeting_.first_pos());
  if (!request && !early_.empty()) place = std::min(place, early_.first_pos());
  if (!request && !unmet_.empty()) place = std::min(place, unmet_.first_pos());
  return std::min(place, calls_.held(direction).value_or(place));
}

void DockerConversation::ask(const domain::Chunk& chunk) {
  if (chunk.call_start) ++reads_;
  if (request_.lost() && (chunk.at_head || chunk.call_start) && may_be_request(chunk.bytes)) {
    request_.resync();
    unmet_.clear();
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
    if (calls_.answering() == nullptr) continue;
    answer_early(chunk.time);
    direction_ = Direction::kRequest;
  }
  request_.feed(pos, bytes);
  if (probing_ && !may_be_request(request_.start_so_far())) request_.lose();
}

void DockerConversation::respond(const domain::Chunk& chunk) {
  if (grpc_) return grpc_->data(chunk, *scene_.out);
  const bool nobody = calls_.answering() == nullptr && !unseen_ && response_.between();
  if (nobody || !early_.empty()) {
    if (early_.add(chunk)) return;
    unasked(chunk.time);
  }
  answer(chunk);
}

void DockerConversation::answer(const domain::Chunk& chunk) {
  if (response_.lost() && chunk.call_start) find_answer(chunk.bytes);
  // An answer whose end was not seen: a chunk size begins otherwise. And the request that was not
  // seen may have been a HEAD, whose answer has no body.
  const auto* call = calls_.answering();
  const bool other = call != nullptr && response_.in_body() && !call->answer_is_own() &&
                     (call->kind() == Kind::kUnseen || call->doubtful > 0);
  if (chunk.call_start && chunk.bytes.starts_with("HTTP/1.") &&
      (other || response_.at_chunk_size()))
    response_.resync();
  auto read = response_.feed(chunk.pos, chunk.bytes);
  // The parser passed over what follows the head of an upgrade.
  if (grpc_) read = line_end_ - chunk.pos;
  if (read == chunk.bytes.size()) return;
  // What follows the last answer belongs to a request that was not seen yet.
  auto rest = chunk;
  rest.pos += read;
  rest.bytes.remove_prefix(read);
  rest.call_start = false;
  respond(rest);
}

void DockerConversation::answer_early(domain::TimeNs time) {
  direction_ = Direction::kResponse;
  for (const auto& piece : early_.take()) {
    respond({Direction::kResponse, time, piece.pos, piece.bytes, false, piece.call_start});
    if (piece.hole > 0) hole(piece.hole, piece.lost);
  }
}

// BuildKit's own connections (moby: daemon/server/router/grpc, session): HTTP/2 with the engine as
// its server, on a session as its client.
void DockerConversation::begin_grpc(bool session) {
  buildkit::GrpcConversation::Start start;
  start.conn = scene_.conn;
  start.next_number = &number_;
  if (session) {
    start.session = session_.empty() ? "unnamed" : session_;
    if (!session_.empty())
      scene_.out->facts.emplace_back(domain::SessionOpened{scene_.now, scene_.conn, start.session});
  }
  start.pos = {next_[static_cast<std::size_t>(Direction::kRequest)], line_end_};
  grpc_.emplace(start);
}

// True: the chunk is read, or kept.
bool DockerConversation::greets(const domain::Chunk& chunk) {
  if (scene_.midway || scene_.api != &kApi) return false;
  const auto heard = greeting_.add(chunk);
  if (heard == Greeting::Heard::kOther) end_greeting(chunk.time);
  if (heard == Greeting::Heard::kPreface) begin_http2(chunk);
  if (heard != Greeting::Heard::kOther) next_[index()] = chunk.pos + chunk.bytes.size();
  return heard != Greeting::Heard::kOther;
}

// It was no preface: a request is.
void DockerConversation::end_greeting(domain::TimeNs time) {
  for (const auto& piece : greeting_.end()) {
    next_[index()] = piece.pos + piece.bytes.size();
    ask({Direction::kRequest, time, piece.pos, piece.bytes, piece.pos == 0, piece.call_start});
  }
}

// By prior knowledge (moby: daemon/command/daemon.go, UnencryptedHTTP2). The engine's first frames
// may have come before.
void DockerConversation::begin_http2(const domain::Chunk& chunk) {
  auto asked = greeting_.end();
  const auto answered = early_.take();
  buildkit::GrpcConversation::Start start;
  start.conn = scene_.conn;
  start.next_number = &number_;
  start.other_api = true;
  start.pos = {asked.empty() ? chunk.pos : asked.front().pos,
               answered.empty() ? next_[1] : answered.front().pos};
  grpc_.emplace(start);
  asked.push_back({chunk.pos, std::string(chunk.bytes), chunk.call_start, 0, false});
  const auto pass_on = [&](Direction direction, const std::vector<Early::Piece>& pieces) {
    for (const auto& [pos, bytes, call_start, hole, lost] : pieces) {
      grpc_->data({direction, chunk.time, pos, bytes, false, call_start}, *scene_.out);
      if (hole > 0) grpc_->skip(direction, chunk.time, hole, *scene_.out);
    }
  };
  pass_on(Direction::kRequest, asked);
  pass_on(Direction::kResponse, answered);
}

// Of a connection that was open before the sensor only the kernel's mark tells what it speaks.
bool DockerConversation::meets_grpc(const domain::Chunk& chunk) {
  if (chunk.at_head && may_be_frame(chunk.bytes)) return true;
  if (!asks() && request_.lost() && response_.lost()) unmet_.add(chunk);
  return false;
}

// Streams of it may be met in their middle; what was asked before is not known.
void DockerConversation::meet_grpc(const domain::Chunk& chunk) {
  const auto pieces = unmet_.take_frames();
  buildkit::GrpcConversation::Start start;
  start.conn = scene_.conn;
  start.next_number = &number_;
  start.pos = {next_[0], pieces.empty() ? next_[1] : pieces.front().pos};
  start.midway = true;
  calls_.give_up(scene_, Cut::kLost);
  early_.clear();
  grpc_.emplace(start);
  next_[index()] = chunk.pos + chunk.bytes.size();
  // Who asks comes first.
  if (asks()) grpc_->data(chunk, *scene_.out);
  for (const auto& [pos, bytes, call_start, hole, lost] : pieces) {
    const bool first = pos == pieces.front().pos;
    grpc_->data({Direction::kResponse, chunk.time, pos, bytes, first, call_start}, *scene_.out);
    if (hole > 0) grpc_->skip(Direction::kResponse, chunk.time, hole, *scene_.out);
  }
  if (!asks()) grpc_->data(chunk, *scene_.out);
}

// The engine answers what was not seen.
void DockerConversation::unasked(domain::TimeNs time) {
  scene_.blind("an answer whose request was not seen");
  unseen_ = true;
  answer_early(time);
}

// After lost framing an answer is found again at the start of a write.
void DockerConversation::find_answer(std::string_view bytes) {
  const bool head = bytes.starts_with("HTTP/1.");
  if (!head && !may_be_message_chunk(bytes)) return;
  unmet_.clear();
  calls_.drop_answered(scene_);
  if (head) {
    never_synced_ = false;
    return response_.resync();
  }
  auto* call = calls_.answering();
  if (call == nullptr && !unseen_) return;
  if (call == nullptr || (never_synced_ && !call->answer_begun))
    call = &calls_.add_unseen(scene_, true);
  never_synced_ = false;
  call->answer_begun = true;
  response_.resync_chunk();
}

// Bytes of the current direction that were not seen.
// The kernel side leaves no more of a request's body once its prefix has crossed; of an answer the
// heads of writes cross.
void DockerConversation::pass(std::uint64_t count, bool lost) {
  if (asks() && !lost) {
    request_.skip_body(count);
  } else {
    current().hole(count);
  }
}

void DockerConversation::hole(std::uint64_t count, bool lost) {
  if (grpc_) return grpc_->skip(direction_, scene_.now, count, *scene_.out);
  if (!asks()) unmet_.add_hole(count, lost);
  if (!asks() && !early_.empty()) return early_.add_hole(count, lost);
  if (current().tunnelled()) return;
  gap_ = lost;
  if (current().in_body()) {
    if (auto* call = receiver(); call != nullptr && asks()) {
      call->request_hole(scene_, count, lost);
    } else if (call != nullptr) {
      call->answer_hole(scene_, lost);
    }
    pass(count, lost);
  } else if (!lost) {
    pass(count, lost);
  } else if (asks() || !response_.lost()) {
    current().lose();
    broken("bytes of the conversation were lost");
  }
  gap_ = false;
}

}  // namespace docker

}  // namespace kilnwatch::engine
