#include "tracker/agreement.h"

#include <catch2/catch_test_macros.hpp>

using kilnwatch::tracker::Agreement;
using kilnwatch::tracker::compare;
using kilnwatch::tracker::instruction_of;

TEST_CASE("A container's command against an instruction") {
  const auto sh = [](const std::string& text) {
    return std::vector<std::string>{"/bin/sh", "-c", text};
  };
  CHECK(compare("RUN wget http://a/", sh("wget http://a/"), false) == Agreement::kAgrees);
  CHECK(compare("run a &&     b", sh("a && b"), false) == Agreement::kAgrees);
  CHECK(compare("RUN a", sh("b"), false) == Agreement::kDiffers);
  CHECK(compare("RUN a", {"/bin/bash", "-o", "pipefail", "-c", "a"}, false) == Agreement::kAgrees);
  CHECK(compare("RUN a", {"a"}, false) == Agreement::kDiffers);
  CHECK(compare("RUN [ -f x ]", sh("[ -f x ]"), false) == Agreement::kAgrees);
  CHECK(compare(R"(RUN ["wget", "-q", "x"])", {"wget", "-q", "x"}, false) == Agreement::kAgrees);
  CHECK(compare(R"(RUN ["wget", "x", "y"])", {"wget", "x"}, false) == Agreement::kUnknown);
  CHECK(compare("RUN curl -H \"Authorization: ***\" x", sh("curl -H \"Authorization: ******\" x"),
                false) == Agreement::kAgrees);
  CHECK(compare("FROM a", sh("b"), false) == Agreement::kUnknown);
  CHECK(compare("CMD a", sh("a"), false) == Agreement::kDiffers);
  CHECK(compare("RUN caf\xef\xbf\xbd", sh("caf\xe9"), false) == Agreement::kUnknown);
  CHECK(compare("", sh("a"), false) == Agreement::kUnknown);
  CHECK(compare("RUN a", {}, false) == Agreement::kUnknown);
}

TEST_CASE("A command that was cut need only be the beginning") {
  const std::vector<std::string> cut = {"/bin/sh", "-c", "first second thi"};
  CHECK(compare("RUN first second third", cut, true) == Agreement::kAgrees);
  CHECK(compare("RUN first other third", cut, true) == Agreement::kDiffers);
  CHECK(compare("RUN first", cut, true) == Agreement::kDiffers);
  CHECK(compare("RUN anything", {"/bin/sh", "-c", "oneword"}, true) == Agreement::kUnknown);
}

TEST_CASE("The instruction that a shell's command stands for") {
  CHECK(instruction_of({"/bin/sh", "-c", "a b"}) == "RUN a b");
  CHECK(instruction_of({"wget", "x"}).empty());
  CHECK(instruction_of({}).empty());
}
