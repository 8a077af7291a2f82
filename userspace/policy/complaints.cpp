#include "policy/complaints.h"

#include <algorithm>
#include <numeric>
#include <tuple>
#include <utility>

#include "base/text.h"

namespace kilnwatch::policy {
namespace {

constexpr std::size_t kMaxGuess = 64;  // bytes of a word that is compared

// Letters to change, add, leave out or swap with their neighbour.
std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> before, last(b.size() + 1);
  std::iota(last.begin(), last.end(), 0);
  for (std::size_t i = 0; i < a.size(); ++i) {
    std::vector<std::size_t> row{i + 1};
    for (std::size_t j = 0; j < b.size(); ++j) {
      row.push_back(std::min({row[j] + 1, last[j + 1] + 1, last[j] + (a[i] == b[j] ? 0 : 1)}));
      if (i > 0 && j > 0 && a[i] == b[j - 1] && a[i - 1] == b[j])
        row.back() = std::min(row.back(), before[j - 1] + 1);
    }
    before = std::exchange(last, std::move(row));
  }
  return last.back();
}

const char* kind_of(const Node& node) {
  switch (node.kind) {
    case NodeKind::kList:
      return "a list";
    case NodeKind::kMap:
      return "keys with values";
    case NodeKind::kWord:
      return "a single value";
    case NodeKind::kNothing:
      break;
  }
  return "nothing";
}

}  // namespace

std::string nearest(std::string_view word, const std::vector<std::string_view>& known) {
  if (word.size() > kMaxGuess) return {};
  const std::string meant = base::lower(word);
  std::string_view best;
  std::size_t least = 1 + (meant.size() + 2) / 3;
  for (const std::string_view name : known) {
    const std::size_t far = distance(meant, name);
    if (far < least) std::tie(least, best) = std::tuple(far, name);
  }
  return std::string(best);
}

void Complaints::add(Place place, const std::string& what) {
  if (place_) ++more_;
  if (place_ && std::tie(place_->line, place_->column) <= std::tie(place.line, place.column))
    return;
  place_ = place;
  what_ = what;
}

std::optional<base::Error> Complaints::first() const {
  if (!place_) return std::nullopt;
  const std::string more =
      more_ == 0 ? "" : " (and " + std::to_string(more_) + " more further down)";
  return error_at(file_, *place_, what_ + more);
}

void Complaints::unknown(Place place, const std::string& what, std::string_view word,
                         const std::vector<std::string_view>& known) {
  const std::string meant = nearest(word, known);
  if (!meant.empty()) return add(place, what + "; did you mean '" + meant + "'?");
  std::string all;
  for (const auto& name : known) all += (all.empty() ? "" : ", ") + std::string(name);
  add(place, what + "; there are: " + all);
}

void Complaints::keys(const Node& map, const std::string& where, const Keys& known) {
  if (map.kind != NodeKind::kMap) {
    return add(map.place, where + " is " + kind_of(map) + "; write keys with values, as in '" +
                              std::string(known.begin()->first) + ": …'");
  }
  for (std::size_t i = 0; i + 1 < map.items.size(); i += 2) {
    const Node& key = map.items[i];
    const Node& value = map.items[i + 1];
    const auto found = known.find(key.word);
    if (found == known.end()) {
      std::vector<std::string_view> names;
      for (const auto& [name, take] : known) names.push_back(name);
      unknown(key.place, "'" + key.word + "' is no key of " + where, key.word, names);
    } else if (value.kind == NodeKind::kNothing) {
      add(key.place, "'" + key.word + "' has no value; write one, or remove the key");
    } else {
      found->second(value);
    }
  }
}

void Complaints::items(const Node& list, const std::string& where, std::size_t most,
                       const Take& take) {
  if (list.kind != NodeKind::kList) {
    return add(list.place,
               where + " is " + kind_of(list) + "; write a list, each item behind '- '");
  }
  for (std::size_t i = 0; i < list.items.size(); ++i) {
    const Node& item = list.items[i];
    if (i >= most) {
      return add(item.place, where + " has more than " + std::to_string(most) +
                                 " items; remove some, or put several into one");
    }
    if (item.kind == NodeKind::kNothing) {
      add(item.place, where + " has an item with nothing in it; fill it in, or remove it");
    } else {
      take(item);
    }
  }
}

std::optional<std::string> Complaints::word(const Node& node, const std::string& where) {
  if (node.kind == NodeKind::kWord && !node.word.empty()) return node.word;
  const std::string found = node.kind == NodeKind::kWord ? "empty" : kind_of(node);
  add(node.place, where + " is " + found + "; write a single value");
  return std::nullopt;
}

}  // namespace kilnwatch::policy
