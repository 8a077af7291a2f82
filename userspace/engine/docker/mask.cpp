#include "engine/docker/mask.h"

#include <algorithm>
#include <array>

#include "base/secrets.h"
#include "base/text.h"
#include "protocol/json/json.h"
#include "protocol/url/url.h"

namespace kilnwatch::engine::docker {
namespace {

using protocol::Line;

// Fields that are looked at, or that tell which engine answered.
constexpr std::array<std::string_view, 11> kKept = {"user-agent",
                                                    "content-type",
                                                    "content-length",
                                                    "transfer-encoding",
                                                    "connection",
                                                    "upgrade",
                                                    "expect",
                                                    "api-version",
                                                    "ostype",
                                                    "server",
                                                    "x-docker-expose-session-uuid"};
constexpr std::array<std::string_view, 2> kKeptOfFetch = {"host", "location"};
// Parameters that hold image references or names.
constexpr std::array<std::string_view, 6> kReferences = {"t",   "fromImage", "repo",
                                                         "tag", "image",     "name"};

template <class List>
bool one_of(const List& list, std::string_view text) {
  return std::find(list.begin(), list.end(), text) != list.end();
}

void star(std::string& text, std::size_t from) {
  for (; from < text.size(); ++from) {
    if (text[from] != '\r' && text[from] != '\n' && text[from] != ' ' && text[from] != '\t')
      text[from] = '*';
  }
}

// A JSON object of names and values: names stay.
std::string masked_map(std::string_view text) {
  std::string out(text);
  if (const auto value = protocol::parse_json(text); !value || !value->is_object())
    return std::string(text.size(), '*');
  bool in_string = false, value = false;
  int depth = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    const bool quote = c == '"';
    if (quote) in_string = !in_string;
    if (quote || (!in_string && std::string_view("{}[]:, \t\r\n").find(c) != text.npos)) {
      if (in_string) continue;
      if (c == ':') value = true;
      if (c == ',' && depth == 1) value = false;
      if (c == '{' || c == '[') ++depth;
      if (c == '}' || c == ']') --depth;
      continue;
    }
    const bool escape = in_string && c == '\\' && i + 1 < text.size();
    if (value || !in_string || depth != 1) {
      out[i] = '*';
      if (escape) out[i + 1] = '*';
    }
    if (escape) ++i;
  }
  return out;
}

// Parts between separators, each judged alone.
template <class Mask>
std::string by_parts(std::string_view text, const Mask& mask) {
  std::string out;
  while (!text.empty()) {
    const auto end = std::min(text.find_first_of(":/@"), text.size());
    out += mask(text.substr(0, end));
    if (end < text.size()) out += text[end];
    text.remove_prefix(std::min(text.size(), end + 1));
  }
  return out;
}

bool is_reference(std::string_view text) {
  const auto end = text.find("@sha256:");
  return std::all_of(
      text.begin(), end == text.npos ? text.end() : text.begin() + static_cast<std::ptrdiff_t>(end),
      [](unsigned char c) {
        return std::isalnum(c) != 0 ||
               std::string_view("._-:/").find(static_cast<char>(c)) != std::string_view::npos;
      });
}

std::string judged(std::string_view key, std::string_view value) {
  if (key == "buildargs" || key == "labels") return masked_map(value);
  if (key == "secrets" || key == "setenv") {  // podman: what a secret is, a variable of every step
    std::string out(value);
    star(out, std::min(value.find('='), value.size()));
    return out;
  }
  if (one_of(kReferences, key) && is_reference(value))
    return by_parts(value, base::mask_text_same_length);
  const auto lead = std::string(key) + "=";
  return base::mask_text_same_length(lead + std::string(value)).substr(lead.size());
}

std::string masked_target(std::string_view target) {
  const auto mark = std::min(target.find('?'), target.size());
  auto out = base::mask_text_same_length(target.substr(0, mark));
  if (mark < target.size()) out += "?" + masked_pairs(target.substr(mark + 1));
  return out;
}

}  // namespace

std::string masked_pairs(std::string_view text) { return protocol::mask_pairs(text, judged); }

std::string safe_reference(std::string_view text) {
  return is_reference(text) ? by_parts(text, base::mask_text) : base::mask_text(text);
}

std::string masked_message(std::string_view text, std::string_view reference) {
  const auto at = reference.empty() || !is_reference(reference) ? text.npos : text.find(reference);
  if (at == text.npos) return base::mask_text_same_length(text);
  return base::mask_text_same_length(text.substr(0, at)) +
         by_parts(reference, base::mask_text_same_length) +
         base::mask_text_same_length(text.substr(at + reference.size()));
}

std::string masked_reference(std::string_view text) {
  return is_reference(text) ? by_parts(text, base::mask_text_same_length)
                            : base::mask_text_same_length(text);
}

std::string LineMask::masked(domain::Direction direction, Line kind, std::string_view raw) {
  std::string out(raw);
  switch (kind) {
    case Line::kEmpty:
      break;
    case Line::kChunkSize:
      // The semicolon stays: it ends the number.
      star(out, std::min(raw.find(';'), raw.size() - 1) + 1);
      break;
    case Line::kStart: {
      framing_ = false;
      if (direction == domain::Direction::kResponse) return base::mask_text_same_length(raw);
      const auto from = raw.find(' ') + 1;
      const auto to = raw.find(' ', from);
      out = std::string(raw.substr(0, from)) + masked_target(raw.substr(from, to - from)) +
            std::string(raw.substr(to));
      break;
    }
    case Line::kField: {
      const auto colon = raw.find(':');
      const auto name = base::lower(raw.substr(0, colon));
      framing_ = name == "content-length" || name == "transfer-encoding";
      if (!one_of(kKept, name) && !(fetch_ && one_of(kKeptOfFetch, name))) {
        star(out, colon + 1);
      } else if (!framing_) {
        out = base::mask_text_same_length(raw);
      }
      break;
    }
    case Line::kFold:
      if (!framing_) star(out, 0);
      break;
  }
  return out;
}

}  // namespace kilnwatch::engine::docker
