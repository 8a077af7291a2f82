// The flow in one place: reorder → stream → engine → tracker → detect → sink. One thread, event
// time.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "app/held_moments.h"
#include "app/open_deploys.h"
#include "baseline/store.h"
#include "detect/detector.h"
#include "domain/event.h"
#include "domain/host.h"
#include "engine/command/commands.h"
#include "engine/conversation.h"
#include "fleet/recorded.h"
#include "policy/policy.h"
#include "record/recorder.h"
#include "sink/convert.h"
#include "stream/assembler.h"
#include "stream/reorder.h"
#include "tracker/dns_streams.h"
#include "tracker/heads.h"
#include "tracker/hellos.h"
#include "tracker/tracker.h"

namespace kilnwatch::app {

inline constexpr std::size_t kMaxConversations = 4096;  // as the kernel side's KW_MAX_CONNS
// What all conversations hold together; the window that orders events has as much
// (stream::kReorderBytes): 32 MiB for all buffers.
inline constexpr std::size_t kConversationBytes = std::size_t{16} << 20;
// A live ring is ordered by reservation, so that times are out of order by microseconds, or by what
// a CPU was held up in the few instructions between its two (docs/decisions, live window).
inline constexpr domain::TimeNs kLiveWindow = 10'000'000;

struct PipelineStats {
  std::uint64_t events = 0;
  std::uint64_t alerts = 0;
  std::uint64_t late = 0;                       // came after the window had passed their time
  std::map<std::string, std::uint64_t> builds;  // that ended, by how
  std::size_t builds_held = 0;                  // not over, or over a moment ago
  std::uint64_t forged = 0;                     // lines of builds that could not be the builder's
  // Of images of which the fleet said nothing, so that whether others built them is not known.
  std::uint64_t deploys_unanswered = 0;
  std::size_t held_bytes = 0;  // by conversations
  // Of the kernel side and of our own tables, by cause.
  std::map<std::string, std::uint64_t> losses;
};

class Pipeline {
 public:
  using Emit = std::function<void(const v1::Alert&)>;

  // `recorder` may be null; all references outlive the pipeline. `window` bounds the disorder.
  Pipeline(const domain::HostFacts& host, baseline::Store& seen, record::Recorder* recorder,
           Emit emit, domain::TimeNs window = stream::kReorderWindowNs);

  // What hosts share counts, too; it outlives the pipeline. `patience`: of a recording, whose time
  // stands still meanwhile; see HeldMoments.
  void join(fleet::Fleet& fleet, std::chrono::milliseconds patience = std::chrono::milliseconds(0));
  // Of a recording: what hosts shared when it was made. Outlives the pipeline.
  void join(const fleet::RecordedAnswers& recorded);
  // What happens from now on is judged by it.
  void apply(const policy::Policy& policy);
  void push(domain::Event event);
  // Nothing more comes: what waits in windows and for deadlines is decided now. `end`: the time up
  // to which was watched, where it is known.
  void finish(domain::TimeNs end = 0);

  // Live only. It is `now` (CLOCK_BOOTTIME), and every event up to now has been pushed: releases
  // and decides what is due. Costs nothing when nothing is.
  void advance(domain::TimeNs now);
  // When advance() has something to do next; none: not before another event.
  std::optional<domain::TimeNs> due() const;

  PipelineStats stats() const;

 private:
  struct Connection {
    stream::Assembler assembler;
    std::unique_ptr<engine::Conversation> conversation;
    domain::TimeNs active = 0;  // of its last data, or its opening
    std::size_t held = 0;       // as in held_
  };
  using Connections = std::map<domain::ConnId, Connection>;

  void handle(const domain::Event& event);
  void open(const domain::ConnOpened& opened);
  void read(const domain::ConnData& data);
  void close(const domain::ConnClosed& closed);
  void take(domain::ConnId conn, const engine::Output& output);
  void read_commands(const domain::Event& event);
  // Reads it no further: there is no room. A loss, counted and told.
  void drop(Connections::iterator at, domain::TimeNs time);
  void weigh(Connection& connection);
  void erase(Connections::iterator at);
  void decide(domain::TimeNs clock);
  void judge(const tracker::Moment& moment, const std::optional<fleet::Answer>& asked);
  void look_at_open(domain::TimeNs clock);
  void tell(const tracker::Moment& moment, const std::optional<fleet::Answer>& answer);
  std::optional<fleet::Answer> answer_of(const tracker::Moment& moment,
                                         const std::optional<fleet::Answer>& asked);

  domain::HostFacts host_;
  record::Recorder* recorder_;
  Emit emit_;
  domain::TimeNs window_ns_;
  Connections connections_;
  std::size_t held_ = 0;  // bytes, of all connections
  engine::command::Commands commands_;
  std::uint64_t commands_refused_ = 0;  // told so far
  tracker::Tracker tracker_;
  tracker::Heads heads_;
  tracker::Hellos hellos_;
  tracker::DnsStreams dns_streams_;
  detect::Detector detector_;
  HeldMoments moments_;
  OpenDeploys open_deploys_;
  const fleet::RecordedAnswers* recorded_ = nullptr;
  stream::ReorderWindow window_;
  PipelineStats stats_;
  domain::TimeNs now_ = 0;
  domain::TimeNs last_event_ = 0;  // time of the latest one that was handled
};

}  // namespace kilnwatch::app
