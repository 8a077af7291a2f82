#include "app/pipeline.h"

#include <algorithm>
#include <utility>
#include <variant>

namespace kilnwatch::app {
namespace {

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

}  // namespace

Pipeline::Pipeline(const domain::HostFacts& host, detect::SeenStore& seen,
                   record::Recorder* recorder, Emit emit)
    : host_(host),
      recorder_(recorder),
      emit_(std::move(emit)),
      tracker_(host.boot_id),
      detector_(host.boot_id, seen),
      window_([this](const domain::Event& event) { handle(event); }) {}

void Pipeline::push(domain::Event event) {
  if (!std::holds_alternative<domain::Tick>(event)) {
    last_event_ = std::max(last_event_, domain::time_of(event));
  }
  window_.push(std::move(event));
}

void Pipeline::finish() {
  window_.flush();
  tracker_.finish();
  decide();
}

void Pipeline::handle(const domain::Event& event) {
  if (recorder_ != nullptr) recorder_->event(event);
  tracker_.observe(event);
  if (const auto* opened = std::get_if<domain::ConnOpened>(&event)) open(*opened);
  if (const auto* data = std::get_if<domain::ConnData>(&event)) read(*data);
  if (const auto* closed = std::get_if<domain::ConnClosed>(&event)) close(*closed);
  decide();
}

void Pipeline::open(const domain::ConnOpened& opened) {
  if (connections_.size() >= kMaxConversations) {
    tracker_.observe(domain::KernelLoss{opened.time, "conversations", 1});
    return;
  }
  connections_.insert_or_assign(
      opened.conn, Connection{stream::Assembler(opened.midway), engine::make_conversation(opened)});
}

void Pipeline::read(const domain::ConnData& data) {
  const auto found = connections_.find(data.conn);
  if (found == connections_.end()) return;
  engine::Output output;
  ToConversation to(*found->second.conversation, output);
  found->second.assembler.add(data, to);
  take(data.conn, output);
  if (recorder_ == nullptr) return;
  for (const auto direction : {domain::Direction::kRequest, domain::Direction::kResponse}) {
    recorder_->settled(data.conn, direction, found->second.conversation->settled(direction));
  }
}

void Pipeline::close(const domain::ConnClosed& closed) {
  const auto found = connections_.find(closed.conn);
  if (found == connections_.end()) return;
  engine::Output output;
  found->second.conversation->close(closed.time, output);
  take(closed.conn, output);
  connections_.erase(found);
}

void Pipeline::take(domain::ConnId conn, const engine::Output& output) {
  for (const auto& fact : output.facts) tracker_.learn(fact);
  if (recorder_ == nullptr) return;
  for (const auto& range : output.safe) recorder_->safe(conn, range);
}

void Pipeline::decide() {
  for (const auto& moment : tracker_.take()) {
    if (const auto finding = detector_.judge(moment)) emit_(sink::to_alert(*finding, host_));
  }
}

}  // namespace kilnwatch::app
