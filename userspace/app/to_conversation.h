// From the bytes of a connection to what they mean.
#pragma once

#include "engine/conversation.h"
#include "stream/assembler.h"

namespace kilnwatch::app {

// Hands what the assembler puts in order to the conversation.
class ToConversation final : public stream::StreamSink {
 public:
  ToConversation(engine::Conversation& conversation, engine::Output& output)
      : conversation_(conversation), output_(output) {}

  void data(const domain::Chunk& chunk) override { conversation_.data(chunk, output_); }
  void skip(domain::Direction direction, domain::TimeNs time, std::uint64_t count) override {
    conversation_.skip(direction, time, count, output_);
  }
  void gap(domain::Direction direction, domain::TimeNs time, std::uint64_t count) override {
    conversation_.gap(direction, time, count, output_);
  }

 private:
  engine::Conversation& conversation_;
  engine::Output& output_;
};

}  // namespace kilnwatch::app
