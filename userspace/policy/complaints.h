// What is wrong with a configuration, with its places; the walk over its tree.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "policy/tree.h"

namespace kilnwatch::policy {

// The known word that `word` is most likely meant to be; empty: none is close.
std::string nearest(std::string_view word, const std::vector<std::string_view>& known);

class Complaints {
 public:
  explicit Complaints(std::string file) : file_(std::move(file)) {}

  using Take = std::function<void(const Node&)>;
  using Keys = std::map<std::string_view, Take>;

  // The first of the file is told, the others are counted.
  void add(Place place, const std::string& what);
  std::optional<base::Error> first() const;

  // Each key's value goes to its Take; `where` names the map. An unknown key, a key without value
  // and another thing than a map are complained of.
  void keys(const Node& map, const std::string& where, const Keys& known);
  // A list with up to `most` items.
  void items(const Node& list, const std::string& where, std::size_t most, const Take& take);
  // Nothing, complained of: no word, or an empty one.
  std::optional<std::string> word(const Node& node, const std::string& where);
  // One of `known`, else complained of.
  template <class T>
  std::optional<T> one_of(const Node& node, const std::string& where,
                          const std::map<std::string_view, T>& known) {
    const auto text = word(node, where);
    if (!text) return std::nullopt;
    if (const auto found = known.find(*text); found != known.end()) return found->second;
    std::vector<std::string_view> names;
    for (const auto& [name, value] : known) names.push_back(name);
    unknown(node.place, "'" + *text + "' is no value of " + where, *text, names);
    return std::nullopt;
  }
  // What a reader of values made of the word; its error is complained of.
  template <class T>
  std::optional<T> value(const Node& node, const std::string& where,
                         base::Result<T> (*read)(const std::string&)) {
    const auto text = word(node, where);
    if (!text) return std::nullopt;
    const auto result = read(*text);
    if (result) return *result;
    add(node.place, where + ": " + result.error().message);
    return std::nullopt;
  }

 private:
  void unknown(Place place, const std::string& what, std::string_view word,
               const std::vector<std::string_view>& known);

  std::string file_;
  std::optional<Place> place_;
  std::string what_;
  std::size_t more_ = 0;
};

}  // namespace kilnwatch::policy
