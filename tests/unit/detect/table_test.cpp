// The table of reasons, and that docs/detection.md is it. UPDATE_DOCS=1 writes it anew.
#include <algorithm>
#include <catch2/catch_test_macros.hpp>
#include <cstdlib>
#include <fstream>
#include <set>
#include <sstream>
#include <string>

#include "detect/reason_table.h"
#include "domain/attack.h"

using namespace kilnwatch;

namespace {

constexpr const char* kBegin = "<!-- table: written by tests/unit/detect/table_test.cpp -->\n";
constexpr const char* kEnd = "<!-- end of the table -->\n";

std::string text_of(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream out;
  out << in.rdbuf();
  return out.str();
}

std::string replaced(std::string text, const std::string& what, const std::string& by) {
  for (auto at = text.find(what); at != text.npos; at = text.find(what, at + by.size()))
    text.replace(at, what.size(), by);
  return text;
}

std::string number(int weight) { return (weight > 0 ? "+" : "") + std::to_string(weight); }

std::string severity_name(domain::Severity severity) {
  for (const auto& threshold : detect::thresholds()) {
    if (threshold.severity == severity) return std::string(threshold.name);
  }
  return "?";
}

std::string tables() {
  std::string out = "| score from | severity |\n|---|---|\n";
  for (const auto& threshold : detect::thresholds())
    out += "| " + std::to_string(threshold.score) + " | " + std::string(threshold.name) + " |\n";
  out += "\n| rule | score before any reason | ATT&CK |\n|---|---|---|\n";
  for (const auto& row : detect::rule_rows()) {
    out += "| `" + std::string(row.name) + "` | " + std::to_string(row.score) + ": " +
           std::string(row.why) + " | " + std::string(row.techniques) + " |\n";
  }
  for (const auto& group : detect::reason_groups()) {
    out += "\n### " + std::string(group.title) +
           "\n| reason | weight | ATT&CK | it says (`…`: the evidence) | what to do |\n"
           "|---|---|---|---|---|\n";
    for (const auto& row : group.rows) {
      const std::string key(row.key);
      const auto slash = key.find('/');
      std::string name = "`" + key.substr(0, slash) + "`";
      if (slash != key.npos) name += " (" + key.substr(slash + 1) + ")";
      std::string weight = number(row.weight);
      if (row.at_most != domain::Severity::kCritical)
        weight += ", at most " + severity_name(row.at_most);
      out += "| " + name + " | " + weight + " | " + std::string(row.techniques) + " | " +
             replaced(std::string(row.sentence), "{}", "`…`") + " | " + std::string(row.action) +
             " |\n";
    }
  }
  return out;
}

}  // namespace

TEST_CASE("Keys are unique, and techniques those of the catalogue") {
  std::set<std::string_view> keys, used;
  const auto note = [&](std::string_view ids) {
    std::istringstream words{std::string(ids)};
    for (std::string id; words >> id;) {
      const auto* known = domain::technique_of(id);
      INFO(id);
      REQUIRE(known != nullptr);
      used.insert(known->id);
    }
  };
  for (const auto& group : detect::reason_groups()) {
    for (const auto& row : group.rows) {
      INFO(row.key);
      CHECK(keys.insert(row.key).second);
      CHECK(detect::find_reason(row.key) == &row);
      CHECK_FALSE(row.sentence.empty());
      CHECK((row.weight <= 0 || !row.action.empty() || row.weight == 5));
      CHECK((row.weight <= 0 || !row.techniques.empty()));
      note(row.techniques);
      // A bound is found by the code alone.
      const auto* of_code = detect::find_reason(row.key.substr(0, row.key.find('/')));
      CHECK((of_code != nullptr ? of_code->at_most : domain::Severity::kCritical) == row.at_most);
    }
  }
  for (const auto& row : detect::rule_rows()) note(row.techniques);
  CHECK(used.size() == domain::kTechniques.size());
}

TEST_CASE("Techniques of the catalogue are in order") {
  CHECK(std::is_sorted(domain::kTechniques.begin(), domain::kTechniques.end(),
                       [](const auto& a, const auto& b) { return a.id < b.id; }));
}

TEST_CASE("docs/detection.md has the table that holds") {
  const std::string path = KILNWATCH_DETECTION_MD;
  const std::string text = text_of(path);
  const auto begin = text.find(kBegin), end = text.find(kEnd);
  REQUIRE(begin != std::string::npos);
  REQUIRE(end != std::string::npos);
  const auto from = begin + std::string(kBegin).size();
  const std::string is = text.substr(from, end - from), should = tables();
  if (is != should && std::getenv("UPDATE_DOCS") != nullptr) {
    std::ofstream(path, std::ios::binary) << text.substr(0, from) << should << text.substr(end);
    return;
  }
  INFO("UPDATE_DOCS=1 writes it anew");
  CHECK(is == should);
}
