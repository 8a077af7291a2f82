#include "harness/replay_run.h"

#include <map>
#include <memory>
#include <variant>

#include "app/pipeline.h"
#include "app/to_conversation.h"
#include "baseline/memory_store.h"
#include "capture/replay/recording_reader.h"

namespace kilnwatch::test {
namespace {

class ForgetfulStore final : public baseline::Store {
 public:
  bool meet(const baseline::Sighting&) override { return true; }
  bool knows(baseline::Scope, const std::string&, baseline::Seconds) override { return false; }
  std::optional<baseline::Seconds> created() const override { return std::nullopt; }
};

}  // namespace

base::Result<Recording> read_recording(const std::string& path) {
  auto reader = capture::RecordingReader::open(path);
  if (!reader) return reader.error();
  Recording recording{(*reader)->host(), {}};
  for (;;) {
    auto state = (*reader)->poll(
        0, [&](domain::Event&& event) { recording.events.push_back(std::move(event)); });
    if (!state) return state.error();
    if (*state == capture::EventSource::State::kEnd) return recording;
  }
}

Alerts run_pipeline(const domain::HostFacts& host, const Events& events, Baseline baseline,
                    const policy::Policy& policy) {
  baseline::MemoryStore remembers;
  ForgetfulStore forgets;
  baseline::Store& seen =
      baseline == Baseline::kEmpty ? static_cast<baseline::Store&>(remembers) : forgets;
  Alerts alerts;
  app::Pipeline pipeline(host, seen, nullptr,
                         [&](const v1::Alert& alert) { alerts.push_back(alert); });
  pipeline.apply(policy);
  for (const domain::Event& event : events) pipeline.push(event);
  pipeline.finish();
  return alerts;
}

std::vector<BuildSpan> builds_of(const Events& events) {
  struct Conn {
    stream::Assembler assembler;
    std::unique_ptr<engine::Conversation> conversation;
  };
  std::map<domain::ConnId, Conn> conns;
  std::map<domain::CallId, BuildSpan> builds;
  for (const domain::Event& event : events) {
    engine::Output output;
    if (const auto* opened = std::get_if<domain::ConnOpened>(&event)) {
      conns.insert_or_assign(opened->conn, Conn{stream::Assembler(opened->midway),
                                                engine::make_conversation(*opened)});
    } else if (const auto* data = std::get_if<domain::ConnData>(&event)) {
      const auto conn = conns.find(data->conn);
      if (conn == conns.end()) continue;
      app::ToConversation to(*conn->second.conversation, output);
      conn->second.assembler.add(*data, to);
    } else if (const auto* closed = std::get_if<domain::ConnClosed>(&event)) {
      const auto conn = conns.find(closed->conn);
      if (conn == conns.end()) continue;
      conn->second.conversation->close(closed->time, output);
      conns.erase(conn);
    }
    for (const auto& fact : output.facts) {
      if (const auto* begun = std::get_if<domain::BuildRequested>(&fact))
        builds[begun->call] = {begun->call.conn, begun->time, 0};
      if (const auto* over = std::get_if<domain::BuildEnded>(&fact))
        builds[over->call].ended = over->time;
    }
  }
  std::vector<BuildSpan> spans;
  for (const auto& [call, span] : builds) spans.push_back(span);
  return spans;
}

}  // namespace kilnwatch::test
