#include "capture/live/head_automaton.h"

#include <string_view>
#include <utility>

namespace kilnwatch::capture {
namespace {

// Fixed states; the letters of the two names and of "chunked" follow from kFirstFree on.
enum State : std::uint8_t {
  kStart = kHeadStart,
  kTrailer = kHeadTrailer,
  kLine = kHeadLine,  // in a line that is of no interest
  kLineStart = 3,     // after a line end
  kCarriage = 4,      // CR at the start of a line: LF makes it the empty line
  kMethod = 5,        // in the first word of a request line
  kFoldLength = 6,    // after the line end of an empty Content-Length: a blank goes on with it
  kFoldCoding = 7,    // after a line end in Transfer-Encoding: a blank goes on with it
  kPreface = 8,       // after the P of "PRI "; the next two are for its other letters
  kFirstFree = 11,
};

// RFC 9110 section 5.6.2. Go's server takes any token as a method (net/http validMethod).
bool is_token(int c) {
  return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
         std::string_view("!#$%&'*+-.^_`|~").find(static_cast<char>(c)) != std::string_view::npos;
}

class Builder {
 public:
  Builder() {
    for (std::size_t s = 0; s < kHeadStates; ++s) fill(static_cast<std::uint8_t>(s), kLine);
    for (int c = 0; c < 256; ++c) {
      const auto byte = static_cast<char>(c);
      set(kStart, byte, is_token(c) ? kMethod : kStart, is_token(c) ? kHeadNone : kHeadBad);
      set(kMethod, byte, is_token(c) ? kMethod : kStart, is_token(c) ? kHeadNone : kHeadBad);
    }
    set(kMethod, ' ', kLine);
    // RFC 9113 section 3.4.
    set(kStart, 'P', kPreface);
    for (auto i : {0, 1, 2}) copy(kMethod, static_cast<std::uint8_t>(kPreface + i));
    set(kPreface, 'R', kPreface + 1);
    set(kPreface + 1, 'I', kPreface + 2);
    set(kPreface + 2, ' ', kLine, kHeadPreface);
    // RFC 9112 section 2.2: empty lines before a request line are skipped.
    set(kStart, '\r', kStart);
    set(kStart, '\n', kStart);
    set(kCarriage, '\n', kStart, kHeadEnd);
    for (auto s : {kTrailer, kLineStart}) {
      set(s, '\r', kCarriage);
      set(s, '\n', kStart, kHeadEnd);
    }
    const auto length = name("content-length:");
    const auto digits = fresh();
    for (auto s : {length, digits}) {
      for (char c = '0'; c <= '9'; ++c) set(s, c, digits, kHeadDigit);
    }
    set(length, ' ', length);
    set(length, '\t', length);
    set(length, '\r', length);
    set(length, '\n', kFoldLength);
    set(digits, ' ', digits);

    const auto coding = name("transfer-encoding:");
    fill(coding, coding);
    set(coding, '\n', kFoldCoding);
    std::uint8_t at = coding;
    for (char c : std::string_view("chunke")) {
      const auto next = fresh();
      fill(next, coding);
      set(next, '\n', kFoldCoding);
      letter(next, 'c', static_cast<std::uint8_t>(coding + 1));
      letter(at, c, next);
      at = next;
    }
    letter(at, 'd', coding, kHeadChunked);

    // RFC 7540 section 3.2: in an answer, what comes after its head.
    at = name("upgrade:");
    set(at, ' ', at);
    for (char c : std::string_view("h2")) {
      const auto next = fresh();
      letter(at, c, next);
      at = next;
    }
    letter(at, 'c', kLine, kHeadH2c);

    // RFC 9112 section 5.2; Go joins such lines (net/textproto readContinuedLineSlice).
    for (auto [fold, value] : {std::pair{kFoldLength, length}, std::pair{kFoldCoding, coding}}) {
      copy(kLineStart, fold);
      set(fold, ' ', value);
      set(fold, '\t', value);
    }
  }

  HeadAutomaton table{};

 private:
  void set(std::uint8_t state, char c, std::uint8_t next, std::uint8_t action = kHeadNone) {
    table[state * 256U + static_cast<std::uint8_t>(c)] =
        static_cast<std::uint16_t>(action << 8 | next);
  }
  void letter(std::uint8_t state, char c, std::uint8_t next, std::uint8_t action = kHeadNone) {
    set(state, c, next, action);
    if (c >= 'a' && c <= 'z') set(state, static_cast<char>(c - 'a' + 'A'), next, action);
  }
  // Every byte leads to `next`, a line end to the start of a line.
  void fill(std::uint8_t state, std::uint8_t next) {
    for (int c = 0; c < 256; ++c) set(state, static_cast<char>(c), next);
    set(state, '\n', kLineStart);
  }
  void copy(std::uint8_t from, std::uint8_t to) {
    for (unsigned c = 0; c < 256; ++c) table[to * 256U + c] = table[from * 256U + c];
  }
  std::uint8_t fresh() { return free_++; }

  // A header name at the start of a line, in headers and in no other place; returns the state
  // after its colon. A new Content-Length forgets the value of an earlier one.
  std::uint8_t name(std::string_view text) {
    std::uint8_t at = kLineStart;
    for (std::size_t i = 0; i < text.size(); ++i) {
      const auto next = fresh();
      const bool last = i + 1 == text.size();
      letter(at, text[i], next, last && text.front() == 'c' ? kHeadLength : kHeadNone);
      at = next;
    }
    return at;
  }

  std::uint8_t free_ = kFirstFree;
};

}  // namespace

HeadAutomaton make_head_automaton() { return Builder().table; }

}  // namespace kilnwatch::capture
