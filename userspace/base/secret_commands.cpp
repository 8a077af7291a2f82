// Command lines: flags whose value is a secret or holds one, and words that are one by their place.
#include <algorithm>
#include <utility>
#include <vector>

#include "base/secret_flags.h"
#include "base/secret_rules.h"
#include "base/secrets.h"
#include "base/text.h"

namespace kilnwatch::base {
namespace {

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

// What the command so far says about the words to come.
struct Command {
  std::string_view tool;                 // the last one that is known
  std::size_t words_left = 0;            // words until the one that is a secret; 0: none is
  bool sets = false;                     // aws configure set NAME secret
  bool settings = false;                 // vault kv put PATH NAME=secret
  bool skip = false;                     // the next word is the value of a flag
  std::size_t echo = 0;                  // where the words of an echo begin; 0: it is none
  std::size_t input = 0, input_end = 0;  // echo's words, piped into this command
};

// A quotation that is open. What a program in it says is forgotten behind it.
struct Level {
  std::size_t end = 0;
  bool restore = false;
  Command saved;
};

class Walk {
 public:
  Walk(std::string_view text, Marks& marks) : t_(text), marks_(marks) {}
  void run();

 private:
  bool opens(std::size_t at) const;
  bool begins_word(std::size_t at) const;
  bool closes(std::size_t at) const { return !levels_.empty() && levels_.back().end == at; }
  void separator(std::size_t at);
  std::size_t next_value(std::size_t end) const;
  std::size_t word(std::size_t begin, std::size_t end);
  std::size_t flag(std::size_t begin, std::size_t end);
  std::size_t letters(std::size_t begin, std::size_t end);
  std::size_t value(std::size_t begin, std::size_t at, bool attached, Takes what);
  void mark_input();

