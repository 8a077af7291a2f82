// Messages of DNS as resolvers write them.
#pragma once

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace kilnwatch::test::dns {

inline std::string number(std::size_t value, int width) {
  std::string out;
  while (width-- > 0) out += static_cast<char>(value >> (8 * width));
  return out;
}

inline std::string sized(const std::string& text, int width) {
  return number(text.size(), width) + text;
}

// "a.example" without a pointer.
inline std::string name(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const auto label = text.substr(0, text.find('.'));
    out += sized(std::string(label), 1);
    text.remove_prefix(std::min(text.size(), label.size() + 1));
  }
  return out + '\0';
}

inline std::string pointer(std::size_t to) { return number(0xc000 | to, 2); }
// To the question's name.
inline std::string same() { return pointer(12); }

inline std::string record(const std::string& owner, unsigned type, const std::string& data,
                          unsigned ttl = 300) {
  return owner + number(type, 2) + number(1, 2) + number(ttl, 4) + sized(data, 2);
}

// "192.0.2.1" as four bytes.
inline std::string v4(std::string_view text) {
  std::string out(1, '\0');
  for (const char c : text) {
    if (c == '.') {
      out += '\0';
    } else {
      out.back() = static_cast<char>(static_cast<unsigned char>(out.back()) * 10 + (c - '0'));
    }
  }
  return out;
}

inline std::string a(const std::string& owner, std::string_view ip, unsigned ttl = 300) {
  return record(owner, 1, v4(ip), ttl);
}

inline std::string message(const std::string& question, unsigned type,
                           const std::vector<std::string>& answers, unsigned flags = 0x8180) {
  std::string out = number(0x1234, 2) + number(flags, 2) + number(1, 2) +
                    number(answers.size(), 2) + number(0, 4) + name(question) + number(type, 2) +
                    number(1, 2);
  for (const auto& one : answers) out += one;
  return out;
}

}  // namespace kilnwatch::test::dns
