#include "engine/buildkit/status.h"

#include <algorithm>

#include "base/secrets.h"
#include "base/text.h"
#include "engine/buildkit/vertex_name.h"
#include "engine/docker/mask.h"
#include "engine/wire.h"
#include "proto/engine/buildkit.pb.h"

namespace kilnwatch::engine::buildkit {
namespace {

// StatusResponse
constexpr std::uint32_t kVertexes = 1, kStatuses = 2, kLogs = 3;
constexpr std::size_t kMaxPlace = 128;   // of a stage's or platform's name kept
constexpr std::size_t kMaxText = 65536;  // of an instruction or image: what a Dockerfile may hold
constexpr int kMaxInputs = 64;           // of a node: an instruction's mounts and copies
constexpr std::size_t kMaxError = 512;   // of an error's text kept
constexpr std::size_t kTimeBytes = 24;   // bytes of a Timestamp: two numbers

enum class Keep : std::uint8_t { kNo, kDigest, kName, kText, kTime, kFlag };

Keep rule_of(std::uint32_t message, std::uint32_t field) {
  static constexpr Keep kVertex[] = {Keep::kNo,   Keep::kDigest, Keep::kDigest, Keep::kName,
                                     Keep::kFlag, Keep::kTime,   Keep::kTime,   Keep::kText};
  static constexpr Keep kStatus[] = {Keep::kNo, Keep::kText, Keep::kDigest, Keep::kNo,  Keep::kNo,
                                     Keep::kNo, Keep::kTime, Keep::kTime,   Keep::kTime};
  static constexpr Keep kLog[] = {Keep::kNo, Keep::kDigest, Keep::kTime};
  const auto at = [field](const auto& table) {
    return field < std::size(table) ? table[field] : Keep::kNo;
  };
  if (message == kVertexes) return at(kVertex);
  if (message == kStatuses) return at(kStatus);
  return message == kLogs ? at(kLog) : Keep::kNo;
}

// One of the messages within.
std::string masked_part(std::uint32_t message, std::string_view bytes, const StepSecrets& secrets) {
  auto out = rewritten(bytes, [&](const Field& field, std::string_view value) {
    const Keep rule = rule_of(message, field.number);
    if (field.text && rule == Keep::kName) return secrets.masked_name(value);
    if (field.text && rule == Keep::kText) return secrets.masked_text(value);
    const bool plain = field.text ? (rule == Keep::kDigest && base::is_digest(value)) ||
                                        (rule == Keep::kTime && field.size <= kTimeBytes)
                                  : rule == Keep::kFlag && field.size == 1;
    return plain ? std::string(value) : blank(field);
  });
  out.resize(bytes.size(), '\0');
  return out;
}

std::uint64_t ns_of(const Time& time) {
  constexpr std::uint64_t kSecond = 1'000'000'000;
  constexpr std::int64_t kMost = 1ll << 33;  // year 2242: the product fits
  if (time.seconds() <= 0 || time.seconds() > kMost || time.nanos() < 0) return 0;
  return static_cast<std::uint64_t>(time.seconds()) * kSecond +
         static_cast<std::uint64_t>(time.nanos());
}

std::uint64_t latest(const Vertex& vertex) {
  return std::max(ns_of(vertex.started()), ns_of(vertex.completed()));
}
std::uint64_t latest(const VertexStatus& status) {
  return std::max({ns_of(status.timestamp()), ns_of(status.started()), ns_of(status.completed())});
}
std::uint64_t latest(const VertexLog& log) { return ns_of(log.timestamp()); }

template <class Message>
bool parse(std::string_view bytes, Message& message) {
  return message.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()));
}

}  // namespace

std::string masked_status(std::string_view message, const StepSecrets& secrets) {
  auto out = rewritten(message, [&](const Field& field, std::string_view value) {
    return field.text ? masked_part(field.number, value, secrets) : blank(field);
  });
  if (out.size() < message.size()) out += message[out.size()];
  return out;
}

