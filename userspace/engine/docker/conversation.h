// An engine's API over HTTP/1.1: framing of both directions, answers matched to requests.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "engine/buildkit/grpc_conversation.h"
#include "engine/conversation.h"
#include "engine/docker/calls.h"
#include "engine/docker/early.h"
#include "engine/docker/greeting.h"
#include "engine/docker/mask.h"
#include "engine/docker/unmet.h"
#include "protocol/http1/parser.h"

namespace kilnwatch::engine::docker {

class DockerConversation final : public Conversation, private protocol::MessageSink {
 public:
  DockerConversation(const domain::ConnOpened& opened, const Api& api);

  void data(const domain::Chunk& chunk, Output& out) override;
  void skip(domain::Direction direction, domain::TimeNs time, std::uint64_t count,
            Output& out) override;
  void gap(domain::Direction direction, domain::TimeNs time, std::uint64_t count,
           Output& out) override;
  void close(domain::TimeNs time, Output& out) override;
  std::uint64_t settled(domain::Direction direction) const override;
  std::size_t held_bytes() const override {
    return request_.held_bytes() + response_.held_bytes() + early_.held_bytes() +
           unmet_.held_bytes() + greeting_.held_bytes() + calls_.held_bytes() +
           (grpc_ ? grpc_->held_bytes() : 0);
  }

 private:
  void begin(domain::Direction direction, domain::TimeNs time, Output& out);
  std::size_t index() const { return static_cast<std::size_t>(direction_); }
  bool asks() const { return direction_ == domain::Direction::kRequest; }
  protocol::Parser& current() { return asks() ? request_ : response_; }
  Call* receiver() const { return asks() ? calls_.receiving() : calls_.answering(); }

  // conversation.cpp: bytes and holes
  void ask(const domain::Chunk& chunk);
  void respond(const domain::Chunk& chunk);
  void answer(const domain::Chunk& chunk);
  void answer_early(domain::TimeNs time);
  void unasked(domain::TimeNs time);
  bool is_foreign(const domain::Chunk& chunk);
  void find_answer(std::string_view bytes);
  void pass(std::uint64_t count, bool lost);
  void hole(std::uint64_t count, bool lost);
  void begin_grpc(bool session);
  bool greets(const domain::Chunk& chunk);
  void end_greeting(domain::TimeNs time);
  void begin_http2(const domain::Chunk& chunk);
  bool meets_grpc(const domain::Chunk& chunk);
  void meet_grpc(const domain::Chunk& chunk);

  // messages.cpp: what the parsers found
  void line(protocol::Line kind, std::uint64_t pos, std::string_view raw) override;
  protocol::Body head(protocol::Head head) override;
  protocol::Body request_head(const protocol::Head& head);
  protocol::Body answer_head(const protocol::Head& head);
  void body(std::uint64_t pos, std::string_view bytes) override;
  void end() override;
  void broken(std::string_view reason) override;
  void request_broken(std::string_view reason);
  void answers_lost();

  Scene scene_;
  std::uint32_t number_ = 0;
  std::uint64_t reads_ = 0;  // of the engine, so far
  Calls calls_;
  Early early_;
  Greeting greeting_;
  Unmet unmet_;
  LineMask masks_[2];
  std::optional<buildkit::GrpcConversation> grpc_;  // what follows an upgrade to HTTP/2
  std::string session_;                             // that the last request named
  std::uint64_t line_end_ = 0;                      // of the last line of an answer
  std::uint64_t next_[2] = {0, 0};
  domain::Direction direction_ = domain::Direction::kRequest;
  bool foreign_ = false;    // no API is spoken here
  bool probing_ = false;    // the request side may have been found again
  bool gap_ = false;        // bytes are told lost right now
  bool told_lost_ = false;  // that requests may be hidden since the last one
  bool unseen_;             // answers may belong to requests that were not seen
  bool never_synced_;       // no answer's head was seen yet, of a connection met midway
  protocol::Parser request_{false, *this};
  protocol::Parser response_{true, *this};
};

}  // namespace kilnwatch::engine::docker
