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

TEST_CASE("A text behind an instruction is part of it, and none of its lines is an instruction") {
  CHECK(texts("RUN <<EOF\nsqlite3 x 'SELECT a\nFROM users'\nEOF\nUSER b") ==
        Texts{"RUN <<EOF\nsqlite3 x 'SELECT a\nFROM users'\nEOF", "USER b"});
  CHECK(texts("COPY <<-\"A\" <<B /\n# a\n\tA\nFROM b\nB\nUSER c") ==
        Texts{"COPY <<-\"A\" <<B /\n# a\n\tA\nFROM b\nB", "USER c"});
  CHECK(texts("ONBUILD RUN 3<<E cat\r\nx\r\nE\r\nUSER c").size() == 2);
  CHECK(parse_dockerfile("FROM a\nRUN <<E\nFROM users\nE\n").base_images == Texts{"a"});
  // What no builder, or the classic one alone, goes on with: nothing is hidden in it.
  for (const auto* text :
       {"RUN cat <<EOF\nFROM b", "RUN cat <<#x\nFROM b\n#x", "RUN x <<<E\nFROM b\nE",
        "RUN x <<CMD\nFROM b\nCMD", "LABEL a=<<E\nFROM b\nE", "RUN $((1<<E))\nFROM b\nE",
        "RUN <<\nFROM b"}) {
    INFO(text);
    CHECK(parse_dockerfile(text).base_images == Texts{"b"});
  }
}

TEST_CASE("A base image is named as its arguments make it, or with them") {
  CHECK(parse_dockerfile("ARG A=a\nFROM $A\nFROM ${A}:1\nFROM ${B:-b}").base_images ==
        Texts{"a", "a:1", "b"});
  // ${A:+evil.test/x} is evil.test/x where A is set.
  for (const auto* from :
       {"${A:+evil.test/x}", "${A+evil.test/x}", "${A-b}", "${A#a}x", "${A/a/b}"})
    CHECK(parse_dockerfile(std::string("ARG A=a\nFROM ") + from).base_images == Texts{from});
}

TEST_CASE("A base image that several stages start from is named once") {
  CHECK(parse_dockerfile("FROM a:1 AS x\nFROM b:1\nFROM a:1\nFROM x\n").base_images ==
        Texts{"a:1", "b:1"});
}
