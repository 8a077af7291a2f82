#include "app/pipeline.h"

#include <algorithm>
#include <array>
#include <limits>
#include <utility>
#include <variant>

#include "app/to_conversation.h"

namespace kilnwatch::app {
namespace {

// The recorder holds records back for a parser, and writes a frame when it is old enough.
constexpr domain::TimeNs kRecorderWaits = record::kMaxWait + 2 * record::kFrameTime;
constexpr domain::TimeNs kRecorderStep = record::kFrameTime;

}  // namespace

Pipeline::Pipeline(const domain::HostFacts& host, baseline::Store& seen, record::Recorder* recorder,
                   Emit emit, domain::TimeNs window)
    : host_(host),
      recorder_(recorder),
      emit_(std::move(emit)),
      window_ns_(window),
      tracker_(host.boot_id),
      detector_(host.boot_id, seen, host.wall_offset_ns),
      window_([this](const domain::Event& event) { handle(event); }, window) {}

void Pipeline::join(fleet::Fleet& fleet, std::chrono::milliseconds patience) {
  detector_.join(&fleet, host_.name);
  tracker_.share_images();
  moments_.join(&fleet, patience);
  // Of a recording the time of answers means nothing.
  if (patience == std::chrono::milliseconds(0)) open_deploys_.join(&fleet);
}

void Pipeline::join(const fleet::RecordedAnswers& recorded) {
  tracker_.share_images();
  recorded_ = &recorded;
}

void Pipeline::apply(const policy::Policy& policy) {
  detector_.apply(policy);
  tracker_.set_deploy_window(policy.deploy_window.value_or(tracker::kDeployWindow));
}

void Pipeline::push(domain::Event event) {
  ++stats_.events;
  if (domain::time_of(event) < now_) ++stats_.late;
  if (const auto* loss = std::get_if<domain::KernelLoss>(&event)) {
    stats_.losses[loss->cause] += loss->count;
  }
  window_.push(std::move(event));
}

void Pipeline::finish(domain::TimeNs end) {
  window_.flush();
  if (end > now_) handle(domain::Tick{end});
  tracker_.finish();
  decide(0);
  moments_.finish([this](const auto& moment, const auto& answer) { judge(moment, answer); });
  look_at_open(0);
}

void Pipeline::advance(domain::TimeNs now) {
  window_.advance(now);
  if (now <= window_ns_) return;
  // What is still held is not older than this.
  const domain::TimeNs reached = now - window_ns_ - 1;
  const bool recorder_waits = recorder_ != nullptr && now_ < last_event_ + kRecorderWaits;
  if (tracker_.due().value_or(reached + 1) <= reached || recorder_waits)
    handle(domain::Tick{reached});
  decide(now);
}

std::optional<domain::TimeNs> Pipeline::due() const {
  std::optional<domain::TimeNs> first = window_.next_release();
  const auto sooner = [&first](domain::TimeNs time) {
    first = std::min(first.value_or(time), time);
  };
  if (const auto deadline = tracker_.due()) sooner(*deadline + window_ns_ + 1);
  if (const auto held = moments_.due()) sooner(*held);
  if (const auto open = open_deploys_.due()) sooner(*open);
  if (recorder_ != nullptr && now_ < last_event_ + kRecorderWaits) {
    sooner(now_ + window_ns_ + kRecorderStep);
  }
  return first;
}

PipelineStats Pipeline::stats() const {
  static constexpr std::array kStatus = {"running", "succeeded", "failed",
                                         "refused", "cancelled", "of unknown end"};
  PipelineStats out = stats_;
  const auto& ended = tracker_.counters().ended;
  for (std::size_t i = 0; i < ended.size(); ++i) {
    if (ended[i] > 0) out.builds[kStatus[i]] = ended[i];
  }
  out.deploys_unanswered = open_deploys_.given_up() + open_deploys_.open();
  out.builds_held = tracker_.held().builds;
  out.forged = tracker_.counters().ignored_forged;
  out.held_bytes = held_;
  if (tracker_.counters().unknown_to_host > 0)
    out.losses["host-connections"] = tracker_.counters().unknown_to_host;
  if (tracker_.counters().engine_calls_refused > 0)
    out.losses["engine-connections"] = tracker_.counters().engine_calls_refused;
  if (tracker_.counters().executions_refused > 0)
    out.losses["executions"] = tracker_.counters().executions_refused;
  if (detector_.refused() > 0) out.losses["chains"] = detector_.refused();
  // With those that the kernel side kept back.
  const auto names_refused = tracker_.counters().names_refused + heads_.refused() +
                             hellos_.refused() + dns_streams_.refused();
  if (names_refused > 0) out.losses["names"] += names_refused;
  if (window_.forced() > 0) out.losses["order"] = window_.forced();
  return out;
}

void Pipeline::handle(const domain::Event& event) {
  // Before anything is kept of it.
  if (const auto* sent = std::get_if<domain::EgressSent>(&event)) {
    if (const auto payload = heads_.read(*sent)) handle(*payload);
    return;
  }
  if (const auto* sent = std::get_if<domain::EgressDatagram>(&event)) {
    if (const auto payload = hellos_.read(*sent)) handle(*payload);
    return;
  }
  if (const auto* read = std::get_if<domain::DnsBytes>(&event)) {
    for (auto& answered : dns_streams_.read(*read)) handle(std::move(answered));
    return;
  }
  now_ = std::max(now_, domain::time_of(event));
  if (!std::holds_alternative<domain::Tick>(event)) last_event_ = now_;
  if (recorder_ != nullptr) recorder_->event(event);
  tracker_.observe(event);
  read_commands(event);
  if (const auto* opened = std::get_if<domain::ConnOpened>(&event)) open(*opened);
  if (const auto* data = std::get_if<domain::ConnData>(&event)) read(*data);
  if (const auto* closed = std::get_if<domain::ConnClosed>(&event)) close(*closed);
  decide(0);
}

void Pipeline::open(const domain::ConnOpened& opened) {
  if (const auto before = connections_.find(opened.conn); before != connections_.end())
    erase(before);
  // One whose end was lost would keep its place for ever: the idlest goes, the newest is followed.
  if (connections_.size() >= kMaxConversations) {
    drop(std::min_element(
             connections_.begin(), connections_.end(),
             [](const auto& a, const auto& b) { return a.second.active < b.second.active; }),
         opened.time);
  }
  connections_.emplace(opened.conn, Connection{stream::Assembler(opened.midway),
                                               engine::make_conversation(opened), opened.time});
}

void Pipeline::read_commands(const domain::Event& event) {
  std::vector<domain::ApiFact> facts;
  commands_.observe(event, facts);
  for (const auto& fact : facts) tracker_.learn(fact);
  const auto refused = commands_.refused();
  if (refused == commands_refused_) return;
  stats_.losses["commands"] += refused - commands_refused_;
  tracker_.observe(domain::KernelLoss{now_, "commands", refused - commands_refused_});
  commands_refused_ = refused;
}

void Pipeline::drop(Connections::iterator at, domain::TimeNs time) {
  ++stats_.losses["conversations"];
  tracker_.observe(domain::KernelLoss{time, "conversations", 1});
  if (recorder_ != nullptr) {
    // Nobody will judge any more what waits.
    for (const auto direction : {domain::Direction::kRequest, domain::Direction::kResponse})
      recorder_->settled(at->first, direction, std::numeric_limits<std::uint64_t>::max());
  }
  erase(at);
}

void Pipeline::erase(Connections::iterator at) {
  held_ -= at->second.held;
  connections_.erase(at);
}

void Pipeline::read(const domain::ConnData& data) {
  const auto found = connections_.find(data.conn);
  if (found == connections_.end()) return;
  found->second.active = data.time;
  engine::Output output;
  ToConversation to(*found->second.conversation, output);
  found->second.assembler.add(data, to);
  take(data.conn, output);
  if (recorder_ != nullptr) {
    for (const auto direction : {domain::Direction::kRequest, domain::Direction::kResponse})
      recorder_->settled(data.conn, direction, found->second.conversation->settled(direction));
  }
  weigh(found->second);
  while (held_ > kConversationBytes) {
    drop(std::max_element(
             connections_.begin(), connections_.end(),
             [](const auto& a, const auto& b) { return a.second.held < b.second.held; }),
         data.time);
  }
}

void Pipeline::weigh(Connection& connection) {
  held_ -= connection.held;
  connection.held = connection.conversation->held_bytes();
  held_ += connection.held;
}

void Pipeline::close(const domain::ConnClosed& closed) {
  const auto found = connections_.find(closed.conn);
  if (found == connections_.end()) return;
  engine::Output output;
  found->second.conversation->close(closed.time, output);
  take(closed.conn, output);
  erase(found);
}

void Pipeline::take(domain::ConnId conn, const engine::Output& output) {
  for (const auto& fact : output.facts) tracker_.learn(fact);
  if (recorder_ == nullptr) return;
  for (const auto& range : output.safe) recorder_->safe(conn, range);
}

// `clock`: that of advance(); 0: not known.
void Pipeline::decide(domain::TimeNs clock) {
  for (auto& moment : tracker_.take()) {
    const auto ticket = detector_.ask(moment);
    moments_.add(std::move(moment), ticket);
  }
  moments_.release(clock,
                   [this](const auto& moment, const auto& answer) { judge(moment, answer); });
  look_at_open(clock);
}

void Pipeline::look_at_open(domain::TimeNs clock) {
  open_deploys_.look(clock, [this](const auto& moment, const auto& answer) {
    tell(moment, answer_of(moment, answer));
  });
}

// What others say of it, and into the recording with it.
std::optional<fleet::Answer> Pipeline::answer_of(const tracker::Moment& moment,
                                                 const std::optional<fleet::Answer>& asked) {
  if (recorded_ != nullptr) return recorded_->find(detect::Detector::question(moment));
  if (asked && recorder_ != nullptr) {
    recorder_->answered({now_, detect::Detector::question(moment),
                         static_cast<std::uint32_t>(asked->kind), asked->capped, asked->known_name,
                         asked->note.substr(0, fleet::kMaxNote)});
  }
  return asked;
}

void Pipeline::judge(const tracker::Moment& moment, const std::optional<fleet::Answer>& asked) {
  const auto answer = answer_of(moment, asked);
  tell(moment, answer);
  if (moment.foreign.empty() || !answer || answer->kind != fleet::Answer::Kind::kNone) return;
  if (recorded_ == nullptr) return open_deploys_.add(moment);
  // What was heard later is told right behind it.
  const auto late = recorded_->find_late(detect::Detector::question(moment));
  if (!late) return;
  tracker::Moment again = moment;
  again.told_before = true;
  tell(again, late);
}

void Pipeline::tell(const tracker::Moment& moment, const std::optional<fleet::Answer>& answer) {
  const auto finding = detector_.judge(moment, answer);
  if (!finding) return;
  ++stats_.alerts;
  emit_(sink::to_alert(*finding, host_));
}

}  // namespace kilnwatch::app
