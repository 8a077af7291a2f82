// The automaton that the kernel side runs over message heads (bpf/lib/filter/framing.bpf.h):
// finds the empty line, Content-Length, Transfer-Encoding: chunked and Upgrade: h2c, any letter
// case, and the preface of HTTP/2.
#pragma once

#include <array>
#include <cstdint>

namespace kilnwatch::capture {

inline constexpr std::size_t kHeadStates = 64;

// Entry [state * 256 + byte] = action << 8 | next state.
using HeadAutomaton = std::array<std::uint16_t, kHeadStates * 256>;

enum HeadAction : std::uint8_t {
  kHeadNone,
  kHeadDigit,
  kHeadChunked,
  kHeadEnd,
  kHeadLength,
  kHeadBad,      // no request line begins like this
  kHeadPreface,  // "PRI "
  kHeadH2c,      // Upgrade: h2c
};
inline constexpr std::uint8_t kHeadStart = 0;    // before a request line
inline constexpr std::uint8_t kHeadTrailer = 1;  // start of a line in trailers
inline constexpr std::uint8_t kHeadLine = 2;     // in the first line of an answer

HeadAutomaton make_head_automaton();

}  // namespace kilnwatch::capture
