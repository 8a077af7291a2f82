// What the parsers of both directions find, as calls.
#include <charconv>
#include <utility>

#include "base/secrets.h"
#include "engine/docker/conversation.h"
#include "engine/docker/start.h"

namespace kilnwatch::engine::docker {

using domain::Direction;
using protocol::Body;

namespace {
constexpr std::size_t kMaxSession = 128;  // bytes of its name: BuildKit's own have 25
}

void DockerConversation::line(protocol::Line kind, std::uint64_t pos, std::string_view raw) {
  scene_.out->safe.push_back({direction_, pos, masks_[index()].masked(direction_, kind, raw)});
  if (!asks()) line_end_ = pos + raw.size();
}

Body DockerConversation::head(protocol::Head head) {
  return asks() ? request_head(head) : answer_head(head);
}

Body DockerConversation::request_head(const protocol::Head& head) {
  probing_ = false;
  told_lost_ = false;
  unseen_ = false;  // an engine reads on only when it has answered what came before
  if (const auto session = head.field("x-docker-expose-session-uuid"); !session.empty())
    session_ = base::mask_text(session.substr(0, kMaxSession));
  if (head.first == "PRI") scene_.blind("HTTP/2 without an upgrade is not read");
  const domain::CallId id{scene_.conn, number_++};
  auto& call = calls_.add(scene_, scene_.api->call(head, id, scene_));
  call.head_only = head.first == "HEAD";
  call.head_read = reads_;
  return Body::kFramed;
}

Body DockerConversation::answer_head(const protocol::Head& head) {
  std::uint32_t status = 0;
  std::from_chars(head.second.data(), head.second.data() + head.second.size(), status);
  if (status / 100 == 1 && status != 101) return Body::kFramed;
  auto* call = calls_.answering();
  if (call != nullptr && call->answer_begun && call->doubtful > 0 && !call->answer_is_own()) {
    --call->doubtful;
  } else if (call != nullptr && call->answer_begun) {  // its end was lost
    call->cut(scene_, Cut::kLost);
    calls_.end_answer(*call);
    call = calls_.answering();
  }
  if (call == nullptr) call = &calls_.add_unseen(scene_, false);
  call->answer_begun = true;
  // An engine that refuses a request has not read on behind it.
  if (!call->unreadable.empty() && status < 400) scene_.blind(call->unreadable);
  call->unreadable = {};
  const bool hijacked = call->kind() == Kind::kHijack && status == 200 && is_raw_stream(head);
  if (status == 101 || hijacked) {
    if (call->kind() == Kind::kBuildKit || call->kind() == Kind::kSession)
      begin_grpc(call->kind() == Kind::kSession);
    calls_.end_answer(*call);
    request_.tunnel();
    calls_.forgive();  // input that came before the answer is no request
    calls_.give_up(scene_, Cut::kLost);
    return Body::kTunnel;
  }
  call->answer_head(scene_, status);
  return call->head_only ? Body::kNone : Body::kFramed;
}

void DockerConversation::body(std::uint64_t pos, std::string_view bytes) {
  auto* call = receiver();
  if (call == nullptr) return;
  if (asks())
    call->request_body(scene_, pos, bytes);
  else
    call->answer_body(scene_, pos, bytes);
}

void DockerConversation::end() {
  auto* call = receiver();
  if (call == nullptr) return;
  if (asks()) {
    call->request_end(scene_);
    call->end_read = reads_;
    calls_.end_request(*call);
  } else if (call->doubtful > 0 && !call->answer_is_own()) {
    --call->doubtful;  // it was the answer of a call before it
    call->answer_begun = false;
  } else {
    call->answer_end(scene_);
    calls_.end_answer(*call);
    if (calls_.answering() == nullptr && !unseen_) response_.pause();
  }
}

void DockerConversation::broken(std::string_view reason) {
  if (asks())
    request_broken(reason);
  else
    answers_lost();
}

void DockerConversation::request_broken(std::string_view reason) {
  if (std::exchange(probing_, false) && !gap_) return;  // it was no request
  auto* call = calls_.receiving();
  if (call != nullptr) call->request_hole(scene_, 0, gap_);
  if (gap_) {  // a request may stand there
    unseen_ = true;
    if (!std::exchange(told_lost_, true)) scene_.blind(reason);
  } else {
    // Whether the engine could read it, its answer tells.
    auto& unread = call != nullptr ? *call : calls_.add_unseen(scene_, false);
    if (!unread.answer_done) unread.unreadable = reason;
  }
  if (call != nullptr) calls_.end_request(*call);
  if (early_.empty()) return;
  answer_early(scene_.now);  // of what was not seen, not of the request that comes next
  direction_ = Direction::kRequest;
}

void DockerConversation::answers_lost() {
  calls_.drop_answered(scene_);
  if (calls_.waiting() == 1) {
    calls_.answering()->answer_hole(scene_, true);
  } else if (calls_.waiting() > 1) {
    calls_.doubt(scene_);
    unseen_ = true;
  }
}

}  // namespace kilnwatch::engine::docker
