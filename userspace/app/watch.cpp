#include "app/watch.h"

#include <fmt/format.h>
#include <poll.h>
#include <sys/stat.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "app/command_files.h"
#include "app/log.h"
#include "app/notify.h"
#include "base/clock.h"
#include "base/fd.h"
#include "capture/live/live_source.h"
#include "capture/live/probe.h"
#include "decode/decode.h"

namespace kilnwatch::app {
namespace {

base::Result<std::optional<record::Recorder>> open_recorder(const Options& options,
                                                            const domain::HostFacts& host,
                                                            bool fleet) {
  if (options.record.empty()) return std::optional<record::Recorder>();
  const record::Info info{host, decode::wire_version(), KILNWATCH_VERSION, fleet};
  auto recorder = record::Recorder::create(options.record, info, options.record_limit);
  if (!recorder) return recorder.error();
  return std::optional<record::Recorder>(std::move(*recorder));
}

// Where the recording goes is looked at before anything is loaded; that it can be written is found
// out by writing it.
base::Status recording_has_folder(const std::string& file) {
  if (file.empty()) return base::Done{};
  const auto slash = file.rfind('/');
  const std::string folder = slash == std::string::npos ? "."
                             : slash == 0               ? "/"
                                                        : file.substr(0, slash);
  struct stat info {};
  const bool found = ::stat(folder.c_str(), &info) == 0;
  if (found && S_ISDIR(info.st_mode)) return base::Done{};
  return base::Error{base::ErrorClass::kEnvironment,
                     "the recording " + file + " has no folder to go to (" + folder + ": " +
                         std::strerror(found ? ENOTDIR : errno) + "); make it first"};
}

// Waits for whatever is first: a record, a signal, other_fd, an answer of the fleet, or `until`
// (CLOCK_BOOTTIME).
void wait(const capture::LiveSource& source, int signals, const Watch& parts,
          domain::TimeNs until) {
  const int shared = parts.shared != nullptr ? parts.shared->ready_fd() : -1;
  std::array<pollfd, 4> ends{{{source.ready_fd(), POLLIN, 0},
                              {signals, POLLIN, 0},
                              {parts.other_fd, POLLIN, 0},
                              {shared, POLLIN, 0}}};
  const auto now = base::clock_ns(CLOCK_BOOTTIME);
  const domain::TimeNs left = until > now ? until - now : 0;
  const timespec time{static_cast<time_t>(left / 1'000'000'000),
                      static_cast<long>(left % 1'000'000'000)};
  (void)::ppoll(ends.data(), ends.size(), until == kNever ? nullptr : &time, nullptr);
}

std::string joined(const std::map<std::string, std::uint64_t>& counts, const char* form,
                   const char* none) {
  std::string out;
  for (const auto& [name, count] : counts) {
    out += out.empty() ? "" : ", ";
    out += fmt::format(fmt::runtime(form), fmt::arg("name", name), fmt::arg("count", count));
  }
  return out.empty() ? none : out;
}

// "tracepoint, fentry": how the programs are attached.
std::string roads_of(const std::vector<capture::Hook>& hooks) {
  std::set<std::string_view> roads;
  for (const auto& hook : hooks) {
    if (hook.road != capture::Road::kNone) roads.insert(name_of(hook.road));
  }
  return fmt::format("{}", fmt::join(roads, ", "));
}

void say_counters(const PipelineStats& stats) {
  say(stats.losses.empty() ? Level::kInfo : Level::kWarning,
      fmt::format("ended: {} events, {} alerts; builds: {}, {} held; {} forged lines ignored; "
                  "lost: {}{}{}",
                  stats.events, stats.alerts, joined(stats.builds, "{count} {name}", "none ended"),
                  stats.builds_held, stats.forged,
                  joined(stats.losses, "{name} {count}", "nothing"),
                  stats.late == 0 ? "" : fmt::format("; {} events came late", stats.late),
                  stats.deploys_unanswered == 0
                      ? ""
                      : fmt::format("; {} deployments of images that the fleet said nothing of",
                                    stats.deploys_unanswered)));
}

// What the recording holds, and what was kept out of it.
void say_recording(const std::string& file, const record::RecorderStats& stats) {
  const bool short_of = stats.aged + stats.crowded + stats.file.left_out > 0;
  say(short_of ? Level::kWarning : Level::kInfo,
      fmt::format("recording {}: {} records, {} bytes; {} bytes kept as lengths; written unjudged: "
                  "{} waited too long, {} for want of room; {} records left out",
                  file, stats.file.written, stats.file.bytes, stats.bytes_unvouched, stats.aged,
                  stats.crowded, stats.file.left_out));
}

}  // namespace

int watch(const Options& options, Watch& parts) {
  if (auto folder = recording_has_folder(options.record); !folder) return fail(folder.error());
  if (auto fit = capture::preflight(); !fit) return fail(fit.error());
  // Read once: the times of alerts and of their replay hang on the same offset of the clocks.
  const auto host = capture::read_host_facts();
  auto recorder = open_recorder(options, host, parts.shared != nullptr);
  if (!recorder) return fail(recorder.error());
  auto source = capture::open_live_source(capture::choice_of(options.hooks));
  if (!source) return fail(source.error());
  const base::Fd signals = open_signals();

  Pipeline pipeline(host, *parts.seen, *recorder ? &**recorder : nullptr, parts.emit, kLiveWindow);
  pipeline.apply(parts.policy);
  if (parts.shared != nullptr) pipeline.join(*parts.shared);
  CommandFiles files(host.wall_offset_ns);
  const auto push = [&](domain::Event&& event) {
    auto behind = files.read(event);
    pipeline.push(std::move(event));
    for (auto& more : behind) pipeline.push(std::move(more));
  };
  say(Level::kInfo, "armed, by " + roads_of((*source)->hooks()));
  notify_manager("READY=1");
  if (parts.armed) parts.armed();
  int code = 0;
  for (bool go_on = true; go_on && code == 0;) {
    const domain::TimeNs due = std::min(parts.wake_at, (*source)->due());
    wait(**source, signals.get(), parts, std::min(due, pipeline.due().value_or(kNever)));
    if (parts.shared != nullptr) parts.shared->heard();
    // Before the ring is read: what it held by then is older than the time that is told.
    const domain::TimeNs now = base::clock_ns(CLOCK_BOOTTIME);
    if (const auto state = (*source)->poll(0, push); !state) code = fail(state.error());
    pipeline.advance(now);
    parts.seen->settle(now);
    go_on = take_signals(signals, parts, pipeline);
    go_on = parts.keep_watching() && go_on;
  }
  notify_manager("STOPPING=1");
  // What the kernel had ready when the end was asked for still counts.
  const domain::TimeNs end = base::clock_ns(CLOCK_BOOTTIME);
  if (code == 0) (*source)->drain(push);
  pipeline.finish(end);
  if (*recorder) {
    if (auto done = (*recorder)->finish(end); !done) code = fail(done.error());
    say_recording(options.record, (*recorder)->stats());
  }
  say_counters(pipeline.stats());
  return code;
}

}  // namespace kilnwatch::app
