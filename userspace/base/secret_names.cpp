// Which names say that their value is a secret.
#include <algorithm>
#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "base/secrets.h"
#include "base/text.h"

namespace kilnwatch::base {
namespace {

bool is_upper(char c) { return c >= 'A' && c <= 'Z'; }
bool is_lower(char c) { return c >= 'a' && c <= 'z'; }
bool is_letter(char c) { return is_upper(c) || is_lower(c); }

// "dbRootPassword", "DB_ROOT-password" → db root password.
std::vector<std::string> words_of(std::string_view name) {
  std::vector<std::string> words(1);
  for (std::size_t i = 0; i < name.size(); ++i) {
    const bool hump = i > 0 && is_upper(name[i]) && is_lower(name[i - 1]);
    if ((hump || !is_letter(name[i])) && !words.back().empty()) words.emplace_back();
    if (is_letter(name[i])) words.back() += lower(name.substr(i, 1));
  }
  return words;
}

template <std::size_t N>
bool one_of(std::string_view word, const std::array<std::string_view, N>& list) {
  return std::find(list.begin(), list.end(), word) != list.end();
}

// "apikey" and "sshkey" are keys, "monkey", "keyboard" and "keyserver" are words.
bool is_key(std::string_view word) {
  static constexpr std::array<std::string_view, 17> kKinds = {
      "api",      "access",  "secret",     "private", "auth",   "ssh",
      "sign",     "signing", "encryption", "master",  "deploy", "account",
      "registry", "license", "shared",     "app",     "client"};
  if (word.ends_with('s')) word.remove_suffix(1);
  if (!word.ends_with("key")) return false;
  word.remove_suffix(3);
  return word.empty() || one_of(word, kKinds);
}

bool is_secret(std::string_view word) {
  static constexpr std::array<std::string_view, 9> kExact = {
      "pwd", "pw", "pass", "cred", "creds", "sig", "signature", "bearer", "jwt"};
  static constexpr std::array<std::string_view, 5> kAnywhere = {"passw", "passphrase", "secret",
                                                                "credential", "passcode"};
  static constexpr std::array<std::string_view, 4> kNoPass = {"bypass", "compass", "overpass",
                                                              "underpass"};
  if (one_of(word, kExact) || is_key(word)) return true;
  for (const auto part : kAnywhere) {
    if (word.find(part) != word.npos && !word.starts_with("secretar")) return true;
  }
  if (word.ends_with("pwd") || (word.ends_with("pass") && !one_of(word, kNoPass))) return true;
  // A tokenizer has no token; an author is no authority, and neither lets anyone in.
  if (const auto at = word.find("token"); at != word.npos) {
    return !word.substr(at).starts_with("tokeniz") && !word.substr(at).starts_with("tokenis");
  }
  if (const auto at = word.find("auth"); at != word.npos) {
    const auto rest = word.substr(at + 4);
    return !rest.starts_with("or") || rest.starts_with("oriz") || rest.starts_with("oris");
  }
  return false;
}

}  // namespace

bool names_secret(std::string_view name) {
  const auto words = words_of(name);
  const auto is_public = [](const std::string& word) { return word == "public" || word == "pub"; };
  const bool harmless_key = std::any_of(words.begin(), words.end(), is_public);
  return std::any_of(words.begin(), words.end(), [&](const std::string& word) {
    return is_secret(word) && !(harmless_key && is_key(word));
  });
}

}  // namespace kilnwatch::base
