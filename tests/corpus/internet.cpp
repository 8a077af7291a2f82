#include "internet.h"

#include <algorithm>
#include <fstream>
#include <sstream>
#include <stdexcept>

namespace kilnwatch::test::corpus {
namespace {

constexpr std::uint64_t kDay = 86'400'000;  // ms
constexpr std::size_t kOfDay = 8;           // addresses that a name has within a day
constexpr std::size_t kMoved = 3;           // of them that are others on the next day

// A network for benchmarks (RFC 2544), four blocks of 256 for each front.
std::string address_of(std::size_t front, std::size_t number) {
  return "198.18." + std::to_string(front * 4 + number / 250) + "." +
         std::to_string(1 + number % 250);
}

}  // namespace

Internet Internet::read(const std::string& path) {
  std::ifstream in(path);
  if (!in) throw std::runtime_error(path + ": not there");
  Internet out;
  std::string line;
  while (std::getline(in, line)) {
    std::istringstream words(line.substr(0, line.find('#')));
    std::string kind, name, word;
    if (!(words >> kind >> name)) continue;
    if (kind == "front") {
      std::size_t size = 0;
      words >> size;
      if (size < kOfDay) throw std::runtime_error(path + ": too small: " + line);
      out.fronts_[name] = {out.fronts_.size(), size};
    } else if (kind == "name") {
      Name entry;
      while (words >> word) {
        if (out.fronts_.contains(word)) {
          entry.front = word;
        } else {
          entry.addresses.push_back(word);
        }
      }
      if (entry.front.empty() && entry.addresses.empty())
        throw std::runtime_error(path + ": no address: " + line);
      out.names_[name] = entry;
    } else {
      throw std::runtime_error(path + ": unknown: " + line);
    }
  }
  return out;
}

Internet::Found Internet::resolve(const std::string& name, std::uint64_t ms, Random& random) const {
  const auto known = names_.find(name);
  if (known == names_.end()) return {};
  Found found;
  if (known->second.front.empty()) {
    found.addresses = known->second.addresses;
  } else {
    const Front& front = fronts_.at(known->second.front);
    found.alias = "edge." + known->second.front + ".test";
    const std::size_t first = digest_of(name) % front.size + ms / kDay * kMoved;
    const std::size_t count = 2 + below(random, 3);
    const std::size_t from = below(random, kOfDay);
    for (std::size_t i = 0; i < count; ++i)
      found.addresses.push_back(
          address_of(front.number, (first + (from + i * 3) % kOfDay) % front.size));
  }
  // Resolvers turn the answers round.
  std::rotate(
      found.addresses.begin(),
      found.addresses.begin() + static_cast<std::ptrdiff_t>(below(random, found.addresses.size())),
      found.addresses.end());
  return found;
}

std::string Internet::front_of(const std::string& name, std::uint64_t ms, Random& random) const {
  return resolve(name, ms, random).addresses.front();
}

void Internet::add(const std::string& name, const std::vector<std::string>& addresses) {
  names_[name] = {{}, addresses};
}

void Internet::add_behind(const std::string& name, const std::string& other) {
  names_[name] = {names_.at(other).front, {}};
}

}  // namespace kilnwatch::test::corpus