bool is_status(std::string_view message) {
  constexpr std::uint32_t kWarnings = 4;
  bool any = false;
  Fields fields(message);
  Field field;
  while (fields.next(field)) {
    if (!field.text || field.number == 0 || field.number > kWarnings) return false;
    const auto part = message.substr(field.at, field.size);
    const std::uint32_t digest = field.number == kStatuses ? 2 : 1;
    bool named = false;
    Fields within(part);
    Field one;
    while (within.next(one)) {
      if (one.text && one.number == digest) named = base::is_digest(part.substr(one.at, one.size));
    }
    if (!named) return false;
    any = true;
  }
  return any;
}

bool StatusReader::read(std::string_view masked, bool whole, domain::TimeNs time,
                        domain::CallId call, std::vector<domain::ApiFact>& facts) {
  Fields fields(masked);
  Field field;
  std::uint32_t reached = 0;
  std::uint64_t clock = 0;
  const auto take = [&](const Vertex& vertex) {
    const auto name = parse_vertex_name(vertex.name());
    if (name.exports) export_ = vertex.digest();
    if (!base::is_digest(vertex.digest())) return;
    domain::VertexSeen seen;
    seen.time = time;
    seen.call = call;
    seen.digest = vertex.digest();
    seen.kind = name.kind;
    // One that has more is not known whole: what it stands on can not be ruled out.
    seen.whole = vertex.inputs_size() <= kMaxInputs;
    for (int i = 0; i < std::min(vertex.inputs_size(), kMaxInputs); ++i)
      seen.inputs.push_back(vertex.inputs(i));
    seen.stage = name.stage.substr(0, kMaxPlace);
    seen.platform = name.platform.substr(0, kMaxPlace);
    seen.number = name.number;
    seen.total = name.total;
    const auto text = name.text.substr(0, kMaxText);
    seen.text = name.kind == domain::VertexKind::kBase ? docker::safe_reference(text)
                                                       : base::mask_text(text);
    seen.cached = vertex.cached();
    seen.started = ns_of(vertex.started());
    seen.completed = ns_of(vertex.completed());
    seen.error = base::mask_text(vertex.error()).substr(0, kMaxError);
    facts.emplace_back(std::move(seen));
  };
  const auto take_status = [&](const VertexStatus& status) {
    constexpr std::string_view kWriting = "writing image ", kNaming = "naming to ";
    if (!status.has_completed() || export_.empty() || status.vertex() != export_) return;
    const std::string_view id = status.id();
    if (id.starts_with(kWriting) && base::is_digest(id.substr(kWriting.size()))) {
      facts.emplace_back(
          domain::BuildImageAnnounced{time, call, std::string(id.substr(kWriting.size())), false});
    } else if (id.starts_with(kNaming)) {
      facts.emplace_back(
          domain::BuildTagAnnounced{time, call, docker::safe_reference(id.substr(kNaming.size()))});
    }
  };
  while (fields.next(field)) {
    reached = std::max(reached, field.number);
    const auto bytes = masked.substr(field.at, field.size);
    if (Vertex vertex; field.number == kVertexes && parse(bytes, vertex)) {
      take(vertex);
      clock = std::max(clock, latest(vertex));
    } else if (VertexStatus status; field.number == kStatuses && parse(bytes, status)) {
      take_status(status);
      clock = std::max(clock, latest(status));
    } else if (VertexLog log; field.number == kLogs && parse(bytes, log)) {
      clock = std::max(clock, latest(log));
    }
  }
  const bool all = fields.whole() && whole;
  reached = std::max(reached, fields.cut_in());
  // Of a message that is cut the latest thing may be missing; what it told is not after that.
  if (clock != 0 && (all || reached >= kLogs))
    facts.emplace_back(domain::BuilderClock{time, call, clock});
  return all || reached >= kLogs;
}

}  // namespace kilnwatch::engine::buildkit
