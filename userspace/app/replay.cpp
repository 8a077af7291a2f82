// `replay`: a recording through the pipeline; `decode`: an alert stream in another format.
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <memory>
#include <optional>

#include "app/baseline_store.h"
#include "app/commands.h"
#include "app/config_file.h"
#include "app/log.h"
#include "app/pipeline.h"
#include "app/recorded_answers.h"
#include "app/result_stream.h"
#include "app/shared_baseline.h"
#include "app/standard_streams.h"
#include "base/clock.h"
#include "baseline/memory_store.h"
#include "capture/replay/recording_reader.h"

namespace kilnwatch::app {
namespace {

// A recording's time stands still while an answer is waited for: longer than a server that answers
// at all needs, which is taken for away then.
constexpr std::chrono::milliseconds kReplayWait(10'000);

// Null: nobody is asked. `kept`: of --state-dir, may be null.
base::Result<std::unique_ptr<fleet::Shared>> open_fleet(const Options& options,
                                                        const policy::Policy& policy,
                                                        baseline::SqliteStore* kept,
                                                        const domain::HostFacts& host) {
  if (options.fleet.empty()) return std::unique_ptr<fleet::Shared>();
  Asker asker = kept != nullptr ? asker_of(*kept, host.name) : asker_of(host);
  asker.teaches = options.fleet == "teach";
  return open_shared(policy, asker);
}

// Nothing: somebody is asked now, or the recording is of a sensor that shared nothing.
std::optional<fleet::RecordedAnswers> recorded_answers(const Options& options,
                                                       const recording::v1::Header& header) {
  if (!header.fleet() || !options.fleet.empty()) return std::nullopt;
  auto answers = read_answers(options.file);
  if (answers.refused() > 0) {
    say(Level::kWarning, std::to_string(answers.refused()) +
                             " answers of the fleet in the recording are not used, for want of "
                             "room");
  }
  return answers;
}

// Opening a FIFO would wait for its writer, and a device may never end.
base::Status is_file(const std::string& path) {
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0 || S_ISREG(info.st_mode)) return base::Done{};
  return base::Error{base::ErrorClass::kInput,
                     "the recording " + path + " is no regular file; name one"};
}

}  // namespace

int replay(const Options& options) {
  // None but the one that is named: the same file gives the same alerts anywhere.
  auto config =
      options.config.empty() ? base::Result<Config>(Config{}) : read_config(options.config);
  if (!config) return fail(config.error());
  if (!options.fleet.empty() && !config->policy.store) {
    return fail({base::ErrorClass::kUsage,
                 "--fleet asks the server of 'baseline.store', and the configuration names none; "
                 "name a file that does with --config"});
  }
  if (auto usable = stdout_usable(); !usable) return fail(usable.error());
  if (auto file = is_file(options.file); !file) return fail(file.error());
  auto source = capture::RecordingReader::open(options.file);
  if (!source) return fail(source.error());
  auto results = ResultStream::open(options.format);
  if (!results) return fail(results.error());

  // Without a store what is new is new within the recording: the same file gives the same alerts
  // anywhere.
  baseline::MemoryStore memory;
  std::unique_ptr<baseline::SqliteStore> kept;
  if (!options.state_dir.empty()) {
    // Of one that begins with it, the recording's clock is all that counts.
    auto opened = open_baseline(options.state_dir, 0);
    if (!opened) return fail(opened.error());
    kept = std::move(*opened);
  }
  baseline::Store& seen = kept ? static_cast<baseline::Store&>(*kept) : memory;
  const auto shared = open_fleet(options, config->policy, kept.get(), (*source)->host());
  if (!shared) return fail(shared.error());
  Pipeline pipeline((*source)->host(), seen, nullptr,
                    [&](const v1::Alert& alert) { results->write(alert); });
  say_config(*config);
  pipeline.apply(config->policy);
  const auto recorded = recorded_answers(options, (*source)->header());
  if (recorded) pipeline.join(*recorded);
  std::optional<SharedNews> news;
  if (*shared) {
    news.emplace(config->policy.store->url.text, **shared);
    pipeline.join(**shared, kReplayWait);
  }
  base::Status damage = base::Done{};
  for (bool more = true; more && results->status();) {
    const auto state =
        (*source)->poll(0, [&](domain::Event&& event) { pipeline.push(std::move(event)); });
    if (!state) damage = state.error();
    more = state && *state == capture::EventSource::State::kMore;
    seen.settle(std::uint64_t{0});
  }
  pipeline.finish();
  if (news) {
    news->look(base::clock_ns(CLOCK_BOOTTIME));
    news->end(kReplayWait);
  }
  const base::Status closed =
      kept ? close_baseline(*kept, options.state_dir) : base::Status(base::Done{});
  if (!results->status()) return fail(results->status().error());
  if (!damage) return fail(damage.error());
  if (!closed) return fail(closed.error());
  return 0;
}

int decode(const Options& options) {
  auto results = ResultStream::open(options.format);
  if (!results) return fail(results.error());
  sink::StreamDecoder decoder;
  std::array<char, 65536> buffer{};
  for (;;) {
    const auto n = ::read(STDIN_FILENO, buffer.data(), buffer.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) {
      return fail({base::ErrorClass::kInput,
                   std::string("standard input cannot be read: ") + std::strerror(errno)});
    }
    if (n == 0) break;
    decoder.feed({buffer.data(), static_cast<std::size_t>(n)});
    for (;;) {
      auto alert = decoder.next();
      if (!alert) return fail(alert.error());
      if (!*alert) break;
      results->write(**alert);
      if (!results->status()) return fail(results->status().error());
    }
  }
  if (!decoder.clean()) {
    return fail(
        {base::ErrorClass::kInput,
         "standard input ends inside an alert; the alerts before it are whole: send the rest"});
  }
  return 0;
}

}  // namespace kilnwatch::app
