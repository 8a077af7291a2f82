// Request targets as Go's net/url reads them, because the engines are Go programs.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace kilnwatch::protocol {

// Percent-decoding; nothing when an escape is bad. `plus`: '+' is a space (queries, not paths).
std::optional<std::string> percent_decode(std::string_view text, bool plus);

// Parameters of several texts in the order in which Request.FormValue looks at them. Texts are kept
// as sent and read on demand: an engine older than Go 1.25 takes any number of pairs.
// url.ParseQuery: split at '&' only; a pair with a raw ';' or a bad escape is dropped.
class Query {
 public:
  void add(std::string_view text) { texts_.emplace_back(text); }
  void add(const Query& other) {
    texts_.insert(texts_.end(), other.texts_.begin(), other.texts_.end());
    pairs_.insert(pairs_.end(), other.pairs_.begin(), other.pairs_.end());
  }
  // One pair that needs no decoding.
  void add(std::string key, std::string value) {
    pairs_.emplace_back(std::move(key), std::move(value));
  }
  // First value of the key, empty when it is not there. Pairs come after texts.
  std::string first(std::string_view key) const;
  std::vector<std::string> all(std::string_view key, std::size_t limit) const;
  // As gorilla/schema looks them up: keys (here in lower case) match in any letter case, and of a
  // single value the last one counts.
  std::string last_folded(std::string_view key) const;
  std::vector<std::string> all_folded(std::string_view key, std::size_t limit) const;
  std::size_t held_bytes() const {
    std::size_t sum = 0;
    for (const auto& text : texts_) sum += text.capacity();
    for (const auto& [key, value] : pairs_) sum += key.capacity() + value.capacity();
    return sum;
  }

 private:
  using Visit = std::function<bool(std::string&& value)>;  // false: enough
  void visit(std::string_view key, const Visit& visit, bool folded = false) const;

  std::vector<std::string> texts_;
  std::vector<std::pair<std::string, std::string>> pairs_;
};

struct Target {
  std::string path;     // decoded
  std::string query;    // as sent
  std::string written;  // the path as sent
};

// url.ParseRequestURI: origin form, or absolute form with or without an authority (RFC 9112 section
// 3.2); '#' is an ordinary byte. Nothing when the path cannot be decoded.
std::optional<Target> parse_target(std::string_view target);

// The text of a query or form with some bytes replaced by '*', byte for byte. `judge` gets a
// decoded key and a decoded value and returns the value with its secret bytes replaced, equal in
// length. A value that cannot be decoded is replaced as a whole.
using Judge = std::function<std::string(std::string_view key, std::string_view value)>;
std::string mask_pairs(std::string_view text, const Judge& judge);

// Value of `name` in "type; a=b; name="c"" (mime.ParseMediaType as far as it matters); nothing when
// it is not there.
std::optional<std::string> header_parameter(std::string_view header, std::string_view name);

// Parts of a multipart/form-data body that are no files, as far as they are there (Go
// mime/multipart). `content_type` is the field's value; empty when it is of another type.
std::vector<std::pair<std::string, std::string>> parse_multipart(std::string_view content_type,
                                                                 std::string_view body);

}  // namespace kilnwatch::protocol
