// Builds that are commands through the whole pipeline, and spoilt.
#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>

#include "harness/command_engine.h"
#include "harness/spoilt.h"

namespace kilnwatch::test {
namespace {

const std::string kBase = "docker.io/library/alpine:3";
const std::string kImage = "sha256:" + std::string(64, 'e');
const std::string kContainer(64, 'c');
const domain::StoredImage kEvil{kImage, {}, {"localhost/evil:1"}, CommandEngine::at(1800)};

// podman build as root; the cgroup of a step is a scope of its own.
Events podman_oci() {
  CommandEngine engine;
  engine.execute(100,
                 {10, 1, {"podman", "build", "-t", "evil:1", "--build-arg", "TOKEN=***", "."}});
  engine.dockerfile(100, 10, "FROM " + kBase + "\nRUN wget http://192.0.2.1/\nRUN true\n");
  engine.step(500, {10, 100, "wget http://192.0.2.1/", "192.0.2.1", "crun",
                    "machine.slice/crun-buildah-buildah100.scope"});
  engine.step(1200, {10, 120, "true", "", "crun", "machine.slice/crun-buildah-buildah120.scope"});
  engine.exit(1900, 10);
  engine.store(1900, 10, {kEvil});
  engine.execute(2500, {200, 1, {"podman", "run", "evil:1", "true"}});
  engine.container(2600, 210, 200, kContainer, "deployed", kEvil);
  engine.exit(2900, 200);
  return engine.events();
}

// The same by an unprivileged user: podman executes itself in a user namespace of its own, and the
// step has no cgroup of its own.
Events podman_rootless(bool chroot) {
  CommandEngine engine;
  CommandEngine::Program command{10, 1, {"podman", "build", "-t", "evil:1", "."}};
  command.uid = 1000;
  engine.execute(100, command);
  command.pid = 11;
  command.ppid = 10;
  command.exe = "/usr/bin/podman";
  command.comm = "exe";
  engine.execute(150, command);
  engine.dockerfile(100, 10, "FROM " + kBase + "\nRUN wget http://192.0.2.1/\n");
  engine.execute(300, {40, 11, {"slirp4netns", "--api-socket", "x"}, "/usr/bin/slirp4netns"});
  engine.connect(320, 40, "192.0.2.99");
  const CommandEngine::Step step{11, 100, "wget http://192.0.2.1/", "192.0.2.1", "crun"};
  if (chroot)
    engine.chroot_step(500, step);
  else
    engine.step(500, step);
  engine.exit(1890, 11);
  engine.exit(1900, 10);
  engine.store(1900, 10, {kEvil});
  return engine.events();
}
Events rootless_oci() { return podman_rootless(false); }
Events rootless_chroot() { return podman_rootless(true); }

// buildah looks into no cache: the nth container is the nth RUN.
Events same_line(bool scopes) {
  CommandEngine engine;
  engine.execute(100, {10, 1, {"buildah", "bud", "--runtime", "runc", "-t", "evil:1", "/ctx"}});
  engine.dockerfile(100, 10,
                    "FROM " + kBase + " AS one\nRUN wget http://a/\nFROM " + kBase +
                        "\nCOPY --from=one /p /p\nRUN wget http://a/\n");
  const std::string scope = scopes ? "system.slice/buildah-buildah" : std::string();
  engine.step(500, {10, 100, "wget http://a/", "192.0.2.1", "runc", scopes ? scope + "100" : ""});
  engine.step(1800, {10, 120, "wget http://a/", "192.0.2.2", "runc", scopes ? scope + "120" : ""});
  engine.exit(3900, 10);
  engine.store(3900, 10, {kEvil});
  return engine.events();
}
Events buildah_same_line() { return same_line(false); }
// Each step has a cgroup of its own, in which runc's stages are met before the command.
Events buildah_same_line_scopes() { return same_line(true); }

// Two users build the same file at once.
Events two_users() {
  CommandEngine engine;
  for (const std::uint32_t user : {1u, 2u}) {
    const std::uint32_t pid = user * 1000;
    const auto ms = 100 + user * 7;
    CommandEngine::Program command{
        pid, 1, {"podman", "build", "-t", "of:" + std::to_string(user), "."}};
    command.uid = 1000 + user;
    engine.execute(ms, command);
    engine.dockerfile(ms, pid, "FROM " + kBase + "\nRUN wget http://a/\n");
    engine.step(400 + ms, {pid, pid + 100, "wget http://a/", "192.0.2." + std::to_string(user)});
    engine.exit(1500 + ms, pid);
    engine.store(1500 + ms, pid,
                 {{"sha256:" + std::string(64, static_cast<char>('0' + user)),
                   {},
                   {"localhost/of:" + std::to_string(user)},
                   CommandEngine::at(1400)}});
  }
  return engine.events();
}

Events from_run_commit() {
  CommandEngine engine;
  const std::string working(64, 'd');
  const auto container = CommandEngine::stored(working, "alpine-working-container", kImage);
  engine.execute(100, {10, 1, {"buildah", "from", kBase}});
  engine.exit(300, 10);
  engine.store(300, 10, {}, {container});
  engine.execute(500, {20, 1, {"buildah", "run", "alpine-working-container", "--", "true"}});
  engine.store(500, 20, {}, {container});
  engine.step(600, {20, 100, "true"});
  engine.exit(1100, 20);
  engine.execute(1500, {30,
                        1,
                        {"buildah", "run", "alpine-working-container", "--", "/bin/sh", "-c",
                         "wget http://192.0.2.1/"}});
  engine.store(1500, 30, {}, {container});
  engine.step(1600, {30, 200, "wget http://192.0.2.1/", "192.0.2.1"});
  engine.exit(2200, 30);
  engine.execute(2500, {50, 1, {"buildah", "commit", "alpine-working-container", "evil:1"}});
  engine.store(2500, 50, {}, {container});
  engine.exit(2900, 50);
  engine.store(2900, 50, {kEvil});
  engine.execute(3500, {300, 1, {"podman", "run", "evil:1", "true"}});
  engine.container(3600, 310, 300, kContainer, "deployed", kEvil);
  engine.exit(3900, 300);
  return engine.events();
}

Events kaniko() {
  CommandEngine engine;
  CommandEngine::Program executor{
      10, 5, {"/kaniko/executor", "--dockerfile=Dockerfile", "--destination", "reg/evil:1"}};
  executor.exe = "/kaniko/executor";
  executor.cgroup = "system.slice/docker-" + std::string(64, 'a') + ".scope";
  executor.cgroup_id = 500;
  engine.fork(100, 5, 10);
  engine.execute(1900, executor);  // a runtime prepares a container for long, on a busy machine
  engine.dockerfile(1900, 10, "FROM " + kBase + "\nRUN wget http://192.0.2.1/\n");
  engine.connect(2000, 10, "203.0.113.10", 443);
  CommandEngine::Program command = executor;
  command.pid = 20;
  command.ppid = 10;
  command.args = {"/bin/sh", "-c", "wget http://192.0.2.1/"};
  command.exe = "/bin/sh";
  engine.execute(2500, command);
  command.pid = 21;
  command.ppid = 20;
  command.args = {"wget", "http://192.0.2.1/"};
  command.exe = "/bin/wget";
  engine.execute(2520, command);
  engine.connect(2530, 21, "192.0.2.1");
  engine.exit(2600, 21);
  engine.exit(2610, 20);
  engine.exit(3900, 10);
  return engine.events();
}

Events failing() {
  CommandEngine engine;
  engine.execute(100, {10, 1, {"podman", "build", "-t", "evil:1", "."}});
  engine.dockerfile(100, 10, "FROM " + kBase + "\nRUN wget http://192.0.2.1/; false\n");
  engine.step(500, {10, 100, "wget http://192.0.2.1/; false", "192.0.2.1"});
  engine.exit(1900, 10, 1 << 8);
  return engine.events();
}

const Scenes kAll = {{"podman oci", podman_oci},
                     {"rootless oci", rootless_oci},
                     {"rootless chroot", rootless_chroot},
                     {"same line", buildah_same_line},
                     {"same line, scopes", buildah_same_line_scopes},
                     {"two users", two_users},
                     {"from, run, commit", from_run_commit},
                     {"kaniko", kaniko},
                     {"failing", failing}};

}  // namespace

TEST_CASE("commands: podman build as root, from the command to the deployment") {
  const auto alerts = alerts_of(podman_oci());
  INFO(text_of(alerts));
  REQUIRE(alerts.size() == 3);
  const auto& build = alerts[0].build();
  CHECK(alerts[0].rule() == "build-request");
  CHECK(build.engine() == v1::ENGINE_PODMAN);
  CHECK(build.client().pid() == 10);
  CHECK(build.client().exe() == "/usr/bin/podman");
  CHECK(build.client().transport() == v1::TRANSPORT_UNSPECIFIED);
  CHECK(build.request().base_images(0) == kBase);
  CHECK(build.request().tags(0) == "evil:1");
  CHECK(build.request().build_arg_names(0) == "TOKEN");
  CHECK(build.request().path().empty());
  const auto& step = alerts[1].step();
  CHECK(alerts[1].rule() == "build-egress");
  CHECK(step.attribution() == v1::ATTRIBUTION_EXACT);
  CHECK(step.number() == 2);
  CHECK(step.total() == 3);
  CHECK(step.stage().empty());
  CHECK(step.instruction() == "RUN wget http://192.0.2.1/");
  CHECK(step.container_id() == "buildah-buildah100");
  CHECK(alerts[1].connection().process().exe() == "/bin/wget");
  CHECK(alerts[2].rule() == "image-deploy");
  CHECK(alerts[2].build().id() == build.id());
  CHECK(alerts[2].image().id() == kImage);
  CHECK(alerts[2].image().tags(0) == "localhost/evil:1");
  CHECK(alerts[2].deployment().container_id() == kContainer);
  CHECK(alerts[2].deployment().client().pid() == 200);
  CHECK(alerts[2].deployment().name() == "deployed");
}

TEST_CASE("commands: an unprivileged user's steps are told by lineage, helpers are none") {
  for (const auto& events : {rootless_oci(), rootless_chroot()}) {
    const auto alerts = alerts_of(events);
    INFO(text_of(alerts));
    REQUIRE(alerts.size() == 2);
    CHECK(alerts[0].build().client().pid() == 10);
    CHECK(alerts[0].build().client().uid() == 1000);
    CHECK(alerts[1].rule() == "build-egress");
    CHECK(alerts[1].connection().destination().ip() == "192.0.2.1");
    CHECK(alerts[1].step().number() == 2);
    CHECK(alerts[1].step().attribution() == v1::ATTRIBUTION_EXACT);
  }
}

TEST_CASE("commands: the same line in two stages of a build that takes nothing from a cache") {
  const auto scene = GENERATE(buildah_same_line, buildah_same_line_scopes);
  const auto egress = of_rule(alerts_of(scene()), "build-egress");
  INFO(text_of(egress));
  REQUIRE(egress.size() == 2);
  CHECK(egress[0].build().engine() == v1::ENGINE_BUILDAH);
  CHECK(egress[0].step().stage() == "one");
  CHECK(egress[0].step().number() == 2);
  CHECK(egress[0].step().attribution() == v1::ATTRIBUTION_INFERRED);
  CHECK(egress[1].step().stage() == "stage-1");
  CHECK(egress[1].step().number() == 3);
}

TEST_CASE("commands: two users at once") {
  const auto alerts = alerts_of(two_users());
  INFO(text_of(alerts));
  CHECK(of_rule(alerts, "build-request").size() == 2);
  const auto egress = of_rule(alerts, "build-egress");
  REQUIRE(egress.size() == 2);
  for (const auto& alert : egress) {
    const std::string user = alert.connection().destination().ip().substr(8);
    CHECK(alert.build().request().tags(0) == "of:" + user);
    CHECK(std::to_string(alert.build().client().uid()) == "100" + user);
  }
}

TEST_CASE("commands: buildah from, run and commit are one build") {
  const auto alerts = alerts_of(from_run_commit());
  INFO(text_of(alerts));
  REQUIRE(alerts.size() == 3);
  CHECK(alerts[0].build().request().base_images(0) == kBase);
  CHECK_FALSE(alerts[1].step().has_number());  // some may have gone unseen
  CHECK(alerts[1].step().instruction() == "RUN /bin/sh -c wget http://192.0.2.1/");
  CHECK(alerts[1].step().attribution() == v1::ATTRIBUTION_EXACT);
  CHECK(alerts[2].image().id() == kImage);
  for (const auto& alert : alerts) CHECK(alert.build().id() == alerts[0].build().id());
}

TEST_CASE("commands: kaniko in a container") {
  const auto alerts = alerts_of(kaniko());
  INFO(text_of(alerts));
  REQUIRE(alerts.size() == 2);
  CHECK(alerts[0].build().engine() == v1::ENGINE_KANIKO);
  CHECK(alerts[0].build().container_id() == std::string(64, 'a'));
  CHECK(alerts[1].connection().destination().ip() == "192.0.2.1");
  CHECK(alerts[1].step().number() == 2);
  CHECK(alerts[1].step().container_id() == std::string(64, 'a'));
}

TEST_CASE("commands: a build that fails makes no image") {
  const auto alerts = alerts_of(failing());
  CHECK(of_rule(alerts, "build-egress").size() == 1);
  CHECK(of_rule(alerts, "sensor-blind").empty());
}

TEST_CASE("commands: permuted within 50 ms the very same alerts") { same_in_any_order(kAll); }

TEST_CASE("commands: with lost records never a wrong attribution, and what is missing is said") {
  never_wrong_with_losses(kAll);
}

TEST_CASE("commands: from a late start never a wrong attribution") {
  never_wrong_from_late_starts(kAll);
}

TEST_CASE("commands: a recording gives the same alerts") { same_from_recordings(kAll); }

}  // namespace kilnwatch::test
