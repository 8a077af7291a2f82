#include "tracker/step_flags.h"

#include <catch2/catch_test_macros.hpp>

using namespace kilnwatch;

namespace {

std::string told(const std::string& name) {
  std::string text;
  for (const auto& reason : tracker::flag_reasons(name))
    text += reason.code + ":" + reason.text.substr(reason.text.rfind(' ') + 1) + ";";
  return text;
}

}  // namespace

TEST_CASE("Flags of a step that give it more than a sandbox are told by name") {
  CHECK(told("RUN --mount=type=secret,id=npm --mount=type=ssh,id=deploy make") ==
        "secret-mount:npm;ssh-mount:deploy;");
  CHECK(told("RUN\t--mount=type=ssh\n--network=host  --security=insecure make") ==
        "ssh-mount:default;network-host:host;security-insecure:confinement;");
  CHECK(told("RUN --mount=target=/x/key,type=secret make") == "secret-mount:/x/key;");
  CHECK(told("RUN --mount=type=secret,env=TOKEN,required make") == "secret-mount:TOKEN;");
}

TEST_CASE("What is no flag of the instruction is not told") {
  CHECK(told("RUN make --mount=type=secret,id=x").empty());
  CHECK(told("RUN --mount=type=cache,id=x,target=/c --network=none make").empty());
  CHECK(told("RUN").empty());
  CHECK(told("R").empty());
  CHECK(told("").empty());
  CHECK(told("RUN --mount=").empty());
  std::string many = "RUN ";
  for (int i = 0; i < 100; ++i) many += "--mount=type=ssh ";
  CHECK(tracker::flag_reasons(many).size() == tracker::kMaxFlags);
}
