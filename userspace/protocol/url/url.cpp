#include "protocol/url/url.h"

#include <algorithm>

namespace kilnwatch::protocol {
namespace {

int hex(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

}  // namespace

std::optional<std::string> percent_decode(std::string_view text, bool plus) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%') {
      if (i + 2 >= text.size() || hex(text[i + 1]) < 0 || hex(text[i + 2]) < 0) return std::nullopt;
      out += static_cast<char>(hex(text[i + 1]) * 16 + hex(text[i + 2]));
      i += 2;
    } else {
      out += plus && text[i] == '+' ? ' ' : text[i];
    }
  }
  return out;
}

std::string Query::first(std::string_view key) const {
  const auto found =
      std::find_if(pairs.begin(), pairs.end(), [&](const auto& p) { return p.first == key; });
  return found == pairs.end() ? std::string() : found->second;
}

std::vector<std::string> Query::all(std::string_view key) const {
  std::vector<std::string> out;
  for (const auto& [name, value] : pairs) {
    if (name == key) out.push_back(value);
  }
  return out;
}

Query parse_query(std::string_view text) {
  Query query;
  if (static_cast<std::size_t>(std::count(text.begin(), text.end(), '&')) >= kMaxPairs)
    return query;
  while (!text.empty()) {
    const auto pair = text.substr(0, text.find('&'));
    text.remove_prefix(std::min(text.size(), pair.size() + 1));
    if (pair.empty() || pair.find(';') != pair.npos) continue;
    const auto equals = std::min(pair.find('='), pair.size());
    auto key = percent_decode(pair.substr(0, equals), true);
    auto value = percent_decode(pair.substr(std::min(pair.size(), equals + 1)), true);
    if (key && value) query.pairs.emplace_back(std::move(*key), std::move(*value));
  }
  return query;
}

std::optional<Target> parse_target(std::string_view target) {
  if (!target.starts_with('/')) {
    const auto scheme = target.find("://");
    if (scheme == target.npos) return std::nullopt;
    target.remove_prefix(scheme + 3);
    target.remove_prefix(std::min(target.find_first_of("/?"), target.size()));
  }
  target = target.substr(0, target.find('#'));
  const auto mark = std::min(target.find('?'), target.size());
  auto path = percent_decode(target.substr(0, mark), false);
  if (!path) return std::nullopt;
  return Target{std::move(*path), std::string(target.substr(std::min(target.size(), mark + 1)))};
}

}  // namespace kilnwatch::protocol
