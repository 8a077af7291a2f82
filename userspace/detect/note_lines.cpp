#include "detect/note_lines.h"

#include <algorithm>

#include "base/number.h"
#include "base/utf8.h"
#include "fleet/fleet.h"

namespace kilnwatch::detect {

void NoteWriter::add(std::string_view name, std::string_view value) {
  if (value.empty() || full_) return;
  std::string line(value.substr(0, kMaxNoteLine));
  std::replace(line.begin(), line.end(), '\n', ' ');
  full_ = text_.size() + name.size() + line.size() + 2 > fleet::kMaxNote;
  if (!full_) text_ += std::string(name) + " " + line + "\n";
}

void NoteWriter::add_each(std::string_view name, const std::vector<std::string>& values,
                          std::size_t most) {
  for (std::size_t n = 0; n < std::min(values.size(), most); ++n) add(name, values[n]);
}

bool NoteReader::next() {
  if (rest_.empty()) return false;
  const auto end = std::min(rest_.find('\n'), rest_.size());
  const std::string_view line = rest_.substr(0, end);
  rest_.remove_prefix(std::min(end + 1, rest_.size()));
  const auto blank = std::min(line.find(' '), line.size());
  name_ = line.substr(0, blank);
  value_ = line.substr(std::min(blank + 1, line.size()));
  return true;
}

bool NoteReader::take(std::string& to) {
  to = base::valid_utf8(std::string(value_.substr(0, kMaxNoteLine)));
  return true;
}

bool NoteReader::take_each(std::vector<std::string>& to, std::size_t most) {
  std::string one;
  if (take(one) && to.size() < most) to.push_back(std::move(one));
  return true;
}

bool NoteReader::take_time(domain::TimeNs& to) {
  // Beyond it sums would be none.
  constexpr domain::TimeNs kLast = ~domain::TimeNs{0} / 4;
  to = number(kLast);
  return true;
}

std::uint64_t NoteReader::number(std::uint64_t most) {
  const auto value = base::number_of<std::uint64_t>(value_);
  spoilt_ = spoilt_ || !value || *value > most;
  return spoilt_ ? 0 : *value;
}

}  // namespace kilnwatch::detect
