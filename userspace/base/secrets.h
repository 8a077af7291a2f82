// Masking of secrets in text that may leave the sensor (design: names stay, values become ***).
//
// Rules of thumb on text that anyone may have written: a secret that stands where secrets stand is
// masked, and an instruction stays readable, since it is what an analyst has to judge. All of it is
// linear in the text, never fails, and masking twice is masking once.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace kilnwatch::base {

// Free text (an instruction, a shell command, a URL, JSON, an error message). Values after
// --build-arg K=, -e K=, --env K=, --password, --token, -u user:, docker login -p, userinfo in
// URLs, query values and assignments whose name says secret, Authorization-like headers, private
// keys and well-known token shapes become "***".
std::string mask_text(std::string_view text);

// The same, each secret byte replaced by '*': the length stays (recordings).
std::string mask_text_same_length(std::string_view text);

// argv: the same rules, with the bounds of arguments known.
std::vector<std::string> mask_args(const std::vector<std::string>& args);

// True when a name (of a variable, a query parameter, a header) says that its value is a secret:
// token, passw, secret, auth, pwd, credential, …, and key as a word or with its kind ("api_key",
// "sshkey"; not "monkey", "keyboard", "author", "public_key").
bool names_secret(std::string_view name);

}  // namespace kilnwatch::base
