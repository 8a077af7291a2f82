// Every file of bad/ is refused with the place and the remedy that bad/expect.txt has for it.
#include <catch2/catch_test_macros.hpp>

#include <filesystem>
#include <fstream>
#include <map>
#include <random>
#include <sstream>
#include <string>

#include "policy/limits.h"
#include "policy/parse.h"

using namespace kilnwatch;

namespace {

std::string text_of(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream out;
  out << in.rdbuf();
  return out.str();
}

struct Expected {
  std::string place;
  std::string remedy;
};

std::map<std::string, Expected> table() {
  std::map<std::string, Expected> out;
  std::ifstream in(std::string(KILNWATCH_BAD_FILES) + "/expect.txt");
  for (std::string line; std::getline(in, line);) {
    if (line.starts_with('#')) continue;
    const auto first = line.find(" | ");
    const auto second = line.find(" | ", first + 1);
    REQUIRE(second != std::string::npos);
    out[line.substr(0, first)] = {line.substr(first + 3, second - first - 3),
                                  line.substr(second + 3)};
  }
  return out;
}

std::string error_of(const std::string& text) {
  const auto policy = policy::parse(text, "f");
  if (policy) return "";
  CHECK(policy.error().kind == base::ErrorClass::kUsage);
  return policy.error().message;
}

}  // namespace

TEST_CASE("Each bad file is refused at its place, with its remedy") {
  const auto expected = table();
  CHECK(expected.size() >= 40);
  std::size_t files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(KILNWATCH_BAD_FILES)) {
    if (entry.path().extension() != ".yaml") continue;
    ++files;
    const std::string name = entry.path().stem().string();
    INFO(name);
    REQUIRE(expected.contains(name));
    const std::string error = error_of(text_of(entry.path().string()));
    INFO(error);
    CHECK(error.starts_with("f:" + expected.at(name).place + ": "));
    CHECK(error.find(expected.at(name).remedy) != std::string::npos);
  }
  CHECK(files == expected.size());
}

TEST_CASE("No error repeats what may be a secret") {
  for (const auto& entry : std::filesystem::directory_iterator(KILNWATCH_BAD_FILES)) {
    const std::string name = entry.path().stem().string();
    if (!name.starts_with("store-")) continue;
    INFO(name);
    CHECK(error_of(text_of(entry.path().string())).find("geheim") == std::string::npos);
  }
  for (const char* url : {"redis://:geheim", "redis://a.test:geheim", "redis://a.test/geheim",
                          "redis://ge heim", "redis:geheim", "redis://[geheim]"})
    CHECK(error_of("baseline: {store: '" + std::string(url) + "'}").find("heim") ==
          std::string::npos);
}

TEST_CASE("What is beyond a limit is refused, at the limit it is not") {
  const auto registries = [](std::size_t count) {
    std::string text = "registries:\n";
    for (std::size_t i = 0; i < count; ++i) text += "- r" + std::to_string(i) + ".example\n";
    return text;
  };
  CHECK(error_of(registries(policy::kMaxEntries)).empty());
  CHECK(error_of(registries(policy::kMaxEntries + 1)).starts_with("f:1026:3: "));

  const auto reason = [](std::size_t size) {
    return "exceptions: [{owner: a, expires: 2027-01-01, rule: build-failed, client: {uid: 1}, "
           "reason: " +
           std::string(size, 'x') + "}]\n";
  };
  CHECK(error_of(reason(policy::kMaxWord)).empty());
  CHECK(error_of(reason(policy::kMaxWord + 1)).find("at most 1024") != std::string::npos);

  const std::string comment(policy::kMaxFile - 1, 'x');
  CHECK(error_of("#" + comment).empty());
  CHECK(error_of("##" + comment).find("shorten its lists") != std::string::npos);

  std::string keys;
  for (std::size_t i = 0; i <= policy::kMaxKeys; ++i) keys += "k" + std::to_string(i) + ": 1\n";
  CHECK(error_of(keys).starts_with("f:33:1: too many keys"));

  std::string lists;
  for (int i = 0; i < 50'000; ++i) lists += "- ";
  CHECK(error_of(lists + "x").find("flatten") != std::string::npos);
  for (const char opened : {'[', '{'}) CHECK(error_of(std::string(100'000, opened)) != "");
  std::string many = "registries: [";
  for (std::size_t i = 0; i <= policy::kMaxNodes; ++i) many += "a,";
  CHECK(error_of(many + "]").find("too many values") != std::string::npos);
}

TEST_CASE("Of several faults the first one is told, the others are counted") {
  const std::string error = error_of("windows: {deploy: 1}\nclients: [{uid: x}]\nfoo: 1\n");
  CHECK(error.starts_with("f:1:19: "));
  CHECK(error.ends_with("(and 2 more further down)"));
}

TEST_CASE("No spoilt file brings the parser down") {
  std::mt19937 random(7);
  std::vector<std::string> texts;
  for (const auto& entry : std::filesystem::directory_iterator(KILNWATCH_BAD_FILES))
    texts.push_back(text_of(entry.path().string()));
  std::size_t refused = 0;
  for (int round = 0; round < 4000; ++round) {
    std::string text = texts[random() % texts.size()] + texts[random() % texts.size()];
    for (int change = 0; change < 4; ++change) {
      const std::size_t at = random() % text.size();
      static constexpr std::string_view kBytes = "[]{}:-&*!|>'\"%@`#,?\n\t ~0\xff";
      switch (random() % 3) {
        case 0:
          text[at] = kBytes[random() % kBytes.size()];
          break;
        case 1:
          text.insert(at, 1, kBytes[random() % kBytes.size()]);
          break;
        default:
          text.resize(at + 1);
          break;
      }
    }
    const std::string error = error_of(text);
    if (!error.empty()) ++refused;
    if (!error.empty()) CHECK(error.starts_with("f:"));
  }
  CHECK(refused > 1000);
}
