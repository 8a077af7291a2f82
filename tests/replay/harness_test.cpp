// The means of these tests, so that a check that passes means something.
#include <algorithm>
#include <catch2/catch_test_macros.hpp>

#include "harness/agreement.h"
#include "harness/events.h"

namespace kilnwatch::test {
namespace {

using namespace domain;

constexpr TimeNs kSecond = 1'000'000'000;

ConnData piece(TimeNs time, std::uint64_t pos, Direction direction = Direction::kRequest) {
  return {time, 1, direction, pos, 4, false, false, false, "abcd"};
}

const ConnData& data_at(const Events& events, std::size_t i) {
  return std::get<ConnData>(events.at(i));
}

TEST_CASE("a lost record marks the next one of its direction, its own marks pass on") {
  ConnData jump = piece(2, 10);
  jump.skipped_before = jump.at_head = true;
  const Events events = {piece(1, 0), jump, piece(3, 0, Direction::kResponse), piece(4, 20),
                         piece(5, 24)};
  const Events told = lose(
      events, [](std::size_t i) { return i == 1; }, Told::kMarked);
  REQUIRE(told.size() == 5);
  CHECK_FALSE(data_at(told, 1).lost_before);
  CHECK(data_at(told, 2).pos == 20);
  CHECK(data_at(told, 2).lost_before);
  CHECK(data_at(told, 2).skipped_before);
  CHECK_FALSE(data_at(told, 2).at_head);
  CHECK_FALSE(data_at(told, 3).lost_before);
  const auto& loss = std::get<KernelLoss>(told.at(4));
  CHECK(loss.time == 1 + kSecond);
  CHECK(loss.cause == "ring");
  CHECK(loss.count == 1);
  const Events silent = lose(
      events, [](std::size_t i) { return i == 1; }, Told::kNothing);
  REQUIRE(silent.size() == 4);
  CHECK_FALSE(data_at(silent, 2).lost_before);
}

TEST_CASE("drops are reported once a second, reports themselves are not lost") {
  Events events;
  for (TimeNs i = 0; i < 100; ++i) events.emplace_back(ProcessForked{i * kSecond / 20, 1, 2, 3});
  events.emplace_back(KernelLoss{5 * kSecond, "calls", 9});
  const Events left = drop_every(events, 10, 0, Told::kMarked);
  std::uint64_t drops = 0;
  std::size_t reports = 0;
  for (const Event& event : left) {
    if (const auto* loss = std::get_if<KernelLoss>(&event);
        loss != nullptr && loss->cause == "ring") {
      drops += loss->count;
      ++reports;
    }
  }
  CHECK(drops == 10);
  CHECK(reports == 5);
  CHECK(left.size() == 90 + 1 + reports);
}

TEST_CASE("a late start meets what is there and nothing of the past") {
  ConnOpened opened;
  opened.conn = 1;
  opened.client_pid = 77;
  ConnOpened quiet = opened;
  quiet.conn = 2;
  Process shell = process();
  shell.pid = 5;
  shell.start = 123'456'789;
  ConnData asks = piece(9, 110);
  asks.bytes = "GET /";
  const Events events = {opened,
                         quiet,
                         ProcessExecuted{1, shell},
                         ProcessForked{2, 5, 6, 200'000'001},
                         ProcessForked{2, 5, 7, 2},
                         ProcessExited{3, 7, 2, 0},
                         EgressStarted{3, 40, 6, Outcome::kPending, {"192.0.2.1", 80}, shell},
                         piece(4, 0),
                         piece(5, 100),
                         EgressPayload{6, 40, "x"},
                         ConnClosed{7, 2},
                         piece(8, 300, Direction::kResponse),
                         asks,
                         ConnClosed{10, 1}};
  const Events late = late_start(events, 8);
  REQUIRE(late.size() == 7);
  const auto& first = std::get<ProcessExecuted>(late.at(0)).process;
  CHECK(first.pid == 5);
  CHECK(first.start == 120'000'000);
  CHECK(std::get<ProcessExecuted>(late.at(0)).time == 4);
  CHECK(std::get<ProcessExecuted>(late.at(0)).midway);
  const auto& child = std::get<ProcessExecuted>(late.at(1)).process;
  CHECK(child.pid == 6);
  CHECK(child.ppid == 5);
  CHECK(child.exe == shell.exe);
  const auto& met = std::get<ConnOpened>(late.at(2));
  CHECK(met.midway);
  CHECK(met.time == 5);
  CHECK(met.client_pid == 77);
  CHECK(met.conn != 1);
  CHECK(data_at(late, 3).conn == met.conn);
  CHECK(data_at(late, 3).pos == 0);
  CHECK(data_at(late, 3).lost_before);
  CHECK_FALSE(data_at(late, 3).at_head);  // it may be in the middle of a message
  CHECK(data_at(late, 4).pos == 0);
  CHECK_FALSE(data_at(late, 4).at_head);
  CHECK(data_at(late, 5).pos == 10);
  CHECK(data_at(late, 5).at_head);
  CHECK_FALSE(data_at(late, 5).lost_before);
  CHECK(std::get<ConnClosed>(late.at(6)).conn == met.conn);
  CHECK(late_start(events, events.size()).empty());
}

TEST_CASE("a permutation keeps all and moves none past one that is the window away") {
  Events events;
  for (TimeNs i = 0; i < 500; ++i) events.emplace_back(Tick{i * 1'000'000});
  const Events moved = permute(events, 50'000'000, 3);
  REQUIRE(moved.size() == events.size());
  TimeNs newest = 0;
  std::size_t steps_back = 0;
  for (const Event& event : moved) {
    CHECK(time_of(event) + 50'000'000 > newest);
    steps_back += time_of(event) < newest ? 1U : 0U;
    newest = std::max(newest, time_of(event));
  }
  CHECK(steps_back > 100);
}

v1::Alert egress(const std::string& build, std::uint32_t step, const std::string& ip) {
  v1::Alert alert;
  alert.set_id(build + ip);
  alert.set_rule("build-egress");
  alert.set_summary("step connected to " + ip);
  alert.mutable_build()->set_id(build);
  alert.mutable_build()->mutable_client()->set_pid(9);
  alert.mutable_build()->mutable_request()->add_tags("tag:1");
  alert.mutable_step()->set_number(step);
  alert.mutable_step()->set_attribution(v1::ATTRIBUTION_EXACT);
  alert.mutable_connection()->mutable_destination()->set_ip(ip);
  auto& process = *alert.mutable_connection()->mutable_process();
  process.set_exe("/bin/wget");
  process.add_ancestors("/bin/sh");
  process.add_ancestors("/usr/bin/containerd-shim");
  return alert;
}

v1::Alert blind() {
  v1::Alert alert;
  alert.set_id("blind");
  alert.set_rule("sensor-blind");
  return alert;
}

TEST_CASE("agreement: the same, and less with a word about it") {
  const Alerts truth = {egress("a", 2, "192.0.2.1"), egress("a", 3, "192.0.2.2")};
  CHECK(compare(truth, truth).wrong.empty());
  CHECK(compare(truth, truth).missing.empty());
  CHECK_FALSE(compare(truth, truth).said_blind);
  CHECK(compare(truth, {truth[1]}).missing.size() == 1);
  CHECK(compare(truth, {truth[0], blind()}).said_blind);
  CHECK_FALSE(compare({truth[0], blind()}, {blind()}).said_blind);

  v1::Alert other = egress("z", 2, "192.0.2.1");  // another id for the same build: a late start
  other.mutable_connection()->mutable_process()->clear_exe();
  other.mutable_connection()->mutable_process()->mutable_ancestors()->RemoveLast();
  const auto less = compare(truth, {other, egress("z", 3, "192.0.2.2")});
  CHECK(less.wrong.empty());
  REQUIRE(less.missing.size() == 1);
  CHECK(less.missing[0].find("process.exe") != std::string::npos);
  CHECK(compare(truth, {}, [](const v1::Alert& alert) {
          return alert.step().number() == 3;
        }).missing.size() == 1);
}

TEST_CASE("agreement: an unknown client is said by the build") {
  v1::Alert request = egress("a", 2, "192.0.2.1");
  request.set_rule("build-request");
  request.mutable_build()->mutable_client()->set_exe("/usr/bin/docker");
  const Alerts truth = {request};
  v1::Alert less = request;
  less.mutable_build()->mutable_client()->clear_exe();
  CHECK(compare(truth, {less}).missing.size() == 1);
  less.add_reasons()->set_code("client-unknown");
  CHECK(compare(truth, {less}).missing.empty());
  less.mutable_connection()->mutable_process()->clear_exe();  // another thing
  CHECK(compare(truth, {less}).missing.size() == 1);
}

TEST_CASE("agreement: what is wrong is found") {
  const Alerts truth = {egress("a", 2, "192.0.2.1"), egress("b", 3, "192.0.2.2")};
  const auto wrong = [&](v1::Alert alert) {
    return !compare(truth, {std::move(alert)}).wrong.empty();
  };
  CHECK_FALSE(wrong(egress("a", 2, "192.0.2.1")));
  CHECK(wrong(egress("a", 3, "192.0.2.1")));
  CHECK(wrong(egress("a", 2, "192.0.2.9")));
  v1::Alert alert = egress("a", 2, "192.0.2.1");
  alert.mutable_connection()->mutable_process()->set_exe("/bin/sh");
  CHECK(wrong(alert));
  alert = egress("a", 2, "192.0.2.1");
  alert.mutable_connection()->mutable_process()->set_ancestors(0, "/bin/bash");
  CHECK(wrong(alert));
  alert = egress("a", 2, "192.0.2.1");
  alert.mutable_build()->mutable_request()->set_tags(0, "tag:2");
  CHECK(wrong(alert));
  alert.mutable_build()->mutable_request()->clear_tags();
  alert.mutable_connection()->mutable_process()->clear_ancestors();
  CHECK_FALSE(wrong(alert));
  CHECK(compare(truth, {alert}).missing.size() == 2);
  alert.set_rule("image-deploy");
  CHECK(wrong(alert));
  CHECK_FALSE(compare(truth, {truth[0], truth[0]}).wrong.empty());
  // Two builds run into one.
  CHECK_FALSE(
      compare(truth, {egress("a", 2, "192.0.2.1"), egress("a", 3, "192.0.2.2")}).wrong.empty());
}

TEST_CASE("agreement: a fact of the build may be told by an earlier alert than in truth") {
  v1::Alert early = egress("a", 2, "192.0.2.1");
  v1::Alert later = egress("a", 3, "192.0.2.2");
  later.mutable_build()->mutable_request()->add_base_images("base:1");
  v1::Alert said = early;
  said.mutable_build()->mutable_request()->add_base_images("base:1");
  CHECK(compare({early, later}, {said}).wrong.empty());
  said.mutable_build()->mutable_request()->set_base_images(0, "base:2");
  CHECK_FALSE(compare({early, later}, {said}).wrong.empty());
}

TEST_CASE("agreement: without DNS's answer a destination has a claimed name or none") {
  const auto named = [](const std::string& source, const std::string& name) {
    auto alert = egress("a", 2, "192.0.2.1");
    if (!name.empty()) alert.mutable_connection()->set_domain(name);
    if (!source.empty()) alert.mutable_connection()->set_domain_source(source);
    return alert;
  };
  const Alerts truth = {named("dns", "files.kiln.test")};
  for (const auto& said : {named("", ""), named("http-host", "other.kiln.test:80")}) {
    CHECK(compare(truth, {said}).wrong.empty());
    CHECK(compare(truth, {said}).missing.empty());
  }
  CHECK_FALSE(compare(truth, {named("dns", "other.kiln.test")}).wrong.empty());
  const Alerts claimed = {named("http-host", "files.kiln.test")};
  CHECK_FALSE(compare(claimed, {named("dns", "files.kiln.test")}).wrong.empty());
  CHECK(compare(claimed, {named("", "")}).missing.size() == 1);
}

TEST_CASE("agreement: without one of its answers an address may have another site's name") {
  v1::Alert real = egress("a", 2, "192.0.2.1");
  real.mutable_connection()->set_domain("files.kiln.test");
  real.mutable_connection()->set_domain_source("dns");
  v1::Alert said = real;
  said.mutable_connection()->set_domain("other.kiln.test");
  CHECK_FALSE(compare({real}, {said}).wrong.empty());
  auto* reason = said.add_reasons();
  reason->set_code("name-differs");
  reason->set_text("the process asks there for files.kiln.test, to which no answer led");
  CHECK(compare({real}, {said}).wrong.empty());
  reason->set_text("the process asks there for third.kiln.test, to which no answer led");
  CHECK_FALSE(compare({real}, {said}).wrong.empty());
}

TEST_CASE("agreement: of two processes that connect at once it may be the other one") {
  v1::Alert real = egress("a", 2, "192.0.2.1");
  v1::Alert other = egress("a", 2, "192.0.2.2");
  real.mutable_connection()->mutable_process()->set_pid(11);
  other.mutable_connection()->mutable_process()->set_pid(12);
  for (v1::Alert* alert : {&real, &other}) alert->mutable_step()->set_container_id("c");
  v1::Alert said = real;
  said.mutable_connection()->mutable_process()->set_pid(12);
  CHECK(compare({real, other}, {said}).wrong.empty());
  other.mutable_step()->set_container_id("d");
  CHECK_FALSE(compare({real, other}, {said}).wrong.empty());
}

TEST_CASE("agreement: an instruction may be told with its flags or without") {
  v1::Alert real = egress("a", 2, "192.0.2.1");
  real.mutable_step()->set_instruction("RUN sync --all");
  v1::Alert said = real;
  said.mutable_step()->set_instruction(
      "RUN --mount=type=cache,target=/x --network=none sync --all");
  CHECK(compare({real}, {said}).wrong.empty());
  said.mutable_step()->set_instruction("RUN --mount=type=cache,target=/x sync");
  CHECK_FALSE(compare({real}, {said}).wrong.empty());
  said.mutable_step()->set_instruction("RUN --mount=type=cache");
  CHECK_FALSE(compare({real}, {said}).wrong.empty());
}

TEST_CASE("agreement: an ambiguous step names the true one") {
  const Alerts truth = {egress("a", 2, "192.0.2.1")};
  v1::Alert alert = egress("b", 7, "192.0.2.1");
  alert.mutable_step()->set_attribution(v1::ATTRIBUTION_AMBIGUOUS);
  CHECK_FALSE(compare(truth, {alert}).wrong.empty());
  auto* reason = alert.add_reasons();
  reason->set_code("candidate");
  reason->set_text("build a step 21");
  CHECK_FALSE(compare(truth, {alert}).wrong.empty());
  reason->set_text("build a step 2: RUN wget");
  CHECK(compare(truth, {alert}).wrong.empty());
  CHECK(compare(truth, {alert}).missing.size() == 1);
}

TEST_CASE("agreement: the story of a deployment is one of its build") {
  v1::Alert deploy;
  deploy.set_rule("image-deploy");
  deploy.mutable_build()->set_id("a");
  deploy.mutable_image()->set_id("sha256:0123456789abcdef");
  deploy.mutable_image()->add_tags("tag:1");
  deploy.mutable_image()->add_tags("tag:2");
  const Alerts truth = {egress("a", 2, "192.0.2.1"), egress("b", 3, "192.0.2.2"), deploy};
  v1::Alert said = deploy;
  said.mutable_image()->set_id("0123456789ab");
  said.mutable_image()->mutable_tags()->RemoveLast();
  *said.mutable_connection() = truth[0].connection();
  CHECK(compare(truth, {said}).wrong.empty());
  *said.mutable_connection() = truth[1].connection();
  CHECK_FALSE(compare(truth, {said}).wrong.empty());
  *said.mutable_connection() = truth[0].connection();
  *said.mutable_chain()->add_links()->mutable_connection() = truth[0].connection();
  CHECK(compare(truth, {said}).wrong.empty());
  *said.mutable_chain()->add_links()->mutable_connection() = truth[1].connection();
  CHECK_FALSE(compare(truth, {said}).wrong.empty());
  said.clear_chain();
  said.clear_connection();
  said.mutable_image()->set_id("ffff456789ab");
  CHECK_FALSE(compare(truth, {said}).wrong.empty());
}

}  // namespace

TEST_CASE("agreement: a deployment whose start was lost is told with who had it created") {
  v1::Alert started;
  started.set_rule("image-deploy");
  started.set_summary("container started from x:1");
  started.mutable_deployment()->set_container_id("c");
  started.mutable_deployment()->mutable_client()->set_pid(2);
  started.mutable_deployment()->mutable_client()->set_uid(0);
  v1::Alert said = started;
  said.mutable_deployment()->mutable_client()->set_pid(1);
  CHECK_FALSE(compare({started}, {said}).wrong.empty());
  said.set_summary("container created, not started so far, from x:1");
  CHECK(compare({started}, {said}).wrong.empty());
  said.mutable_deployment()->mutable_client()->set_uid(7);
  CHECK_FALSE(compare({started}, {said}).wrong.empty());
  said = started;
  said.mutable_deployment()->mutable_client()->set_pid(1);
  said.add_reasons()->set_code("start-unheard");
  CHECK(compare({started}, {said}).wrong.empty());
  said = started;
  said.mutable_deployment()->set_container_id("d");
  CHECK_FALSE(compare({started}, {said}).wrong.empty());
}

TEST_CASE(
    "agreement: a deployment told as created and as started stands for one, if both are true") {
  v1::Alert started;
  started.set_rule("image-deploy");
  started.set_summary("container started from x:1");
  started.mutable_deployment()->set_container_id("c");
  started.mutable_image()->set_id("sha256:a");
  v1::Alert created = started;
  created.set_summary("container created, not started so far, from x:1");
  v1::Alert later = started;
  later.add_reasons()->set_code("told-as-created");
  CHECK(compare({started}, {created, later}).wrong.empty());
  CHECK(compare({created, later}, {started}).missing.empty());
  CHECK_FALSE(compare({started}, {started, later}).wrong.empty());
  CHECK_FALSE(compare({started}, {created, started}).wrong.empty());
  CHECK_FALSE(compare({started}, {created, later, later}).wrong.empty());
  created.mutable_image()->set_id("sha256:b");
  CHECK_FALSE(compare({started}, {created, later}).wrong.empty());
}

TEST_CASE(
    "agreement: another container is named in the place of its mounts, where these are known") {
  v1::Alert truth;
  truth.set_rule("container-powers");
  truth.mutable_deployment()->set_container_id("c");
  truth.mutable_deployment()->add_binds("/:/mnt");
  truth.mutable_deployment()->add_binds("/srv:/srv");
  v1::Alert said = truth;
  said.mutable_deployment()->clear_binds();
  said.mutable_deployment()->add_volumes_from("agent");
  CHECK(compare({truth}, {said}).wrong.empty());
  CHECK(compare({truth}, {said}).missing.empty());
  said.mutable_deployment()->add_binds("/srv:/srv");
  CHECK(compare({truth}, {said}).wrong.empty());
  said.mutable_deployment()->add_binds("/etc:/etc");
  CHECK_FALSE(compare({truth}, {said}).wrong.empty());
  said.mutable_deployment()->clear_binds();
  said.mutable_deployment()->clear_volumes_from();
  CHECK_FALSE(compare({truth}, {said}).missing.empty());
  said.mutable_deployment()->add_volumes_from("agent");
  truth.mutable_deployment()->add_volumes_from("other");
  CHECK_FALSE(compare({truth}, {said}).wrong.empty());
  truth.mutable_deployment()->clear_volumes_from();
  truth.mutable_deployment()->clear_binds();
  CHECK_FALSE(compare({truth}, {said}).wrong.empty());
}

TEST_CASE("agreement: who is given more while it runs may go by its name, nobody else") {
  v1::Alert truth;
  truth.set_rule("container-powers");
  truth.mutable_deployment()->set_container_id("c");
  truth.mutable_deployment()->set_name("web");
  v1::Alert said = truth;
  said.mutable_deployment()->clear_container_id();
  CHECK_FALSE(compare({truth}, {said}).missing.empty());
  said.add_reasons()->set_code("command-privileged");
  CHECK(compare({truth}, {said}).missing.empty());
  said.mutable_deployment()->clear_name();
  CHECK_FALSE(compare({truth}, {said}).missing.empty());
}

TEST_CASE("agreement: creations that were not seen speak of deployments alone") {
  v1::Alert unseen;
  unseen.set_rule("sensor-blind");
  unseen.mutable_health()->set_cause("creation");
  v1::Alert deployed;
  deployed.set_rule("container-powers");
  deployed.mutable_deployment()->set_container_id("c");
  const v1::Alert reached = egress("a", 3, "192.0.2.2");
  CHECK(compare({deployed}, {unseen}).missing.empty());
  const auto result = compare({reached}, {unseen});
  CHECK(result.missing.size() == 1);
  CHECK_FALSE(result.said_blind);
}

TEST_CASE("agreement: ancestors of which one is known by the file it had before") {
  const auto wrong = [](const std::vector<std::string>& said,
                        const std::vector<std::string>& real) {
    v1::Alert truth = egress("a", 2, "192.0.2.1"), alert = truth;
    const auto set = [](v1::Alert& of, const std::vector<std::string>& line) {
      auto& process = *of.mutable_connection()->mutable_process();
      process.clear_ancestors();
      for (const auto& one : line) process.add_ancestors(one);
    };
    set(truth, real);
    set(alert, said);
    return !compare({truth}, {alert}).wrong.empty();
  };
  CHECK_FALSE(wrong({"a", "c"}, {"a", "b", "c"}));       // one that ended is left out
  CHECK_FALSE(wrong({"a", "c", "c"}, {"a", "b", "c"}));  // one by its parent's file
  CHECK_FALSE(wrong({"b", "b", "c"}, {"a", "b", "c"}));  // the nearest
  CHECK(wrong({"x", "b"}, {"a", "b"}));
  CHECK(wrong({"x", "x"}, {"a", "b"}));
  CHECK(wrong({"a", "x", "x"}, {"a", "b", "c"}));
  CHECK(wrong({"a", "b", "c", "c"}, {"a", "b", "c"}));
}

}  // namespace kilnwatch::test
