#include "base/secret_flags.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/secrets.h"

namespace kilnwatch::base {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool all_digits(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), is_digit);
}

// A value without the quotation marks around the whole of it.
struct Value {
  std::size_t begin = 0;
  std::size_t inner_end = 0;
  std::size_t end = 0;
};

// Longer ones are looked into as far as this, so that words that hold no account, each within the
// one before, cost no more than that.
constexpr std::size_t kLongestUser = 1024;

Value value_at(std::string_view t, std::size_t at, std::size_t bound, char sign) {
  if (bound != t.npos) return {at, bound, bound};
  const auto front = t.substr(0, std::min(t.size(), at + kLongestUser));
  std::size_t end = value_end(front, at);
  if (end == front.size() && front.find(sign, at) != front.npos) end = value_end(t, at);
  const Quote quote = quote_at(t, at);
  if (quote.size == 0) return {at, end, end};
  const std::size_t begin = std::min(at + quote.size, end);
  const std::size_t inner = std::min(end, quotation_end(t.substr(0, end), begin, quote));
  // 'bob':x is quoted in part.
  if (inner + quote_at(t, inner).size < end) return {at, end, end};
  return {begin, inner, end};
}

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

// Two numbers are ids, and an address is no account.
std::size_t mark_account(std::string_view t, const Value& value, std::size_t at, char sign,
                         Marks& marks) {
  const auto account = t.substr(value.begin, value.inner_end - value.begin);
  const auto part = account.find(sign);
  if (part == account.npos || account.substr(part).starts_with("://")) return at;
  if (!all_digits(account.substr(0, part)) || !all_digits(account.substr(part + 1))) {
    mark(t, marks, value.begin + part + 1, value.inner_end);
  }
  return value.end;
}

// user:secret@host without the scheme of a URL.
std::size_t mark_userinfo(std::string_view t, const Value& value, std::size_t at, Marks& marks) {
  const auto text = t.substr(value.begin, value.inner_end - value.begin);
  const auto sign = text.rfind('@');
  if (sign == text.npos || text.find("://") != text.npos) return at;
  mark(t, marks, value.begin, value.begin + sign);
  return value.end;
}

std::size_t mark_secret(std::string_view t, std::size_t at, std::size_t bound, Marks& marks) {
  if (bound != t.npos && t[at - 1] != '\0') {  // attached
    mark(t, marks, at, bound);
    return bound;
  }
  const std::size_t inside = at + quote_at(t, at).size;
  // Another flag: this one has no value. --secret id=NAME: the name of a mount.
  if (inside >= t.size() || t[inside] == '-' || t.substr(inside, 3) == "id=") return at;
  // openssl -passin file:…; what is secret stands behind the colon.
  for (const std::string_view source : {"env:", "file:", "fd:", "stdin"}) {
    if (t.substr(inside).starts_with(source)) return at;
  }
  return mark_value(t, at, marks);
}

bool names_no_secret(std::string_view last) {
  static constexpr std::array<std::string_view, 7> kElsewhere = {"file", "path", "dir", "stdin",
                                                                 "fd",   "env",  "url"};
  return std::find(kElsewhere.begin(), kElsewhere.end(), last) != kElsewhere.end();
}

// --password, --api-key, --client-secret; not --token-file, --no-auth, --key FILE.
bool takes_secret(std::string_view flag) {
  if (flag.starts_with("--no-") || flag == "--with-token") return false;
  const auto dash = flag.rfind('-');
  const auto last = flag.substr(dash + 1);
  if (last.ends_with("key") || last.ends_with("keys")) {
    const auto before = flag.substr(0, dash);
    for (const std::string_view kind :
         {"-api", "-access", "-secret", "-account", "-auth", "-license", "-encryption"}) {
      if (before.ends_with(kind)) return true;
    }
    return last == "apikey" || last == "authkey";
  }
  return last.find("auth") == last.npos && names_secret(last);
}

}  // namespace

Takes takes_named(std::string_view flag) {
  static constexpr std::array<std::pair<std::string_view, Takes>, 12> kFlags = {{
      {"--build-arg", Takes::kSetting},
      {"--env", Takes::kSetting},
      {"--from-literal", Takes::kSetting},
      {"--cookie", Takes::kSetting},
      {"--user", Takes::kAccount},
      {"--proxy-user", Takes::kAccount},
      {"--auth", Takes::kAccount},
      {"--cert", Takes::kAccount},
      {"--proxy", Takes::kUserinfo},
      {"--preproxy", Takes::kUserinfo},
      {"--socks5", Takes::kUserinfo},
      {"--socks5-hostname", Takes::kUserinfo},
  }};
  for (const auto& [name, what] : kFlags) {
    if (flag == name) return what;
  }
  if (flag.starts_with("--")) return takes_secret(flag) ? Takes::kSecret : Takes::kUnknown;
  // -storepass, -passin, -token: no letters that are joined are as long.
  constexpr std::size_t kLeast = 5;
  if (flag == "-passin" || flag == "-passout") return Takes::kSecret;
  return flag.size() >= kLeast && takes_secret(flag) ? Takes::kSecret : Takes::kUnknown;
}

bool names_a_place(std::string_view flag) {
  return flag.starts_with('-') && names_no_secret(flag.substr(flag.rfind('-') + 1));
}

std::size_t mark_taken(std::string_view t, std::size_t at, std::size_t bound, Takes what,
                       Marks& marks) {
  switch (what) {
    case Takes::kUnknown:
    case Takes::kOther:
      return at;
    case Takes::kSecret:
    case Takes::kAttached:
    case Takes::kWord:
      return mark_secret(t, at, bound, marks);
    case Takes::kSetting:
      return mark_setting(t, at, bound, marks);
    case Takes::kAccount:
      return mark_account(t, value_at(t, at, bound, ':'), at, ':', marks);
    case Takes::kPercent:
      return mark_account(t, value_at(t, at, bound, '%'), at, '%', marks);
    case Takes::kComma:
      return mark_account(t, value_at(t, at, bound, ','), at, ',', marks);
    case Takes::kUserinfo:
      return mark_userinfo(t, value_at(t, at, bound, '@'), at, marks);
  }
  return at;
}

}  // namespace kilnwatch::base
