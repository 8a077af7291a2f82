// Entries of the baseline as lines: of JSON for programs, of a table for people.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "baseline/store.h"

namespace kilnwatch::app {

inline constexpr std::size_t kMaxLine = 4096;  // bytes: any entry, also with its letters escaped

// With a newline.
std::string json_line(const baseline::Entry& entry);
std::string table_head();
std::string table_line(const baseline::Entry& entry);

// "2026-11-24 12:00:00Z"
std::string time_text(baseline::Seconds time);

// kInput: "line N: what is wrong".
base::Result<baseline::Entry> read_line(const std::string& line, std::size_t number,
                                        baseline::Seconds now);

// The lines of a whole text in order; empty ones are skipped.
class LineReader {
 public:
  explicit LineReader(baseline::Seconds now) : now_(now) {}
  // The next bytes of the text.
  base::Status feed(std::string_view bytes);
  // The text is over: a last line needs no newline.
  base::Status finish();
  std::vector<baseline::Entry> take() { return std::move(entries_); }

 private:
  base::Status line();
  baseline::Seconds now_;
  std::string line_;
  std::size_t number_ = 0;
  std::vector<baseline::Entry> entries_;
};

}  // namespace kilnwatch::app
