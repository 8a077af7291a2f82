// `run`: watch and write alerts until SIGTERM.
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <optional>
#include <utility>

#include "app/alert_queue.h"
#include "app/baseline_store.h"
#include "app/commands.h"
#include "app/config_file.h"
#include "app/log.h"
#include "app/result_stream.h"
#include "app/shared_baseline.h"
#include "app/standard_streams.h"
#include "app/watch.h"
#include "base/clock.h"
#include "capture/live/probe.h"
#include "sink/health.h"

namespace kilnwatch::app {
namespace {

// How long the end waits for a reader that stands still: half of what a service manager gives.
constexpr std::chrono::seconds kLastWords(4);
constexpr domain::TimeNs kSecond = 1'000'000'000;
// A reader that is too slow is complained about this often at most.
constexpr domain::TimeNs kComplain = 10 * kSecond;

// Says that alerts were lost, now and then.
class SlowReader {
 public:
  void look(std::uint64_t lost) {
    if (lost == told_) return;
    const auto now = base::clock_ns(CLOCK_BOOTTIME);
    if (told_ != 0 && now - when_ < kComplain) return;
    say(Level::kWarning,
        std::to_string(lost) + " alerts were lost so far: standard output is not read fast enough");
    told_ = lost;
    when_ = now;
  }

 private:
  std::uint64_t told_ = 0;
  domain::TimeNs when_ = 0;
};

int check(const Config& config) {
  if (config.file.empty())
    say(Level::kInfo, std::string("there is no configuration ") + kDefaultConfig);
  say_config(config);
  if (auto usable = check_shared(config.policy); !usable) return fail(usable.error());
  return 0;
}

}  // namespace

int run(const Options& options) {
  hold_signals();  // a SIGHUP that comes before all is set up is a reload, not the end
  auto config = find_config(options.config);
  if (!config) return fail(config.error());
  if (options.check_config) return check(*config);
  auto encoder = encoder_for_stdout(options.format);
  if (!encoder) return fail(encoder.error());
  auto notices = encoder_for_stdout(options.format);  // of the writing thread
  if (!notices) return fail(notices.error());
  auto seen = open_baseline(options.state_dir, base::clock_ns(CLOCK_REALTIME) / kSecond);
  if (!seen) return fail(seen.error());

  const auto host = capture::read_host_facts();
  auto shared = open_shared(config->policy, asker_of(**seen, host.name));
  if (!shared) return fail(shared.error());
  AlertQueue queue(STDOUT_FILENO, [&](std::uint64_t count) {
    return (*notices)->encode(sink::alerts_lost(host, base::clock_ns(CLOCK_REALTIME), count));
  });
  say_config(*config);
  SlowReader slow;
  std::optional<SharedNews> news;
  if (*shared) news.emplace(config->policy.store->url.text, **shared);
  Watch parts;
  parts.seen = seen->get();
  parts.shared = shared->get();
  parts.emit = [&](const v1::Alert& alert) { queue.push((*encoder)->encode(alert)); };
  bool has_config = !config->file.empty();
  const auto store = config->policy.store;
  parts.policy = std::move(config->policy);
  parts.reload = [&]() -> std::optional<policy::Policy> {
    auto next = reload_config(options.config, has_config);
    if (next) {
      has_config = has_config || !next->file.empty();
      if (next->policy.store != store)
        say(Level::kWarning, "the shared baseline is another one now: that counts after a restart");
      if (*shared) apply(next->policy, **shared);
      return std::move(next->policy);
    }
    const auto alert =
        sink::config_refused(host, base::clock_ns(CLOCK_REALTIME), next.error().message);
    queue.push((*encoder)->encode(alert));
    return std::nullopt;
  };
  parts.other_fd = queue.failed_fd();
  parts.keep_watching = [&] {
    slow.look(queue.lost());
    if (news) news->look(base::clock_ns(CLOCK_BOOTTIME));
    return queue.error() == 0;
  };
  int code = watch(options, parts);
  if (news) news->end();
  queue.stop(kLastWords);

  if (queue.error() != 0 && code == 0) code = fail(stdout_error(queue.error()));
  if (queue.lost() > 0) {
    say(Level::kWarning, std::to_string(queue.lost()) + " alerts were not read and are lost");
  }
  if (auto kept = close_baseline(**seen, options.state_dir); !kept && code == 0)
    code = fail(kept.error());
  return code;
}

}  // namespace kilnwatch::app
