// The lines of a note that travels between hosts: "NAME VALUE".
#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include "base/text.h"
#include "detect/image_note.h"

namespace kilnwatch::detect {

class NoteWriter {
 public:
  // Nothing for what is empty. What does not fit any more is left out, and all that follows.
  void add(std::string_view name, std::string_view value);
  void add(std::string_view name, std::uint64_t value) { add(name, std::to_string(value)); }
  void add_each(std::string_view name, const std::vector<std::string>& values, std::size_t most);
  std::string take() { return std::move(text_); }

 private:
  std::string text_;
  bool full_ = false;
};

// Whoever wrote it: a value that is none of its kind spoils the whole.
class NoteReader {
 public:
  explicit NoteReader(std::string_view text) : rest_(text) {}
  // False: that was the last one.
  bool next();
  std::string_view name() const { return name_; }
  bool is_spoilt() const { return spoilt_; }

  // True, all of them: the line is read.
  bool take(std::string& to);
  bool take_each(std::vector<std::string>& to, std::size_t most);
  bool take(std::uint32_t& to) { return take_number(to, std::uint32_t(-1)); }
  bool take(std::uint16_t& to) { return take_number(to, std::uint16_t(-1)); }
  bool take(bool& to) { return take_number(to, true); }
  // ns since 1970.
  bool take_time(domain::TimeNs& to);
  template <class Word>
  bool take(Word& to, Word last) {
    return take_number(to, last);
  }

 private:
  // 0 when it is none, or beyond `most`.
  std::uint64_t number(std::uint64_t most);
  template <class Number>
  bool take_number(Number& to, Number last) {
    to = static_cast<Number>(number(static_cast<std::uint64_t>(last)));
    return true;
  }
  std::string_view rest_, name_, value_;
  bool spoilt_ = false;
};

// As tracker::short_hash makes them.
inline bool is_build_id(const std::string& id) { return base::is_hex(id); }

}  // namespace kilnwatch::detect
