#include "policy/tree.h"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <exception>
#include <optional>
#include <sstream>

#include "base/utf8.h"
#include "policy/limits.h"

namespace kilnwatch::policy {
namespace {

// Stops the library's parser; caught in read_tree.
struct Stop {
  Place place;
  std::string what;
};

Place place_of(const YAML::Mark& mark) {
  if (mark.is_null()) return {};
  return {static_cast<unsigned>(mark.line) + 1, static_cast<unsigned>(mark.column) + 1};
}

class Builder final : public YAML::EventHandler {
 public:
  void OnDocumentStart(const YAML::Mark& mark) override {
    if (++documents_ > 1)
      throw Stop{place_of(mark), "a second document begins; keep one, without '---' between"};
  }
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    add(NodeKind::kNothing, mark, "", anchor, "");
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override {
    throw Stop{place_of(mark), "aliases (*name) are not taken; write the value out"};
  }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    add(NodeKind::kWord, mark, tag, anchor, value);
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    open(NodeKind::kList, mark, tag, anchor);
  }
  void OnSequenceEnd() override { open_.pop_back(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    open(NodeKind::kMap, mark, tag, anchor);
  }
  void OnMapEnd() override { open_.pop_back(); }

  Node take() { return std::move(root_); }

 private:
  Node& add(NodeKind kind, const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
            const std::string& word) {
    const Place place = place_of(mark);
    if (anchor != YAML::NullAnchor)
      throw Stop{place, "anchors (&name) are not taken; write the value out where it is needed"};
    // "?" plain, "!" quoted.
    if (!tag.empty() && tag != "?" && tag != "!")
      throw Stop{place, "the tag " + tag + " is not taken; remove it"};
    if (word.size() > kMaxWord) {
      throw Stop{place, "a value of " + std::to_string(word.size()) + " bytes; at most " +
                            std::to_string(kMaxWord) + " are taken"};
    }
    if (++nodes_ > kMaxNodes) throw Stop{place, "too many values; remove what is not needed"};
    if (open_.empty()) {
      root_ = Node{kind, place, word, {}};
      return root_;
    }
    Node& parent = *open_.back();
    if (parent.kind == NodeKind::kMap && parent.items.size() % 2 == 0)
      check_key(parent, kind, place, word);
    parent.items.push_back({kind, place, word, {}});
    return parent.items.back();
  }

  static void check_key(const Node& map, NodeKind kind, Place place, const std::string& word) {
    if (kind != NodeKind::kWord) throw Stop{place, "a key must be a word; write 'key: value'"};
    if (map.items.size() / 2 >= kMaxKeys) throw Stop{place, "too many keys; remove some"};
    for (std::size_t i = 0; i < map.items.size(); i += 2) {
      if (map.items[i].word != word) continue;
      throw Stop{place, "'" + word + "' is here a second time, after line " +
                            std::to_string(map.items[i].place.line) +
                            "; put both into one, or remove one"};
    }
  }

  void open(NodeKind kind, const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor) {
    if (open_.size() >= kMaxDepth)
      throw Stop{place_of(mark), "lists and maps stand too deep in each other; flatten them"};
    // The pointer holds until its parent grows, which is after this one is closed.
    open_.push_back(&add(kind, mark, tag, anchor, ""));
  }

  Node root_;
  std::vector<Node*> open_;
  std::size_t nodes_ = 0;
  std::size_t documents_ = 0;
};

// What an editor would not show could say something else than what is read, or nothing.
std::optional<Stop> hidden_text(std::string_view text) {
  Place place;
  bool indent = true;
  std::optional<Place> tab;
  while (!text.empty()) {
    const base::Character c = base::first_character(text);
    if (!c.valid) return Stop{place, "a byte that is not UTF-8; save the file as UTF-8"};
    const bool blank = c.code == '\n' || c.code == '\t' || c.code == '\r';
    if (!blank && base::invisible(c.code))
      return Stop{place, "an invisible character (" + base::visible(text.substr(0, c.size)) +
                             "); remove it"};
    // The library tells of it somewhere else, and in other words.
    if (indent && c.code == '\t' && !tab) tab = place;
    if (tab && !blank && c.code != ' ' && c.code != '#')
      return Stop{*tab, "a tab in front of a line; indent with blanks"};
    if (!blank && c.code != ' ') indent = false;
    if (c.code == '\n') {
      indent = true;
      tab.reset();
    }
    if (!indent) tab.reset();
    place = c.code == '\n' ? Place{place.line + 1, 1} : Place{place.line, place.column + 1};
    text.remove_prefix(c.size);
  }
  return std::nullopt;
}

}  // namespace

base::Error error_at(const std::string& file, Place place, const std::string& what) {
  return {base::ErrorClass::kUsage, file + ":" + std::to_string(place.line) + ":" +
                                        std::to_string(place.column) + ": " + what};
}

base::Result<Node> read_tree(const std::string& text, const std::string& file) {
  if (text.size() > kMaxFile) {
    return error_at(file, {},
                    "the file has more than " + std::to_string(kMaxFile) +
                        " bytes; shorten its lists, networks hold many addresses");
  }
  if (const auto hidden = hidden_text(text)) return error_at(file, hidden->place, hidden->what);
  try {
    std::istringstream in(text);
    YAML::Parser parser(in);
    Builder builder;
    while (parser.HandleNextDocument(builder)) {
    }
    return builder.take();
  } catch (const Stop& stop) {
    return error_at(file, stop.place, stop.what);
  } catch (const YAML::Exception& error) {
    return error_at(file, place_of(error.mark),
                    "this is no YAML: " + error.msg +
                        "; indent with blanks, one 'key: value' a line, and put values that hold "
                        "any of *&:#[]{}! into quotes");
  } catch (const std::exception& error) {
    return error_at(file, {},
                    std::string("the file cannot be read as YAML: ") + error.what() +
                        "; look for what is unusual in it");
  }
}

}  // namespace kilnwatch::policy
