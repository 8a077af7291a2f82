#include "engine/buildkit/solve.h"

#include <algorithm>
#include <array>

#include "base/secrets.h"
#include "base/text.h"
#include "engine/docker/mask.h"
#include "engine/wire.h"

namespace kilnwatch::engine::buildkit {
namespace {

// SolveRequest
constexpr std::uint32_t kRef = 1, kDefinition = 2, kExporterAttrs = 4, kSession = 5, kFrontend = 6,
                        kAttrs = 7, kEntitlements = 9, kInternal = 11, kExporters = 13;
// Exporter, SolveResponse, an entry of a map
constexpr std::uint32_t kExporterAttr = 2, kResponse = 1, kKey = 1, kValue = 2;

constexpr std::size_t kMaxNames = 128;  // tags, build-arg names, entitlements kept
constexpr std::size_t kMaxName = 128;   // bytes of a ref or session: BuildKit's own have 25

// LLBBridge's SolveRequest
constexpr std::uint32_t kBridgeDefinition = 1, kBridgeFrontend = 2, kBridgeOpt = 3;

constexpr std::string_view kArg = "build-arg:";
// Asks the frontend something instead of building (frontend/subrequests); another frontend than
// BuildKit's own may build all the same.
constexpr std::string_view kQuestion = "requestid", kOwnFrontend = "dockerfile.v0";
// The context is what the client pipes in (session/upload).
constexpr std::string_view kPiped = "http://buildkit-session/";

// Attributes of a frontend of which the value is looked at (frontend/dockerui/config.go).
constexpr std::array<std::string_view, 7> kKept = {
    "filename", "target", "context", "force-network-mode", "no-cache", "platform", "source"};
constexpr std::array<std::string_view, 3> kAnswered = {
    "containerimage.digest", "containerimage.config.digest", "image.name"};

template <class Names>
bool one_of(const Names& names, std::string_view name) {
  return !name.empty() && std::find(names.begin(), names.end(), name) != names.end();
}

struct Entry {
  std::string_view key, value;
};

Entry entry_of(std::string_view bytes) {
  Entry entry;
  Fields fields(bytes);
  Field field;
  while (fields.next(field)) {
    if (!field.text) continue;
    if (field.number == kKey) entry.key = bytes.substr(field.at, field.size);
    if (field.number == kValue) entry.value = bytes.substr(field.at, field.size);
  }
  return entry;
}

std::string stars(std::size_t size) { return std::string(size, '*'); }

// References in a list, each as long as it was.
std::string masked_list(std::string_view text) {
  std::string out;
  while (true) {
    const auto end = text.find(',');
    out += docker::masked_reference(text.substr(0, end));
    if (end == text.npos) return out;
    out += ',';
    text.remove_prefix(end + 1);
  }
}

std::string masked_value(std::string_view key, std::string_view value) {
  if (key == "name" || key == "image.name") return masked_list(value);
  if (one_of(kKept, key) || one_of(kAnswered, key)) return base::mask_text_same_length(value);
  return stars(value.size());
}

// An entry of a map: its key stays, of the value what masked_value() leaves. Anything else in it
// goes.
std::string masked_entry(std::string_view bytes) {
  const auto key = entry_of(bytes).key;
  return rewritten_part(bytes, [key](const Field& field, std::string_view value) {
    if (field.text && field.number == kKey) return base::mask_text_same_length(value);
    return field.text && field.number == kValue ? masked_value(key, value) : blank(field);
  });
}

std::string masked_exporter(std::string_view bytes) {
  return rewritten_part(bytes, [](const Field& field, std::string_view value) {
    return field.text && field.number == kExporterAttr ? masked_entry(value) : blank(field);
  });
}

void add_tags(std::string_view list, std::vector<std::string>& tags) {
  while (tags.size() < kMaxNames) {
    const auto end = list.find(',');
    // buildx names its exporter in two places.
    if (auto tag = docker::safe_reference(list.substr(0, end));
        !tag.empty() && std::find(tags.begin(), tags.end(), tag) == tags.end())
      tags.push_back(std::move(tag));
    if (end == list.npos) return;
    list.remove_prefix(end + 1);
  }
}

void take_attr(const Entry& entry, Solve& solve) {
  auto& request = solve.request;
  const auto text = [&] { return base::mask_text(entry.value); };
  if (entry.key.starts_with(kArg)) {
    if (request.build_arg_names.size() < kMaxNames)
      request.build_arg_names.push_back(base::mask_text(entry.key.substr(kArg.size())));
    solve.secrets.emplace_back(entry.value);
  } else if (entry.key == "filename") {
    request.dockerfile_name = text();
  } else if (entry.key == "target") {
    request.target = text();
  } else if (entry.key == "context") {
    if (!entry.value.starts_with(kPiped)) request.remote_context = text();
  } else if (entry.key == "force-network-mode") {
    request.network_mode = text();
  } else if (entry.key == "no-cache") {
    request.no_cache = true;
  }
}

void take_exporter(std::string_view bytes, Solve& solve) {
  Fields fields(bytes);
  Field field;
  while (fields.next(field)) {
    if (!field.text || field.number != kExporterAttr) continue;
    const auto entry = entry_of(bytes.substr(field.at, field.size));
    if (entry.key == "name") add_tags(entry.value, solve.request.tags);
  }
}

}  // namespace

// BuildKit's own names are letters and digits (identity.NewID).
std::string name_of(std::string_view value) {
  return base::mask_text_same_length(value.substr(0, kMaxName));
}

std::string masked_solve(std::string_view message) {
  return rewritten(message, [](const Field& field, std::string_view value) {
    if (!field.text) return field.number == kInternal ? std::string(value) : blank(field);
    switch (field.number) {
      case kAttrs:
      case kExporterAttrs:
        return masked_entry(value);
      case kExporters:
        return masked_exporter(value);
      case kRef:
      case kSession:
      case kFrontend:
      case kEntitlements:
        return base::mask_text_same_length(value);
      default:
        return blank(field);
    }
  });
}

Solve read_solve(std::string_view message, bool whole) {
  Solve solve;
  solve.request.buildkit = true;
  bool internal = false, question = false, definition = false, exporter = false;
  std::string_view frontend;
  Fields fields(message);
  Field field;
  while (fields.next(field)) {
    const auto value = message.substr(field.at, field.size);
    if (field.number == kInternal) internal = field.varint && field.value != 0;
    if (!field.text) continue;
    definition = definition || (field.number == kDefinition && field.size > 0);
    if (field.number == kFrontend) frontend = value;
    question = question || (field.number == kAttrs && entry_of(value).key == kQuestion);
    if (field.number == kRef) {
      solve.request.build_ref = name_of(value);
    } else if (field.number == kSession) {
      solve.request.session = name_of(value);
    } else if (field.number == kEntitlements) {
      if (auto& all = solve.request.entitlements; all.size() < kMaxNames)
        all.push_back(base::mask_text(value.substr(0, kMaxName)));
    } else if (field.number == kAttrs) {
      take_attr(entry_of(value), solve);
    } else if (field.number == kExporterAttrs) {
      exporter = true;
      if (const auto entry = entry_of(value); entry.key == "name")
        add_tags(entry.value, solve.request.tags);
    } else if (field.number == kExporters) {
      exporter = true;
      take_exporter(value, solve);
    }
  }
  question = question && (frontend.empty() || frontend == kOwnFrontend);
  definition = definition || (!whole && fields.cut_in() == kDefinition);
  const bool told = whole || exporter || !frontend.empty();
  solve.builds = definition || (told && !(question || (internal && frontend.empty())));
  return solve;
}

std::string masked_bridge(std::string_view message) {
  return rewritten(message, [](const Field& field, std::string_view value) {
    if (field.text && field.number == kBridgeFrontend) return base::mask_text_same_length(value);
    return field.text && field.number == kBridgeOpt ? masked_entry(value) : blank(field);
  });
}

bool bridge_builds(std::string_view message) {
  bool question = false;
  std::string_view frontend;
  Fields fields(message);
  Field field;
  while (fields.next(field)) {
    const auto value = message.substr(field.at, field.size);
    if (!field.text) continue;
    if (field.number == kBridgeDefinition && field.size > 0) return true;
    if (field.number == kBridgeFrontend) frontend = value;
    question = question || (field.number == kBridgeOpt && entry_of(value).key == kQuestion);
  }
  return !question || frontend != kOwnFrontend;
}

std::string masked_solved(std::string_view message) {
  return rewritten(message, [](const Field& field, std::string_view value) {
    return field.text && field.number == kResponse ? masked_entry(value) : blank(field);
  });
}

Solved read_solved(std::string_view message) {
  Solved solved;
  std::string config;
  Fields fields(message);
  Field field;
  while (fields.next(field)) {
    if (!field.text || field.number != kResponse) continue;
    const auto entry = entry_of(message.substr(field.at, field.size));
    if (entry.key == "containerimage.digest" && base::is_digest(entry.value))
      solved.ids.emplace_back(entry.value);
    if (entry.key == "containerimage.config.digest" && base::is_digest(entry.value))
      config = entry.value;
    if (entry.key == "image.name") add_tags(entry.value, solved.tags);
  }
  // dockerd's own store knows an image by its config, containerd's by its manifest.
  if (!config.empty() && (solved.ids.empty() || solved.ids.front() != config))
    solved.ids.insert(solved.ids.begin(), config);
  return solved;
}

std::string read_status_request(std::string_view message) {
  Fields fields(message);
  Field field;
  std::string ref;
  while (fields.next(field)) {
    if (field.text && field.number == kRef) ref = name_of(message.substr(field.at, field.size));
  }
  return fields.whole() ? ref : std::string();
}

}  // namespace kilnwatch::engine::buildkit
