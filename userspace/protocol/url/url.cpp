#include "protocol/url/url.h"

#include <algorithm>
#include <cctype>

#include "base/text.h"

namespace kilnwatch::protocol {
namespace {

int hex(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

struct Decoded {
  std::string text;
  std::vector<std::size_t> at;  // of each byte of text: where it began
};

std::optional<Decoded> decode(std::string_view text, bool plus, bool places) {
  Decoded out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (places) out.at.push_back(i);
    if (text[i] == '%') {
      if (i + 2 >= text.size() || hex(text[i + 1]) < 0 || hex(text[i + 2]) < 0) return std::nullopt;
      out.text += static_cast<char>(hex(text[i + 1]) * 16 + hex(text[i + 2]));
      i += 2;
    } else {
      out.text += plus && text[i] == '+' ? ' ' : text[i];
    }
  }
  if (places) out.at.push_back(text.size());
  return out;
}

// The scheme that ends before the returned place; 0: there is none.
std::size_t scheme_end(std::string_view target) {
  for (std::size_t i = 0; i < target.size(); ++i) {
    const char c = target[i];
    if (c == ':') return i;
    const bool letter = std::isalpha(static_cast<unsigned char>(c)) != 0;
    const bool other = (c >= '0' && c <= '9') || c == '+' || c == '-' || c == '.';
    if (!letter && (!other || i == 0)) return 0;
  }
  return 0;
}

}  // namespace

std::optional<std::string> percent_decode(std::string_view text, bool plus) {
  auto decoded = decode(text, plus, false);
  if (!decoded) return std::nullopt;
  return std::move(decoded->text);
}

void Query::visit(std::string_view key, const Visit& visit, bool folded) const {
  const auto is_key = [&](const std::string& name) {
    return folded ? base::lower(name) == key : name == key;
  };
  for (std::string_view text : texts_) {
    while (!text.empty()) {
      const auto pair = text.substr(0, text.find('&'));
      text.remove_prefix(std::min(text.size(), pair.size() + 1));
      if (pair.empty() || pair.find(';') != pair.npos) continue;
      const auto equals = std::min(pair.find('='), pair.size());
      if (equals > 3 * key.size()) continue;
      const auto name = percent_decode(pair.substr(0, equals), true);
      if (!name || !is_key(*name)) continue;
      auto value = percent_decode(pair.substr(std::min(pair.size(), equals + 1)), true);
      if (value && !visit(std::move(*value))) return;
    }
  }
  for (const auto& [name, value] : pairs_) {
    if (is_key(name) && !visit(std::string(value))) return;
  }
}

std::string Query::first(std::string_view key) const {
  std::string found;
  visit(key, [&](std::string&& value) {
    found = std::move(value);
    return false;
  });
  return found;
}

std::vector<std::string> Query::all(std::string_view key, std::size_t limit) const {
  std::vector<std::string> out;
  visit(key, [&](std::string&& value) {
    out.push_back(std::move(value));
    return out.size() < limit;
  });
  return out;
}

std::string Query::last_folded(std::string_view key) const {
  std::string found;
  visit(
      key,
      [&](std::string&& value) {
        found = std::move(value);
        return true;
      },
      true);
  return found;
}

std::vector<std::string> Query::all_folded(std::string_view key, std::size_t limit) const {
  std::vector<std::string> out;
  visit(
      key,
      [&](std::string&& value) {
        out.push_back(std::move(value));
        return out.size() < limit;
      },
      true);
  return out;
}

std::optional<Target> parse_target(std::string_view target) {
  const auto scheme = scheme_end(target);
  if (scheme > 0) target.remove_prefix(scheme + 1);
  if (!target.starts_with('/')) return std::nullopt;
  const auto mark = std::min(target.find('?'), target.size());
  auto path = target.substr(0, mark);
  if (scheme > 0 && path.starts_with("//")) {
    path.remove_prefix(2);
    path.remove_prefix(std::min(path.find('/'), path.size()));
  }
  auto decoded = percent_decode(path, false);
  if (!decoded) return std::nullopt;
  return Target{std::move(*decoded), std::string(target.substr(std::min(target.size(), mark + 1))),
                std::string(path)};
}

std::string mask_pairs(std::string_view text, const Judge& judge) {
  std::string out(text);
  for (std::size_t from = 0; from < text.size();) {
    const auto end = std::min(text.find('&', from), text.size());
    const auto equals = std::min(text.find('=', from), end);
    if (equals < end) {
      const auto key = percent_decode(text.substr(from, equals - from), true);
      const auto value = decode(text.substr(equals + 1, end - equals - 1), true, true);
      const auto star = [&](std::size_t a, std::size_t b) {
        for (auto i = equals + 1 + a; i < equals + 1 + b; ++i) out[i] = '*';
      };
      if (!key || !value) {
        star(0, end - equals - 1);
      } else {
        const auto safe = judge(*key, value->text);
        for (std::size_t i = 0; i < value->text.size(); ++i) {
          if (i >= safe.size() || safe[i] != value->text[i]) star(value->at[i], value->at[i + 1]);
        }
      }
    }
    from = end + 1;
  }
  return out;
}

}  // namespace kilnwatch::protocol