  std::string_view t_;
  Marks& marks_;
  Command command_;
  std::vector<Level> levels_;
  std::size_t fresh_ = 0;     // behind the mark that opened the last quotation
  std::size_t flag_end_ = 0;  // behind the last flag
};

// A quotation begins at the start of a word, or as the value of a flag: not in "it's".
bool Walk::opens(std::size_t at) const {
  if (quote_at(t_, at).size == 0 || closes(at)) return false;
  if (at == 0 || t_[at] == '\0' || at == fresh_ || at == flag_end_) return true;
  return std::string_view(" \t\r\n=([{,:;|&", 12).find(t_[at - 1]) != std::string_view::npos ||
         t_[at - 1] == '\0';
}

// A word of the command line, not a part of one, begins here.
bool Walk::begins_word(std::size_t at) const {
  return at == 0 || at == fresh_ || is_blank(t_[at - 1]) ||
         std::string_view("(;|&`").find(t_[at - 1]) != std::string_view::npos;
}

// A new command begins.
void Walk::separator(std::size_t at) {
  if (!levels_.empty() && !levels_.back().restore) {
    levels_.back().restore = true;
    levels_.back().saved = command_;
  }
  const bool pipe = t_[at] == '|' && t_.substr(at + 1, 1) != "|" && (at == 0 || t_[at - 1] != '|');
  Command next;
  if (pipe && command_.echo != 0) {
    next.input = command_.echo;
    next.input_end = at;
  }
  command_ = next;
}

// Where the word behind a flag begins, past blanks or past the `", "` of a list; npos: there is
// none. NUL counts: the next argument.
std::size_t Walk::next_value(std::size_t end) const {
  const auto over = [this](std::size_t at, bool lines) {
    while (at < t_.size() && is_blank(t_[at]) && (lines || t_[at] != '\n')) ++at;
    return at;
  };
  if (end < t_.size() && is_blank(t_[end])) return over(end, false);
  if (!closes(end)) return t_.npos;
  const std::size_t behind = end + quote_at(t_, end).size;
  std::size_t at = over(behind, false);
  if (at < t_.size() && t_[at] == ',') return over(at + 1, true);
  return at == behind ? t_.npos : at;
}

// echo secret | docker login --password-stdin
void Walk::mark_input() {
  std::size_t at = command_.input;
  while (at < command_.input_end) {
    const auto text = t_.substr(0, command_.input_end);
    const std::size_t inside = at + quote_at(text, at).size;
    if (is_blank(text[at])) {
      ++at;
    } else if (inside < text.size() && (text[inside] == '%' || text[inside] == '$' ||
                                        (inside == at && text[inside] == '-'))) {
      at = std::max(value_end(text, at), at + 1);  // a format, a variable, a flag
    } else {
      at = std::max(mark_value(text, at, marks_), at + 1);
    }
  }
  command_.input = command_.input_end = 0;
}

// The word t[begin, end) or a part of one; returns where to go on.
std::size_t Walk::word(std::size_t begin, std::size_t end) {
  const auto text = t_.substr(begin, end - begin);
  if (command_.sets && names_secret(text) && !text.starts_with("credential.")) {
    if (const std::size_t at = next_value(end); at != t_.npos) {
      command_.sets = false;
      return value(begin, at, false, Takes::kSecret);
    }
  }
  if (!begins_word(begin)) return end;
  if (command_.settings && end < t_.size() && t_[end] == '=') {
    return std::max(mark_taken(t_, begin, argument_end(t_, begin), Takes::kSetting, marks_), end);
  }
  const bool whole = end == t_.size() || is_blank(t_[end]) || closes(end) || t_[end] == ')' ||
                     t_[end] == ';' || t_[end] == '|' || t_[end] == '&';
  if (std::exchange(command_.skip, false) || !whole) return end;
  const auto name = text.substr(text.rfind('/') + 1);
  if (command_.tool == "vault") {
    if (name == "login") command_.words_left = 1;
    if (name == "put" || name == "write" || name == "patch") command_.settings = true;
  } else if (is_tool(name)) {
    command_.tool = name;
  }
  if (name == "vault" || name == "htpasswd") command_.tool = name;
  if (name == "set" || name == "config" || name == "setenv") command_.sets = true;
  if (name == "chpasswd" || name == "passwd") mark_input();
  if (name == "password" && command_.tool == "mysqladmin") command_.words_left = 1;
  // composer config http-basic.host user secret
  if (command_.sets && name.starts_with("http-basic.")) command_.words_left = 2;
  if (name == "echo" || name == "printf") command_.echo = end;
  return end;
}

std::size_t Walk::value(std::size_t begin, std::size_t at, bool attached, Takes what) {
  const std::size_t bound = argument_end(t_, attached ? begin : at);
  return mark_taken(t_, at, bound, what, marks_);
}

// -p X, -pX, and letters that are joined, -itdeA=x.
std::size_t Walk::letters(std::size_t begin, std::size_t end) {
  const bool known = !command_.tool.empty();
  for (std::size_t i = begin + 1; i < end && is_letter(t_[i]); ++i) {
    Takes what = takes(command_.tool, t_[i]);
    // What most tools mean by it.
    if (!known && i == begin + 1) {
      const bool name = i + 1 < end && t_[i + 1] >= 'A' && t_[i + 1] <= 'Z';
      if (t_[i] == 'u' || t_[i] == 'U') what = Takes::kAccount;
      if (t_[i] == 'e' && (i + 1 == end || name)) what = Takes::kSetting;
    } else if (known && what == Takes::kUnknown && end == begin + 2 &&
               (t_[i] == 'u' || t_[i] == 'U')) {
      what = Takes::kAccount;
    }
    if (what == Takes::kUnknown) continue;
    const std::size_t behind = i + 1;
    const bool attached = behind < t_.size() && !is_blank(t_[behind]) && !closes(behind) &&
                          std::string_view(";|&)").find(t_[behind]) == std::string_view::npos;
    if (what == Takes::kOther || (what == Takes::kWord && end != begin + 2)) {
      command_.skip = !attached;
      return end;
    }
    const std::size_t at = attached ? behind + (t_[behind] == '=' ? 1 : 0) : next_value(behind);
    if (at == t_.npos || (what == Takes::kAttached && !attached)) return end;
    return value(begin, at, attached, what);
  }
  return end;
}

std::size_t Walk::flag(std::size_t begin, std::size_t end) {
  const auto text = t_.substr(begin, end - begin);
  if (text == "--password-stdin" || text == "--with-token" || text == "--stdin" || text == "-S") {
    mark_input();
  }
  if (command_.tool == "htpasswd" && !text.starts_with("--") && text.find('b') != text.npos) {
    command_.words_left = text.find('n') == text.npos ? 3 : 2;
  }
  if (!text.starts_with("--")) {
    const std::size_t next = letters(begin, end);
    if (next != end || command_.skip) return next;
  }
  const Takes what = takes_named(text);
  // --user of these is a user and a group.
  if (what == Takes::kUnknown || (text == "--user" && takes(command_.tool, 'u') == Takes::kOther)) {
    return end;
  }
  if (end < t_.size() && t_[end] == '=') {
    // A secret after '=' is an assignment.
    return what == Takes::kSecret ? end : value(begin, end + 1, true, what);
  }
  const std::size_t at = next_value(end);
  return at == t_.npos ? end : value(begin, at, false, what);
}

void Walk::run() {
  constexpr std::size_t kDeepest = 6;  // quotations in one another that are told apart
  for (std::size_t i = 0; i < t_.size();) {
    while (!levels_.empty() && i >= levels_.back().end) {
      if (levels_.back().restore) command_ = levels_.back().saved;
      levels_.pop_back();
    }
    const char c = t_[i];
    if (opens(i)) {
      const Quote quote = quote_at(t_, i);
      const std::size_t behind = i + quote.size;
      if (levels_.size() < kDeepest) {
        const auto bounded = t_.substr(0, levels_.empty() ? t_.npos : levels_.back().end);
        levels_.push_back({quotation_end(bounded, behind, quote), false, {}});
      }
      i = fresh_ = behind;
      continue;
    }
    if (c == ';' || c == '|' || c == '\n' ||
        (c == '&' && (t_.substr(i + 1, 1) == "&" || t_.substr(i + 1, 1) == " "))) {
      separator(i);
    }
    if (command_.words_left > 0 && begins_word(i) && !is_blank(c) && c != '-' && c != '<' &&
        quote_at(t_, i).size == 0 && --command_.words_left == 0) {
      const std::size_t end =
          i == fresh_ && !levels_.empty() ? levels_.back().end : value_end(t_, i);
      if (t_.substr(i, end - i).find('=') == t_.npos) {
        i == fresh_ ? mark(t_, marks_, i, end) : static_cast<void>(mark_value(t_, i, marks_));
        i = std::max(end, i + 1);
        continue;
      }
    }
    // printf 'a\n-p': the letter belongs to what is before it.
    const bool escaped = i > 1 && t_[i - 2] == '\\' && t_[i - 1] == 'n';
    const bool starts = i == 0 || escaped || (!is_name_char(t_[i - 1]) && t_[i - 1] != '/');
    if (!starts || !(is_name_char(c) || c == '/')) {
      ++i;
      continue;
    }
    std::size_t end = i;
    while (end < t_.size() && (is_name_char(t_[end]) || (c != '-' && t_[end] == '/'))) ++end;
    const bool is_flag = c == '-';
    std::size_t next = is_flag ? flag(i, end) : word(i, end);
    if (is_flag) flag_end_ = end;
    i = std::max(next, i + 1);
  }
}

}  // namespace

void mark_commands(std::string_view text, Marks& marks) { Walk(text, marks).run(); }

}  // namespace kilnwatch::base
