// Lines of a build's output; the first byte says which of them are cut.
#include "engine/docker/build_output.h"
#include "fuzz/fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace kilnwatch;
  using engine::docker::BuildOutput;
  fuzz::Reader input(fuzz::text(data, size));
  auto flags = input.byte();
  auto lines = input.rest();
  BuildOutput output;
  std::vector<domain::ApiFact> facts;
  while (!lines.empty()) {
    const auto line = lines.substr(0, lines.find('\n'));
    lines.remove_prefix(std::min(lines.size(), line.size() + 1));
    const auto before = facts.size();
    const auto said =
        output.read({line, (flags & 1U) == 0, (flags & 2U) == 0 ? 200U : 500U}, 1, {}, facts);
    fuzz::promise(facts.size() <= before + 1, "a line is one fact at most");
    fuzz::promise(facts.size() == before || said == BuildOutput::Said::kBuilder,
                  "facts are the builder's");
    flags = flags >> 1 | (flags & 1U) << 7;
  }
  fuzz::promise(output.ended(1, {}, 200).message.size() <= 512, "an error's text is bounded");
  return 0;
}
