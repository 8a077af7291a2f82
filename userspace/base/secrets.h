// Masking of secrets in text that may leave the sensor (design: names stay, values become ***).
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace kilnwatch::base {

// Free text (an instruction, a shell command, a URL, an error message). Values after
// --build-arg K=, -e K=, --env K=, --password, --token, -u user:, userinfo in URLs, query values
// and assignments whose name says secret (token, passw, secret, key, auth), Authorization-like
// headers, and well-known token shapes become "***".
std::string mask_text(std::string_view text);

// The same, each secret byte replaced by '*': the length stays (recordings).
std::string mask_text_same_length(std::string_view text);

// argv; a value may stand in the argument after its flag.
std::vector<std::string> mask_args(const std::vector<std::string>& args);

// True when a name (of a variable, a query parameter, a header) says that its value is a secret.
bool names_secret(std::string_view name);

}  // namespace kilnwatch::base
