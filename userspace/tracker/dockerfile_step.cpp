#include "tracker/dockerfile_step.h"

#include <algorithm>
#include <array>
#include <set>
#include <sstream>

#include "base/text.h"
#include "tracker/vertex_text.h"

namespace kilnwatch::tracker {
namespace {

// "FROM [--flags] IMAGE …": in lower case, as stages are named.
std::string base_of(const std::string& from) {
  std::istringstream words(from);
  std::string word;
  words >> word;
  while (words >> word && word.starts_with("--")) {
  }
  return base::lower(word);
}

bool counts(const std::string& instruction) {
  static constexpr std::array<std::string_view, 4> kCounted = {"run", "copy", "add", "workdir"};
  const auto verb = base::lower(instruction.substr(0, instruction.find_first_of(" \t")));
  return std::find(kCounted.begin(), kCounted.end(), verb) != kCounted.end();
}

}  // namespace

std::optional<domain::Step> step_in(const domain::DockerfileSeen& dockerfile,
                                    const std::vector<std::string>& argv, bool cut) {
  if (!dockerfile.whole) return std::nullopt;
  std::optional<domain::Step> found;
  std::set<std::string> names;
  std::string stage;
  std::uint32_t stages = 0, number = 0;
  bool within = false;  // the stage that `found` is of goes on
  for (const auto& instruction : dockerfile.instructions) {
    if (instruction.is_from) {
      const auto from = base_of(instruction.text);
      number = from == "scratch" || names.contains(from) ? 0 : 1;
      stage = instruction.stage.empty() ? "stage-" + std::to_string(stages) : instruction.stage;
      names.insert(stage);
      within = false;
      ++stages;
    } else if (counts(instruction.text)) {
      ++number;
    }
    if (within) found->total = number;
    const auto agreement =
        instruction.is_run ? compare_vertex(instruction.text, argv, cut) : Agreement::kDiffers;
    if (agreement == Agreement::kDiffers) continue;
    if (found || agreement == Agreement::kUnknown) return std::nullopt;
    found.emplace();
    found->number = found->total = number;
    found->instruction = instruction.text;
    found->stage = stage;
    within = true;
  }
  if (found && stages < 2) found->stage.clear();
  return found;
}

}  // namespace kilnwatch::tracker
