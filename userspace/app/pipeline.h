// The flow in one place: reorder → stream → engine → tracker → detect → sink. One thread, event
// time.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "detect/detector.h"
#include "domain/event.h"
#include "domain/host.h"
#include "engine/conversation.h"
#include "record/recorder.h"
#include "sink/convert.h"
#include "stream/assembler.h"
#include "stream/reorder.h"
#include "tracker/tracker.h"

namespace kilnwatch::app {

inline constexpr std::size_t kMaxConversations = 4096;  // as the kernel side's KW_MAX_CONNS

class Pipeline {
 public:
  using Emit = std::function<void(const v1::Alert&)>;

  // `recorder` may be null; all references outlive the pipeline.
  Pipeline(const domain::HostFacts& host, detect::SeenStore& seen, record::Recorder* recorder,
           Emit emit);

  void push(domain::Event event);
  // Nothing more comes: what waits in windows and for deadlines is decided now.
  void finish();
  // Events wait for their time: the next poll should be short.
  bool busy(domain::TimeNs now) const { return now < last_event_ + kQuiet; }

 private:
  static constexpr domain::TimeNs kQuiet = 3'000'000'000;  // longest deadline is 2 s
  struct Connection {
    stream::Assembler assembler;
    std::unique_ptr<engine::Conversation> conversation;
  };

  void handle(const domain::Event& event);
  void open(const domain::ConnOpened& opened);
  void read(const domain::ConnData& data);
  void close(const domain::ConnClosed& closed);
  void take(domain::ConnId conn, const engine::Output& output);
  void decide();

  domain::HostFacts host_;
  record::Recorder* recorder_;
  Emit emit_;
  std::map<domain::ConnId, Connection> connections_;
  tracker::Tracker tracker_;
  detect::Detector detector_;
  stream::ReorderWindow window_;
  domain::TimeNs last_event_ = 0;
};

}  // namespace kilnwatch::app
