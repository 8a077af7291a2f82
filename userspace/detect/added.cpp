#include "detect/added.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <string_view>
#include <utility>

#include "base/text.h"
#include "base/variables.h"
#include "detect/words.h"
#include "tracker/vertices.h"

namespace kilnwatch::detect {

using namespace domain;

namespace {

constexpr std::size_t kMaxValue = 256;  // bytes: hosts, ports, parts of a path
constexpr std::size_t kMaxUrl = 2048;   // bytes; a longer one stays as it is written

// As a shell word: quotation marks and backslashes go.
std::string unquoted(std::string_view word) {
  std::string out(word);
  std::erase_if(out, [](char c) { return c == '"' || c == '\'' || c == '\\'; });
  return out;
}

// What variables of a Dockerfile have, as far as it says so itself. One that has several values
// (ENV goes before ARG, and each stage has its own) has none that is known.
class Variables {
 public:
  // `given`: arguments to which the request gives another value, that is not kept.
  explicit Variables(const std::vector<std::string>& given) : given_(given) {}

  // `rest` of an instruction ARG or ENV: NAME=VALUE…, or NAME VALUE.
  void set(std::string_view keyword, std::string_view rest) {
    rest.remove_prefix(std::min(rest.find_first_not_of(" \t"), rest.size()));
    const std::size_t blank = std::min(rest.find_first_of(" \t"), rest.size());
    if (keyword == "env" && !contains(rest.substr(0, blank), "="))
      return set_one(rest.substr(0, blank), rest.substr(std::min(blank + 1, rest.size())));
    while (!rest.empty()) {
      const std::string_view word = rest.substr(0, rest.find_first_of(" \t"));
      rest.remove_prefix(std::min(word.size() + 1, rest.size()));
      const std::size_t equals = word.find('=');
      if (equals == word.npos) continue;  // ARG NAME: as it was declared above the first FROM
      const std::string_view name = word.substr(0, equals);
      const bool given = std::find(given_.begin(), given_.end(), name) != given_.end();
      if (keyword == "arg" && given)
        lose(name);
      else
        set_one(name, word.substr(equals + 1));
    }
  }

  std::string expand(std::string_view word) const {
    if (word.size() > kMaxUrl || !contains(word, "$")) return std::string(word);
    std::string out = base::expand(word, [this](const std::string& name) {
      const auto known = values_.find(name);
      return known == values_.end() || !known->second ? nullptr : &*known->second;
    });
    return out.size() > kMaxUrl ? std::string(word) : out;
  }

 private:
  void lose(std::string_view name) {
    if (values_.size() < kMaxVariables || values_.contains(std::string(name)))
      values_[std::string(name)].reset();
  }
  void set_one(std::string_view name, std::string_view value) {
    std::string text = expand(unquoted(value));
    const auto known = values_.find(std::string(name));
    const bool another = known != values_.end() && known->second != text;
    if (another || text.size() > kMaxValue || contains(text, "$")) return lose(name);
    if (values_.size() < kMaxVariables) values_[std::string(name)] = std::move(text);
  }

  const std::vector<std::string>& given_;
  std::map<std::string, std::optional<std::string>> values_;
};

// Words of an instruction, of the shell's form or as a list of JSON, without flags and the texts
// behind it.
std::vector<std::string> words_of(std::string_view rest) {
  rest = rest.substr(0, rest.find('\n'));
  rest.remove_prefix(std::min(rest.find_first_not_of(" \t"), rest.size()));
  const std::string_view between = rest.starts_with('[') ? " \t[]\"," : " \t";
  std::vector<std::string> out;
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find_first_of(between), rest.size());
    std::string word = unquoted(rest.substr(0, end));
    rest.remove_prefix(std::min(end + 1, rest.size()));
    if (!word.empty() && !word.starts_with("--") && !word.starts_with("<<"))
      out.push_back(std::move(word));
  }
  return out;
}

bool is_unknown(char c) {
  return c == '$' || c == '*' || c == '%' || static_cast<unsigned char>(c) > 126;
}

}  // namespace

bool is_url(const AddedFile& file) {
  return contains(file.url, "://") || file.url.starts_with("git@");
}

bool is_open(const std::string& host) {
  return host.empty() || std::any_of(host.begin(), host.end(), is_unknown);
}

Added added_files(const Build& build) {
  Added out;
  std::set<std::string> urls;
  Variables variables(build.request.build_arg_names);
  // BuildKit fills in what a Dockerfile leaves open.
  const bool told = !build.added.empty() && build.added.size() < tracker::kMaxAdded;
  const auto take = [&](std::string_view rest, bool filled) {
    auto words = words_of(rest);
    if (words.size() < 2) return;
    const std::string target = variables.expand(words.back());
    words.pop_back();
    for (const std::string& word : words) {
      AddedFile file{variables.expand(word), target};
      const bool may_be = file.url.starts_with('$') || file.url.starts_with('*');
      if (!may_be && !is_url(file)) continue;
      if (!filled && told && contains(file.url, "$")) continue;
      if (out.files.size() >= kMaxAddedFiles) {
        out.whole = false;
        return;
      }
      if (urls.insert(file.url + " " + target).second) out.files.push_back(std::move(file));
    }
  };
  const auto read = [&](std::string_view rest, bool filled) {
    std::string keyword = base::lower(next_word(rest));
    if (keyword == "onbuild") keyword = base::lower(next_word(rest));
    if (keyword == "arg" || keyword == "env")
      variables.set(keyword, rest.substr(0, rest.find('\n')));
    if (keyword == "add") take(rest, filled);
  };
  if (build.dockerfile) {
    for (const Instruction& instruction : build.dockerfile->instructions)
      read(instruction.text, false);
  }
  for (const std::string& text : build.added) read(text, true);
  return out;
}

}  // namespace kilnwatch::detect
