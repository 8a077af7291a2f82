// `baseline list|add|forget|export|import|stats`: looks after what has been seen, also while `run`
// uses it.
#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <optional>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "app/baseline_fleet.h"
#include "app/baseline_lines.h"
#include "app/commands.h"
#include "app/log.h"
#include "app/standard_streams.h"
#include "app/state_dir.h"
#include "base/clock.h"
#include "baseline/catalog.h"
#include "baseline/key.h"
#include "baseline/open.h"

namespace kilnwatch::app {
namespace {

constexpr std::size_t kPiece = 65'536;  // bytes written at a time

baseline::Seconds now() { return base::clock_ns(CLOCK_REALTIME) / 1'000'000'000; }

// `make`: where there is none yet.
base::Result<baseline::Catalog> open_catalog(const Options& options, bool make) {
  // Also to look at one: a log that others put beside it would be taken for its own.
  if (make || ::access(options.state_dir.c_str(), F_OK) == 0) {
    if (auto usable = make_state_dir(options.state_dir); !usable) return usable.error();
  }
  auto opened =
      baseline::open_database({options.state_dir, now(), baseline::Damage::kRefuse, make});
  if (!opened) return opened.error();
  for (const auto& note : opened->notes) say(Level::kInfo, note);
  return baseline::Catalog(std::move(opened->database));
}

std::optional<baseline::Scope> scope_of(const Options& options) {
  return baseline::scope_of(options.scope);
}

// Words of the command line, or all of it in one word, as `list` shows it.
base::Result<std::string> key_of(const Options& options) {
  std::vector<std::string> words;
  for (const std::string& given : options.key) {
    std::istringstream parts(given);
    for (std::string word; parts >> word;) words.push_back(word);
  }
  if (words.size() < 2 || words.size() > 3) {
    return base::Error{base::ErrorClass::kUsage,
                       "a destination is ADDRESS PORT [NAME], as in: 192.0.2.7 443 example.org"};
  }
  const auto key = baseline::read_key(words[0], words[1], words.size() > 2 ? words[2] : "");
  if (!key) return key.error();
  return baseline::text_of(*key);
}

// Every entry as one line; what is written is whole lines.
base::Status write_entries(baseline::Catalog& catalog, std::optional<baseline::Scope> scope,
                           std::string out, std::string (*line_of)(const baseline::Entry&)) {
  auto done = catalog.each(scope, [&](const baseline::Entry& entry) -> base::Status {
    out += line_of(entry);
    if (out.size() < kPiece) return base::Done{};
    return write_stdout(std::exchange(out, {}));
  });
  if (!done) return done;
  return out.empty() ? base::Done{} : write_stdout(out);
}

base::Result<std::vector<baseline::Entry>> read_stdin() {
  LineReader reader(now());
  std::array<char, kPiece> buffer{};
  for (;;) {
    const auto n = ::read(STDIN_FILENO, buffer.data(), buffer.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) {
      return base::Error{base::ErrorClass::kInput,
                         std::string("standard input cannot be read: ") + std::strerror(errno)};
    }
    const auto fed =
        n == 0 ? reader.finish() : reader.feed({buffer.data(), static_cast<std::size_t>(n)});
    if (!fed) {
      return base::Error{fed.error().kind,
                         "standard input, " + fed.error().message + "; nothing was imported"};
    }
    if (n == 0) return reader.take();
  }
}

int done_or_fail(const base::Status& status) { return status ? 0 : fail(status.error()); }

}  // namespace

int baseline_list(const Options& options) {
  if (options.scope == kFleetScope) return list_fleet(options, options.format == "json");
  if (auto usable = stdout_usable(); !usable) return fail(usable.error());
  auto catalog = open_catalog(options, false);
  if (!catalog) return fail(catalog.error());
  const bool json = options.format == "json";
  return done_or_fail(write_entries(*catalog, scope_of(options), json ? "" : table_head(),
                                    json ? json_line : table_line));
}

int baseline_export(const Options& options) {
  if (options.scope == kFleetScope) return list_fleet(options, true);
  if (auto usable = stdout_usable(); !usable) return fail(usable.error());
  auto catalog = open_catalog(options, false);
  if (!catalog) return fail(catalog.error());
  return done_or_fail(write_entries(*catalog, scope_of(options), {}, json_line));
}

int baseline_add(const Options& options) {
  const auto key = key_of(options);
  if (!key) return fail(key.error());
  if (options.scope == kFleetScope) return add_to_fleet(options, *key);
  const bool of_host = baseline::is_of_host(*key);
  const auto scope =
      scope_of(options).value_or(of_host ? baseline::Scope::kHost : baseline::Scope::kBuilds);
  if (of_host && scope != baseline::Scope::kHost) {
    return fail({base::ErrorClass::kUsage,
                 "'" + *key + "' is of the host, no build reaches it; leave --scope out"});
  }
  auto catalog = open_catalog(options, true);
  if (!catalog) return fail(catalog.error());
  std::optional<baseline::Entry> entry = baseline::Entry{scope, *key, now(), now(), 1, {}};
  const auto added = catalog->add(
      [&]() -> base::Result<std::optional<baseline::Entry>> { return std::exchange(entry, {}); });
  return added ? 0 : fail(added.error());
}

int baseline_forget(const Options& options) {
  const auto key = key_of(options);
  if (!key) return fail(key.error());
  if (options.scope == kFleetScope) return forget_of_fleet(options, *key);
  auto catalog = open_catalog(options, false);
  if (!catalog) return fail(catalog.error());
  const auto gone = catalog->forget(*key, scope_of(options));
  if (!gone) return fail(gone.error());
  if (*gone > 0) return 0;
  return fail({base::ErrorClass::kOther, "'" + *key +
                                             "' is not in the baseline; `kilnwatch baseline list` "
                                             "shows what is, names belong to it"});
}

int baseline_import(const Options& options) {
  // Read first: nobody's write waits for whoever writes our input.
  const auto entries = read_stdin();
  if (!entries) return fail(entries.error());
  auto catalog = open_catalog(options, true);
  if (!catalog) return fail(catalog.error());
  std::size_t at = 0;
  const auto added = catalog->add([&]() -> base::Result<std::optional<baseline::Entry>> {
    if (at == entries->size()) return std::optional<baseline::Entry>();
    return std::optional((*entries)[at++]);
  });
  if (!added) return fail(added.error());
  say(Level::kInfo, fmt::format("{} destinations imported", *added));
  return 0;
}

int baseline_stats(const Options& options) {
  if (options.scope == kFleetScope) return count_fleet(options);
  if (auto usable = stdout_usable(); !usable) return fail(usable.error());
  auto catalog = open_catalog(options, false);
  if (!catalog) return fail(catalog.error());
  const auto stats = catalog->stats();
  if (!stats) return fail(stats.error());
  std::string out =
      fmt::format("created  {}\nsize     {} bytes\n",
                  stats->created ? time_text(*stats->created) : "not yet", stats->bytes);
  for (const auto& scope : stats->scopes) {
    out += fmt::format("{:7}  {} of {} destinations", baseline::name_of(scope.scope), scope.keys,
                       baseline::kMaxKeys);
    if (scope.keys > 0)
      out += fmt::format(", from {} to {}", time_text(scope.first), time_text(scope.last));
    out += "\n";
  }
  return done_or_fail(write_stdout(out));
}

}  // namespace kilnwatch::app
