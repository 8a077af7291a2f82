// As what a destination is remembered: "ADDRESS PORT" or "ADDRESS PORT NAME". In the place of an
// address some words stand for something else: "name PORT NAME" is a verified name at any address,
// "client 0 WHO" a client of the engines, "powers 0 WHO;IMAGE;POWERS" a container with something of
// the host's that such a client had started, "engine PORT HOST" where an engine itself fetched.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "baseline/store.h"

namespace kilnwatch::baseline {

inline constexpr const char* kAnyAddress = "name";
inline constexpr const char* kClient = "client";
inline constexpr const char* kPowers = "powers";
inline constexpr const char* kEngine = "engine";

struct Key {
  std::string address;
  std::uint16_t port = 0;
  std::string name;  // that a process claimed for it, lower case; empty: none
};

std::string text_of(const Key& key);
// Of a text that text_of() gave.
std::optional<Key> split_key(std::string_view text);

// A client, what it has started, where an engine fetches: kept of the host alone, whatever builds
// do, and shared with nobody.
bool is_of_host(std::string_view key);

// As people write it: the address in any form, the name in any letter case, with a dot behind it or
// without. kUsage: what is wrong and what to write.
base::Result<Key> read_key(const std::string& address, const std::string& port,
                           const std::string& name);

const char* name_of(Scope scope);
std::optional<Scope> scope_of(std::string_view name);

}  // namespace kilnwatch::baseline
