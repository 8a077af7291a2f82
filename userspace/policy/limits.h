// Bounds of a configuration: whoever may write it is trusted, a broken generator is not.
#pragma once

#include <cstddef>

namespace kilnwatch::policy {

inline constexpr std::size_t kMaxFile = std::size_t{1} << 20;  // bytes: all lists full
inline constexpr std::size_t kMaxDepth = 8;       // lists and maps in each other: the format has 5
inline constexpr std::size_t kMaxNodes = 65'536;  // words, lists and maps: all lists full
inline constexpr std::size_t kMaxKeys = 32;       // of one map: more than any has
inline constexpr std::size_t kMaxWord = 1024;     // bytes: a path, a reason
inline constexpr std::size_t kMaxEntries = 1024;  // of a list: each is looked at for each alert
inline constexpr std::size_t kMaxExceptions = 256;  // somebody is to look after them
inline constexpr std::size_t kMinContainer = 12;    // characters of an id: as engines shorten it

}  // namespace kilnwatch::policy
