// What the one-letter flags of common tools take.
#pragma once

#include <cstdint>
#include <string_view>

namespace kilnwatch::base {

enum class Takes : std::uint8_t {
  kUnknown,
  kOther,     // a value that is no secret
  kSecret,    // a secret: -p X, -pX
  kAttached,  // a secret when it is attached, -pX; otherwise nothing
  kWord,      // a secret in the next word, -k X; letters cannot be joined
  kSetting,   // NAME=secret
  kAccount,   // user:secret
  kPercent,   // user%secret
  kComma,     // user,secret
  kUserinfo,  // secret@host
};

// The name, without its directory, is one of the tools below.
bool is_tool(std::string_view name);
Takes takes(std::string_view tool, char letter);

}  // namespace kilnwatch::base
