// A text as those read it who act on it: the rules of base/secrets.h look at this.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/secret_rules.h"

namespace kilnwatch::base {

// Lines that are joined are one line, JSON's \/ and \u0041 are the characters that they stand for
// (quotation marks and control characters stay escaped). Comments between joined lines stand at
// the end. Linear in the text, never longer than it by more than a newline for each of these.
class View {
 public:
  explicit View(std::string_view text);
  std::string& text() { return text_; }
  // Marks of the view's bytes as marks of the text they came from.
  Marks in_text(const Marks& marks, std::size_t size) const;

 private:
  void add(char c, std::size_t at, std::uint8_t size);
  void add_all(std::string_view text, std::size_t from, std::size_t to);
  std::size_t escaped(std::string_view text, std::size_t at, char escape, bool comment);
  std::size_t over_silent_lines(std::string_view text, std::size_t at);

  std::string text_;
  std::vector<std::size_t> at_;      // where each byte came from
  std::vector<std::uint8_t> sizes_;  // and how many it was there
  std::vector<std::pair<std::size_t, std::size_t>> comments_;
};

}  // namespace kilnwatch::base
