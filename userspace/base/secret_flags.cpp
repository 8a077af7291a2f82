// Flags of commands whose value is a secret, or holds one.
#include <algorithm>
#include <cstdint>

#include "base/secret_rules.h"
#include "base/secrets.h"

namespace kilnwatch::base {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool all_digits(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), is_digit);
}

// Past the blanks behind a flag. NUL counts: the next argument.
std::size_t next_word(std::string_view t, std::size_t at) {
  while (at < t.size() && is_blank(t[at]) && t[at] != '\n') ++at;
  return at;
}

// NAME=secret after -e, --env, --build-arg: whatever the name says.
std::size_t mark_setting(std::string_view t, std::size_t at, std::size_t bound, Marks& marks) {
  const Quote around = bound != t.npos ? Quote{} : quote_at(t, at);
  std::size_t i = at + around.size;
  const std::size_t begin = i;
  while (i < t.size() && is_name_char(t[i])) ++i;
  if (i == begin || is_digit(t[begin]) || i >= t.size() || t[i] != '=') return at;
  ++i;
  if (bound == t.npos && around.size == 0) return mark_value(t, i, marks);
  const std::size_t end = bound != t.npos ? bound : quotation_end(t, i, around);
  mark(t, marks, i, end);
  return end;
}

// user:secret after -u, --user. Two numbers are ids, and an address is none of both.
std::size_t mark_account(std::string_view t, std::size_t at, std::size_t bound, Marks& marks) {
  const bool argument = bound != t.npos;
  const std::size_t end = argument ? bound : value_end(t, at);
  const Quote quote = argument ? Quote{} : quote_at(t, at);
  const std::size_t begin = std::min(at + quote.size, end);
  const std::size_t to = quote.size == 0 ? end : std::min(end, quotation_end(t, begin, quote));
  const auto account = t.substr(begin, to - begin);
  const auto colon = account.find(':');
  if (colon == account.npos || account.substr(colon).starts_with("://")) return at;
  if (!all_digits(account.substr(0, colon)) || !all_digits(account.substr(colon + 1))) {
    mark(t, marks, begin + colon + 1, to);
  }
  return end;
}

// --password, --api-key, --client-secret; not --token-file, --no-auth, --key FILE.
bool takes_secret(std::string_view flag) {
  if (flag.starts_with("--no-")) return false;
  const auto dash = flag.rfind('-');
  const auto last = flag.substr(dash + 1);
  if (last.find("key") != last.npos) {
    const auto before = flag.substr(0, dash);
    return last == "apikey" || before.ends_with("-api") || before.ends_with("-access") ||
           before.ends_with("-secret");
  }
  return last.find("auth") == last.npos && names_secret(last);
}

enum class Kind : std::uint8_t { kNone, kSecret, kSetting, kAccount };

Kind kind_of(std::string_view flag) {
  if (flag == "--build-arg" || flag == "--env" || flag == "-e") return Kind::kSetting;
  if (flag == "-u" || flag == "-U" || flag == "--user" || flag == "--proxy-user") {
    return Kind::kAccount;
  }
  if (flag.starts_with("--") && takes_secret(flag)) return Kind::kSecret;
  return Kind::kNone;
}

std::size_t mark_word(std::string_view t, std::size_t at, Marks& marks) {
  if (at >= t.size() || t[at] == '-') return at;     // the flag has no value
  if (t.substr(at, 64).find("id=") == 0) return at;  // --secret id=NAME: the name of a mount
  return mark_value(t, at, marks);
}

// What the command so far says about -p.
struct Command {
  bool logs_in = false;   // docker login -p X, sshpass -p X
  bool attached = false;  // mysql -pX, sshpass -pX
  void word(std::string_view text) {
    const auto name = text.substr(text.rfind('/') + 1);
    if (name == "login" || name == "sshpass") logs_in = true;
    if (name == "sshpass" || name == "mysql" || name == "mysqldump" || name == "mysqladmin" ||
        name == "mariadb") {
      attached = true;
    }
  }
};

// The flag t[begin, end); returns where to go on.
std::size_t mark_flag(std::string_view t, std::size_t begin, std::size_t end,
                      const Command& command, Marks& marks) {
  const auto flag = t.substr(begin, end - begin);
  const bool equals = end < t.size() && t[end] == '=';
  const bool blank = end < t.size() && is_blank(t[end]);
  // Where the value is, and the end of the argument it is in.
  const std::size_t at = equals ? end + 1 : blank ? next_word(t, end) : end;
  const std::size_t own = argument_end(t, begin);
  const std::size_t bound = equals ? own : argument_end(t, at);
  const Kind kind = equals || blank ? kind_of(flag) : Kind::kNone;
  if (kind == Kind::kSetting) return mark_setting(t, at, bound, marks);
  if (kind == Kind::kAccount) return mark_account(t, at, bound, marks);
  // With '=' it is an assignment.
  if (kind == Kind::kSecret) return equals ? end : mark_word(t, at, marks);
  if (flag == "-p" && blank && command.logs_in) return mark_word(t, at, marks);
  if (flag.size() <= 2) return end;
  if (flag.starts_with("-p") && command.attached) {
    if (own == t.npos) return mark_value(t, begin + 2, marks);
    mark(t, marks, begin + 2, own);
    return own;
  }
  if (flag.starts_with("-u") && end < t.size() && t[end] == ':') {
    return mark_account(t, begin + 2, own, marks);
  }
  // -eNAME=x, where the name is that of an environment variable.
  if (flag.starts_with("-e") && equals && flag[2] >= 'A' && flag[2] <= 'Z') {
    return mark_setting(t, begin + 2, own, marks);
  }
  return end;
}

}  // namespace

void mark_flags(std::string_view t, Marks& marks) {
  Command command;
  for (std::size_t i = 0; i < t.size();) {
    const bool starts = i == 0 || (!is_name_char(t[i - 1]) && t[i - 1] != '/');
    if (t[i] == ';' || t[i] == '|' || t[i] == '\n') command = {};
    if (!starts || !(is_name_char(t[i]) || t[i] == '/')) {
      ++i;
      continue;
    }
    std::size_t end = i;
    while (end < t.size() && (is_name_char(t[end]) || (t[i] != '-' && t[end] == '/'))) ++end;
    if (t[i] == '-') {
      i = std::max(mark_flag(t, i, end, command, marks), i + 1);
    } else {
      command.word(t.substr(i, end - i));
      i = end;
    }
  }
}

}  // namespace kilnwatch::base
