// fuzz_NAME FOLDER: feeds every file of the folder to the target, whole and cut.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "fuzz/fuzz.h"

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  std::size_t files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(argv[1])) {
    std::ifstream in(entry.path(), std::ios::binary);
    const std::string bytes{std::istreambuf_iterator<char>(in), {}};
    std::fprintf(stderr, "%s\n", entry.path().filename().c_str());
    const auto step = std::max<std::size_t>(1, bytes.size() / 16);
    for (std::size_t size = bytes.size() % step; size <= bytes.size(); size += step) {
      // Of its own size, so that a read beyond the end is seen.
      const std::vector<std::uint8_t> copy(bytes.begin(),
                                           bytes.begin() + static_cast<std::ptrdiff_t>(size));
      LLVMFuzzerTestOneInput(copy.data(), copy.size());
    }
    ++files;
  }
  std::fprintf(stderr, "%zu files\n", files);
  return files == 0 ? 1 : 0;
}
