#include "app/watch.h"

#include <csignal>
#include <memory>
#include <optional>

#include "app/output.h"
#include "app/result_stream.h"
#include "base/clock.h"
#include "capture/live/live_source.h"
#include "decode/decode.h"

namespace kilnwatch::app {
namespace {

constexpr int kIdlePollMs = 1000;  // the ring wakes the loop at once; this is for deadlines only
constexpr int kBusyPollMs = 20;    // the reorder window is 50 ms

volatile std::sig_atomic_t ended = 0;

void on_signal(int) { ended = 1; }

base::Result<std::optional<record::Recorder>> open_recorder(const Options& options,
                                                            const domain::HostFacts& host) {
  if (options.record.empty()) return std::optional<record::Recorder>();
  const record::Info info{decode::wire_version(), host.kernel,     host.name,
                          host.boot_id,           host.machine_id, host.wall_offset_ns,
                          KILNWATCH_VERSION};
  auto recorder = record::Recorder::create(options.record, info, options.record_limit);
  if (!recorder) return recorder.error();
  return std::optional<record::Recorder>(std::move(*recorder));
}

}  // namespace

void catch_signals() {
  struct sigaction action {};
  action.sa_handler = on_signal;
  ::sigaction(SIGTERM, &action, nullptr);
  ::sigaction(SIGINT, &action, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
}

int watch(const Options& options, const Watch& parts) {
  auto source = capture::open_live_source();
  if (!source) return fail(source.error());
  auto recorder = open_recorder(options, (*source)->host());
  if (!recorder) return fail(recorder.error());

  Pipeline pipeline((*source)->host(), *parts.seen, *recorder ? &**recorder : nullptr, parts.emit);
  const auto push = [&](domain::Event&& event) { pipeline.push(std::move(event)); };
  parts.armed();
  int code = 0;
  do {
    const auto state = (*source)->poll(
        pipeline.busy(base::clock_ns(CLOCK_BOOTTIME)) ? kBusyPollMs : kIdlePollMs, push);
    if (!state) {
      code = fail(state.error());
      break;
    }
  } while (ended == 0 && parts.keep_watching());
  // What the kernel had ready when the end was asked for still counts.
  if (code == 0) (void)(*source)->poll(0, push);
  pipeline.finish();
  if (*recorder) {
    if (auto done = (*recorder)->finish(); !done) code = fail(done.error());
  }
  return code;
}

}  // namespace kilnwatch::app
