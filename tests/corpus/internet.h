// What resolvers answer: tests/lab/company/names.txt. Names stay; of those behind a content network
// the addresses are others every day, and shared with its other names.
#pragma once

#include <cstdint>
#include <map>
#include <random>
#include <string>
#include <vector>

namespace kilnwatch::test::corpus {

using Random = std::mt19937_64;

// Modulo: the same on every standard library, unlike uniform_int_distribution.
inline std::size_t below(Random& random, std::size_t limit) {
  return static_cast<std::size_t>(random() % limit);
}

// The same on every machine, unlike std::hash.
inline std::uint64_t digest_of(const std::string& text) {
  std::uint64_t sum = 14695981039346656037u;
  for (const char c : text) sum = (sum ^ static_cast<unsigned char>(c)) * 1099511628211u;
  return sum;
}

class Internet {
 public:
  // Throws what is wrong with the file: a mistake in the repository.
  static Internet read(const std::string& path);

  struct Found {
    std::string alias;  // of the content network; empty: none
    std::vector<std::string> addresses;
  };
  // At a time, ms. Nothing is known: no addresses.
  Found resolve(const std::string& name, std::uint64_t ms, Random& random) const;
  // An address of a content network that serves the name, too: of a front of many sites.
  std::string front_of(const std::string& name, std::uint64_t ms, Random& random) const;
  // From now on this name is there, too.
  void add(const std::string& name, const std::vector<std::string>& addresses);
  // The same behind the network of another one.
  void add_behind(const std::string& name, const std::string& other);

 private:
  struct Front {
    std::size_t number = 0;
    std::size_t size = 0;
  };
  struct Name {
    std::string front;
    std::vector<std::string> addresses;
  };
  std::map<std::string, Front> fronts_;
  std::map<std::string, Name> names_;
};

}  // namespace kilnwatch::test::corpus
