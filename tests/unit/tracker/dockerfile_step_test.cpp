#include "tracker/dockerfile_step.h"

#include <catch2/catch_test_macros.hpp>

using namespace kilnwatch;

namespace {

domain::DockerfileSeen dockerfile(const std::vector<std::string>& lines) {
  domain::DockerfileSeen seen;
  for (const auto& line : lines) {
    const auto as = line.find(" AS ");
    seen.instructions.push_back({line, line.starts_with("RUN "), line.starts_with("FROM "),
                                 as != line.npos ? line.substr(as + 4) : ""});
  }
  return seen;
}

std::string place(const std::vector<std::string>& lines, const std::string& command) {
  const auto step = tracker::step_in(dockerfile(lines), {"/bin/sh", "-c", command}, false);
  return step ? step->stage + " " + std::to_string(step->number) + "/" +
                    std::to_string(step->total) + " " + step->instruction
              : "none";
}

}  // namespace

TEST_CASE("A step of a Dockerfile is counted as BuildKit counts") {
  CHECK(place({"FROM a", "ENV A=b", "RUN x", "CMD y"}, "x") == " 2/2 RUN x");
  CHECK(place({"FROM a AS one", "WORKDIR /w", "RUN x", "COPY b c", "FROM one AS two", "RUN y"},
              "x") == "one 3/4 RUN x");
  CHECK(place({"FROM a AS one", "RUN x", "FROM one AS two", "RUN y", "ADD b c"}, "y") ==
        "two 1/2 RUN y");
  CHECK(place({"FROM a AS one", "RUN x", "FROM --platform=p b", "RUN y"}, "y") ==
        "stage-1 2/2 RUN y");
  CHECK(place({"FROM a", "RUN --mount=type=ssh wget $URL"}, "wget $URL") ==
        " 2/2 RUN --mount=type=ssh wget $URL");
  CHECK(place({"FROM scratch", "COPY a b", "RUN x"}, "x") == " 2/2 RUN x");
}

TEST_CASE("What no instruction says, or several do, is no step of the file") {
  CHECK(place({"FROM a", "RUN x"}, "y") == "none");
  CHECK(place({"FROM a AS one", "RUN x", "FROM b", "RUN x"}, "x") == "none");
  CHECK(place({"FROM a", "RUN x", "RUN <<EOF"}, "x") == "none");
  CHECK(place({}, "x") == "none");
  auto cut = dockerfile({"FROM a", "RUN x"});
  cut.whole = false;
  CHECK_FALSE(tracker::step_in(cut, {"/bin/sh", "-c", "x"}, false));
}
