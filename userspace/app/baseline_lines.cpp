#include "app/baseline_lines.h"

#include <fmt/format.h>
#include <google/protobuf/util/json_util.h>

#include <ctime>

#include "base/utf8.h"
#include "baseline/key.h"
#include "kilnwatch/v1/baseline.pb.h"

namespace kilnwatch::app {
namespace {

using baseline::Entry;
using baseline::Seconds;

// Clocks of two hosts differ; a time that lies further ahead would keep a destination known.
constexpr Seconds kAhead = 86'400;
// All scopes full.
constexpr std::size_t kMaxEntries = baseline::kMaxKeys * baseline::kScopes.size();

base::Error wrong(std::size_t number, const std::string& why) {
  return {base::ErrorClass::kInput, "line " + std::to_string(number) + ": " + why};
}

v1::BaselineEntry message_of(const Entry& entry) {
  v1::BaselineEntry out;
  out.set_scope(baseline::name_of(entry.scope));
  // One that no version of ours wrote is shown as it is.
  const auto key = baseline::split_key(entry.key).value_or(baseline::Key{entry.key, 0, {}});
  out.set_address(base::valid_utf8(key.address));
  out.set_port(key.port);
  out.set_name(base::valid_utf8(key.name));
  out.mutable_first()->set_seconds(static_cast<std::int64_t>(entry.first));
  out.mutable_last()->set_seconds(static_cast<std::int64_t>(entry.last));
  out.set_count(entry.count);
  out.set_build(base::valid_utf8(entry.build));
  return out;
}

// Nothing: a time before 1970.
std::optional<Seconds> seconds_of(const google::protobuf::Timestamp& time) {
  if (time.seconds() < 0) return std::nullopt;
  return static_cast<Seconds>(time.seconds());
}

}  // namespace

std::string json_line(const Entry& entry) {
  google::protobuf::util::JsonPrintOptions options;
  options.preserve_proto_field_names = true;
  std::string out;
  (void)google::protobuf::util::MessageToJsonString(message_of(entry), &out, options);
  return out + "\n";
}

std::string time_text(Seconds time) {
  const auto seconds = static_cast<std::time_t>(time);
  std::tm utc{};
  if (::gmtime_r(&seconds, &utc) == nullptr) return "?";
  return fmt::format("{:04}-{:02}-{:02} {:02}:{:02}:{:02}Z", utc.tm_year + 1900, utc.tm_mon + 1,
                     utc.tm_mday, utc.tm_hour, utc.tm_min, utc.tm_sec);
}

std::string table_head() {
  return fmt::format("{:6}  {:20}  {:20}  {:>10}  {:12}  {}\n", "scope", "first seen", "last seen",
                     "count", "build", "destination");
}

std::string table_line(const Entry& entry) {
  constexpr std::size_t kShortId = 12;
  return fmt::format("{:6}  {:20}  {:20}  {:>10}  {:12}  {}\n", baseline::name_of(entry.scope),
                     time_text(entry.first), time_text(entry.last), entry.count,
                     base::visible(entry.build.substr(0, kShortId)), base::visible(entry.key));
}

base::Result<Entry> read_line(const std::string& line, std::size_t number, Seconds now) {
  v1::BaselineEntry from;
  const auto parsed = google::protobuf::util::JsonStringToMessage(line, &from);
  if (!parsed.ok()) {
    // Its first line; the others point into the text.
    const std::string why(parsed.message().data(), parsed.message().size());
    return wrong(number, "no entry of a baseline as `baseline export` writes it (" +
                             why.substr(0, why.find('\n')) + ")");
  }
  const auto scope = baseline::scope_of(from.scope());
  if (!scope) return wrong(number, "scope is '" + from.scope() + "'; write builds or host");
  if (!from.has_port()) return wrong(number, "there is no port");
  const auto key = baseline::read_key(from.address(), std::to_string(from.port()), from.name());
  if (!key) return wrong(number, key.error().message);
  if (!from.has_first() || !from.has_last())
    return wrong(number, "first or last is missing; write for example \"2026-11-24T12:00:00Z\"");
  const auto first = seconds_of(from.first());
  const auto last = seconds_of(from.last());
  if (!first || !last || *first > *last)
    return wrong(number, "first lies after last, or before 1970");
  if (*last > now + kAhead) return wrong(number, "last lies ahead of this host's clock");
  const std::uint32_t count = from.has_count() ? from.count() : 1;
  if (count == 0) return wrong(number, "count is 0; write 1 or more");
  if (from.build().size() > baseline::kMaxBuildId) {
    return wrong(number, "build is longer than " + std::to_string(baseline::kMaxBuildId) +
                             " bytes; write its id or nothing");
  }
  return Entry{*scope, baseline::text_of(*key), *first, *last, count, from.build()};
}

base::Status LineReader::line() {
  ++number_;
  if (line_.find_first_not_of(" \t\r") == line_.npos) {
    line_.clear();
    return base::Done{};
  }
  if (entries_.size() >= kMaxEntries) {
    return wrong(number_,
                 "a baseline holds no more than " + std::to_string(kMaxEntries) + " destinations");
  }
  auto entry = read_line(line_, number_, now_);
  if (!entry) return entry.error();
  entries_.push_back(std::move(*entry));
  line_.clear();
  return base::Done{};
}

base::Status LineReader::feed(std::string_view bytes) {
  while (!bytes.empty()) {
    const auto end = bytes.find('\n');
    const auto part = bytes.substr(0, end);
    if (line_.size() + part.size() > kMaxLine) {
      return wrong(number_ + 1, "is longer than " + std::to_string(kMaxLine) +
                                    " bytes; an entry is one line of JSON");
    }
    line_.append(part);
    if (end == bytes.npos) break;
    if (auto done = line(); !done) return done;
    bytes.remove_prefix(end + 1);
  }
  return base::Done{};
}

base::Status LineReader::finish() { return line_.empty() ? base::Done{} : line(); }

}  // namespace kilnwatch::app
