// What the targets share: a broken promise ends the process, so that libFuzzer keeps the input.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <initializer_list>
#include <string_view>
#include <utility>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace kilnwatch::fuzz {

inline void promise(bool kept, const char* what) {
  if (kept) return;
  std::fprintf(stderr, "broken promise: %s\n", what);
  std::abort();
}

// What differs, for whoever mends it.
inline void show(std::initializer_list<std::pair<const char*, std::string_view>> texts) {
  for (const auto& [name, text] : texts) {
    std::fprintf(stderr, "\n%s:\n", name);
    std::fwrite(text.data(), 1, text.size(), stderr);
  }
  std::fputc('\n', stderr);
}

inline std::string_view text(const std::uint8_t* data, std::size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

// Sizes of pieces that follow from the input alone.
class Pieces {
 public:
  explicit Pieces(std::string_view input) {
    for (const char c : input) state_ = (state_ ^ static_cast<unsigned char>(c)) * 1099511628211U;
  }
  std::size_t next(std::size_t least, std::size_t left) {
    state_ = state_ * 6364136223846793005U + 1442695040888963407U;
    const auto n = least + (state_ >> 33) % ((state_ >> 60) < 12 ? 7 : 300);
    return n < left ? n : left;
  }

 private:
  std::uint64_t state_ = 14695981039346656037U;
};

// An input as a sequence of numbers and texts.
class Reader {
 public:
  explicit Reader(std::string_view input) : left_(input) {}
  bool empty() const { return left_.empty(); }
  unsigned byte() { return static_cast<unsigned char>(take(1).empty() ? '\0' : last_); }
  std::string_view take(std::size_t n) {
    const auto piece = left_.substr(0, n);
    left_.remove_prefix(piece.size());
    if (!piece.empty()) last_ = piece.back();
    return piece;
  }
  std::string_view rest() { return take(left_.size()); }

 private:
  std::string_view left_;
  char last_ = '\0';
};

}  // namespace kilnwatch::fuzz
