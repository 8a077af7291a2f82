#include "engine/docker/dockerfile.h"

#include <catch2/catch_test_macros.hpp>

using namespace kilnwatch::engine::docker;

namespace {

std::vector<std::string> texts(std::string_view dockerfile) {
  std::vector<std::string> out;
  for (const auto& instruction : parse_dockerfile(dockerfile).instructions)
    out.push_back(instruction.text);
  return out;
}

using Texts = std::vector<std::string>;

}  // namespace

TEST_CASE("Lines are joined as the builder joins them") {
  CHECK(texts("FROM a\nRUN b \\\n  c\n") == Texts{"FROM a", "RUN b   c"});
  CHECK(texts("RUN b\\\n  c") == Texts{"RUN b  c"});
  CHECK(texts("RUN b\\\nc") == Texts{"RUN bc"});
  CHECK(texts("RUN b \\ \t\r\n\n# no\n  # no \\\nc\r\n") == Texts{"RUN b c"});
  CHECK(texts("RUN b \\\\\nRUN c") == Texts{"RUN b \\\\", "RUN c"});
  CHECK(texts("RUN b \\\n\\\n\\\nc \\") == Texts{"RUN b c"});
  CHECK(texts("# no \\\nFROM a") == Texts{"FROM a"});
  CHECK(texts("# Escape = `\nRUN b `\nc\nRUN d\\\nRUN e") == Texts{"RUN b c", "RUN d\\", "RUN e"});
  CHECK(texts("").empty());
  CHECK(texts("\\\n\\\n").empty());
}

TEST_CASE("A secret of an instruction is masked, also where lines are joined") {
  CHECK(texts("ENV DB_PASSWORD canary and\\\n more\nRUN x") ==
        Texts{"ENV DB_PASSWORD ***", "RUN x"});
  CHECK(texts("RUN x --password\\\n  canary") == Texts{"RUN x --password  ***"});
  CHECK(texts("RUN curl -u a:cana\\\n# why\nry h") == Texts{"RUN curl -u a:*** h"});
  CHECK(texts("RUN [\"curl\",\"-u\",\"a:canary\"]") == Texts{"RUN [\"curl\",\"-u\",\"a:***\"]"});
}

TEST_CASE("A base image that several stages start from is named once") {
  CHECK(parse_dockerfile("FROM a:1 AS x\nFROM b:1\nFROM a:1\nFROM x\n").base_images ==
        Texts{"a:1", "b:1"});
}
