// YAML → a small tree with places, within limits. The only file that knows the YAML library.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace kilnwatch::policy {

struct Place {  // both from 1
  unsigned line = 1;
  unsigned column = 1;
};

enum class NodeKind : std::uint8_t { kNothing, kWord, kList, kMap };

struct Node {
  NodeKind kind = NodeKind::kNothing;
  Place place;
  std::string word;
  std::vector<Node> items;  // of a map: key, value, key, value …; keys are words, each one once
};

// "FILE:LINE:COLUMN: WHAT".
base::Error error_at(const std::string& file, Place place, const std::string& what);

// kUsage, with its place in `file` (a name only): no YAML, several documents, anchors and aliases,
// tags, a key twice, invisible characters, beyond a limit. An empty text is kNothing.
base::Result<Node> read_tree(const std::string& text, const std::string& file);

}  // namespace kilnwatch::policy
