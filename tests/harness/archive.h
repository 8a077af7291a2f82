// Tar archives made in memory.
#pragma once

#include <cstdio>
#include <string>

namespace kilnwatch::test {

// One header block and its content, padded; `type` as in the header.
inline std::string tar_entry(const std::string& name, const std::string& content, char type = '0',
                             const std::string& magic = std::string("ustar\0"
                                                                    "00",
                                                                    8),
                             const std::string& prefix = {}) {
  std::string header(512, '\0');
  const auto put = [&](std::size_t at, const std::string& text) {
    header.replace(at, text.size(), text);
  };
  char number[16];
  put(0, name.substr(0, 100));
  std::snprintf(number, sizeof(number), "%011zo", content.size());
  put(124, number);
  put(148, std::string(8, ' '));
  header[156] = type;
  put(257, magic);
  put(345, prefix.substr(0, 155));
  unsigned sum = 0;
  for (const char c : header) sum += static_cast<unsigned char>(c);
  std::snprintf(number, sizeof(number), "%06o", sum);
  put(148, std::string(number) + std::string("\0 ", 2));
  return header + content + std::string((512 - content.size() % 512) % 512, '\0');
}

inline std::string tar_end() { return std::string(1024, '\0'); }

// "27 path=dir/file\n"
inline std::string pax_record(const std::string& key, const std::string& value) {
  const std::string rest = " " + key + "=" + value + "\n";
  std::size_t size = rest.size() + 1;
  while (std::to_string(size).size() + rest.size() != size) ++size;
  return std::to_string(size) + rest;
}

}  // namespace kilnwatch::test
