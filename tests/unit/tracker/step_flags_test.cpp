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
  CHECK(tracker::flag_reasons(many).size() == tracker::kMaxFlags + 1);
}

TEST_CASE("However many secrets a step is given, what it may do besides is told") {
  std::string many = "RUN ";
  for (int i = 0; i < 40; ++i) many += "--mount=type=secret,id=s" + std::to_string(i) + " ";
  const auto reasons = tracker::flag_reasons(many + "--network=host --security=insecure make");
  REQUIRE(reasons.size() == tracker::kMaxFlags + 3);
  CHECK(reasons[tracker::kMaxFlags].code == "secret-mount");
  CHECK(reasons[tracker::kMaxFlags].text == "the step is given 24 more");
  CHECK(reasons[tracker::kMaxFlags + 1].code == "network-host");
  CHECK(reasons[tracker::kMaxFlags + 2].code == "security-insecure");
}

TEST_CASE("The network of a step is the host's by the last flag that names one") {
  for (const std::string host : {"RUN --network=host x", "run\t--mount=type=ssh --network=host x",
                                 "RUN --network=none --network=host x"})
    CHECK(tracker::has_host_network(host));
  for (const std::string own : {"RUN x --network=host", "RUN --network=none x", "RUN", "", "R",
                                "RUN --network=hosts x", "RUN --network=host --network=none x"})
    CHECK_FALSE(tracker::has_host_network(own));
}

TEST_CASE("Where the instruction is not certain, any RUN of the file may lend the host's network") {
  domain::Build build;
  domain::Step step;
  step.instruction = "RUN x";
  CHECK_FALSE(tracker::may_have_host_network(build, step, {}));
  build.request.entitlements = {"network.host"};
  CHECK(tracker::may_have_host_network(build, step, {}));
  build.dockerfile.emplace();
  build.dockerfile->instructions = {{"RUN x", true}, {"RUN --network=host y", true}};
  CHECK(tracker::may_have_host_network(build, step, {}));
  step.number = 1;
  CHECK_FALSE(tracker::may_have_host_network(build, step, {}));
  step.attribution = domain::Attribution::kAmbiguous;
  CHECK(tracker::may_have_host_network(build, step, {}));
  build.dockerfile->instructions.pop_back();
  CHECK_FALSE(tracker::may_have_host_network(build, step, {}));
  CHECK(tracker::may_have_host_network(build, step, tracker::flag_reasons("RUN --network=host x")));
}
