#include <catch2/catch_test_macros.hpp>

#include "harness/archive.h"
#include "harness/facts.h"
#include "harness/podman.h"

using namespace kilnwatch;
using namespace kilnwatch::test;

namespace {

const std::string kImage(64, 'a');

std::vector<Turn> compat_build(const std::string& body, const std::string& type) {
  return {asks("POST /v1.41/build?t=evil:1&T=evil:2&buildargs=%7B%22TOKEN%22%3A%22kw-canary%22%7D"
               "&secrets=%5B%22id%3Dkw-canary%22%5D HTTP/1.1\r\nHost: d\r\nX-Registry-Config: "
               "kw-canary\r\nContent-Type: " +
               type + "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body),
          answers(kChunkedOk),
          answers(podman_says("STEP 1/3: FROM base:1\\n")),
          answers(podman_says("STEP 2/3: RUN wget http://198.51.100.66/\\n")),
          answers(podman_says("output of kw-canary\\n")),
          answers(podman_says("--\\u003e 0123456789ab\\n")),
          answers(podman_says("STEP 3/3: RUN true\\n")),
          answers(podman_says("--\\u003e Using cache " + kImage + "\\n")),
          answers(podman_says("COMMIT evil:1\\n")),
          answers(podman_message("{\"aux\":{\"ID\":\"sha256:" + kImage + "\"}}")),
          answers(podman_says("Successfully built aaaaaaaaaaaa\\n")),
          answers(podman_says("Successfully tagged evil:1\\n")),
          answers("0\r\n\r\n")};
}

std::string archive() {
  return tar_entry("app.env", "PASSWORD=kw-canary\n") +
         tar_entry("Dockerfile", "FROM base:1\nRUN wget http://198.51.100.66/\nRUN true\n") +
         std::string(1024, '\0');
}

void check_build(const engine::Output& output) {
  const auto requests = facts_of<domain::BuildRequested>(output);
  REQUIRE(requests.size() == 1);
  CHECK(requests[0].engine == domain::EngineKind::kPodman);
  CHECK(requests[0].tags == std::vector<std::string>{"evil:1", "evil:2"});
  CHECK(requests[0].build_arg_names == std::vector<std::string>{"TOKEN"});
  CHECK(requests[0].network_mode == "host");
  CHECK_FALSE(requests[0].no_cache);
  const auto files = facts_of<domain::DockerfileSeen>(output);
  REQUIRE(files.size() == 1);
  CHECK(files[0].base_images == std::vector<std::string>{"base:1"});
  const auto steps = facts_of<domain::BuildStepAnnounced>(output);
  REQUIRE(steps.size() == 3);
  CHECK(steps[1].number == 2);
  CHECK(steps[1].total == 3);
  CHECK(steps[1].stages == 0);
  CHECK(steps[1].instruction == "RUN wget http://198.51.100.66/");
  const auto images = facts_of<domain::BuildImageAnnounced>(output);
  REQUIRE(images.size() == 2);
  CHECK(images[0].id == "sha256:" + kImage);
  CHECK_FALSE(images[0].final);
  CHECK(images[1].final);
  const auto ends = facts_of<domain::BuildEnded>(output);
  REQUIRE(ends.size() == 1);
  CHECK(ends[0].status == domain::BuildStatus::kSucceeded);
  CHECK(everything(output).find("kw-canary") == std::string::npos);
  CHECK(apart(output.safe));
}

void any_split(const std::vector<Turn>& turns,
               const std::function<void(const engine::Output&)>& check) {
  check(podman_converse(turns, whole()));
  check(podman_converse(turns, single()));
  for (unsigned seed = 0; seed < 20; ++seed) check(podman_converse(turns, random_split(seed)));
}

std::size_t builds(const std::string& start) {
  const auto output = podman_converse({asks(start + " HTTP/1.1\r\nHost: x\r\n\r\n")}, whole());
  return facts_of<domain::BuildRequested>(output).size();
}

}  // namespace

TEST_CASE("A build by podman's compat API is the same however its bytes are cut") {
  any_split(compat_build(archive(), "application/x-tar"), check_build);
}

TEST_CASE("The context is found in a part of a multipart body, whatever stands around it") {
  const auto part = [](const std::string& name, const std::string& bytes) {
    return "--XyZ\r\nContent-Disposition: form-data; name=\"" + name + "\"; filename=\"f\"\r\n" +
           "X-Other: kw-canary\r\n\r\n" + bytes + "\r\n";
  };
  const auto other = tar_entry("Dockerfile", "FROM kw-canary:1\n") + std::string(1024, '\0');
  const auto type = "multipart/form-data; boundary=XyZ";
  any_split(compat_build("preamble\r\n" + part("build-context-a", other + "\r\n--XyZa\r\n") +
                             part("MainContext", archive()) + part("build-context-b", other) +
                             "--XyZ--\r\n",
                         type),
            check_build);
  // A longer word than the boundary ends no part.
  const auto tricky = tar_entry("a", "x\r\n--XyZy\r\n\r\n--XyZ") + archive();
  any_split(compat_build(part("MainContext", tricky) + "--XyZ--\r\n", type), check_build);
}

TEST_CASE("podman's routes: paths as they are sent, its own only with a version") {
  CHECK(builds("POST /build") == 1);
  CHECK(builds("POST /v1.41/build?t=x") == 1);
  CHECK(builds("POST /v5.0.0/libpod/build") == 1);
  CHECK(builds("POST /v4.0.0-rc1/libpod/local/build?localcontextdir=/x") == 1);
  CHECK(builds("POST http://d/v5.0.0/libpod/build") == 1);
  CHECK(builds("POST /libpod/build") == 0);
  CHECK(builds("POST /vx/build") == 0);
  CHECK(builds("POST /v1.41/%62uild") == 0);
  CHECK(builds("POST //build") == 0);
  CHECK(builds("POST /v1.41/local/build") == 0);
  CHECK(builds("GET /build") == 0);
}

TEST_CASE("Where the context and the Dockerfile of a build are") {
  const auto request = [](const std::string& target) {
    const auto output =
        podman_converse({asks("POST " + target + " HTTP/1.1\r\nHost: x\r\n\r\n")}, whole());
    const auto found = facts_of<domain::BuildRequested>(output);
    REQUIRE(found.size() == 1);
    return found[0];
  };
  auto one = request("/v5.0.0/libpod/build?remote=http://198.51.100.66/Dockerfile&layers=1");
  CHECK(one.remote_context == "http://198.51.100.66/Dockerfile");
  CHECK_FALSE(one.no_cache);
  // The compat API looks at no remote context, but at a remote Dockerfile.
  one = request("/build?remote=http://198.51.100.66/a&dockerfile=http://198.51.100.66/b");
  CHECK(one.remote_context == "http://198.51.100.66/b");
  one = request("/v5.0.0/libpod/build?dockerfile=%5B%22a/Containerfile%22%5D&jobs=4");
  CHECK(one.dockerfile_name == "a/Containerfile");
  CHECK(one.no_cache);
  CHECK(one.parallel);
  one = request(
      "/v5.0.0/libpod/build?nsoptions=%5B%7B%22Name%22%3A%22network%22%2C%22Host%22%3Afalse%7D%5D");
  CHECK(one.network_mode.empty());
  one = request("/build?q=1&nocache=true&target=b&networkmode=NetworkDisabled");
  CHECK(one.quiet);
  CHECK(one.no_cache);
  CHECK(one.target == "b");
  CHECK(one.network_mode == "none");
}

TEST_CASE("podman's own API ends with the image's id alone, stages have numbers") {
  const std::vector<Turn> turns = {
      asks("POST /v5.0.0/libpod/build?t=evil:3 HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n"),
      answers(kChunkedOk),
      answers(podman_says("[1/2] STEP 1/2: FROM a AS first\\n")),
      answers(podman_says("[2/2] STEP 2/3: RUN curl -u me:kw-canary http://x/\\n")),
      answers(podman_says("[2/2] STEP 4: LABEL a=b\\n")),
      answers(podman_says("[2/2] COMMIT evil:3\\n")),
      answers(podman_says("Successfully tagged localhost/evil:3\\n")),
      answers(podman_says(kImage + "\\n")),
      answers("0\r\n\r\n")};
  any_split(turns, [](const engine::Output& output) {
    const auto steps = facts_of<domain::BuildStepAnnounced>(output);
    REQUIRE(steps.size() == 3);
    CHECK(steps[1].stage == 2);
    CHECK(steps[1].stages == 2);
    CHECK(steps[2].total == 0);
    const auto images = facts_of<domain::BuildImageAnnounced>(output);
    REQUIRE(images.size() == 1);
    CHECK(images[0].id == "sha256:" + kImage);
    CHECK(images[0].final);
    CHECK(facts_of<domain::BuildEnded>(output)[0].status == domain::BuildStatus::kSucceeded);
    CHECK(everything(output).find("kw-canary") == std::string::npos);
  });
}

TEST_CASE("A step that fails, a request that is refused, a client that leaves") {
  const auto ended = [](std::vector<Turn> turns) {
    turns.insert(
        turns.begin(),
        asks("POST /v5.0.0/libpod/build HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n"));
    const auto ends = facts_of<domain::BuildEnded>(podman_converse(turns, single()));
    REQUIRE(ends.size() == 1);
    return ends[0];
  };
  const auto failed = ended(
      {answers(kChunkedOk), answers(podman_says("STEP 1/1: RUN false\\n")),
       answers(podman_message(R"({"error":"building at STEP \"RUN false\": exit status 1\n",)"
                              R"("errorDetail":{"message":"building at STEP \"RUN false\""}})")),
       answers("0\r\n\r\n")});
  CHECK(failed.status == domain::BuildStatus::kFailed);
  CHECK(failed.message.find("RUN false") != std::string::npos);
  CHECK(ended({answers("HTTP/1.1 400 Bad Request\r\nContent-Length: 2\r\n\r\n{}")}).status ==
        domain::BuildStatus::kRefused);
  // Its last line may be a step's.
  CHECK(ended({answers(kChunkedOk), answers(podman_says("STEP 1/1: RUN x\\n")),
               answers(podman_says(kImage + "\\n"))})
            .status == domain::BuildStatus::kCancelled);
}

TEST_CASE("A build met midway is known by its builder's lines") {
  const auto output = podman_converse(
      {answers(podman_says("noise\\n")), answers(podman_says("STEP 2/3: RUN wget http://x/\\n"))},
      whole(), true);
  const auto requests = facts_of<domain::BuildRequested>(output);
  REQUIRE(requests.size() == 1);
  CHECK(requests[0].midway);
  CHECK(requests[0].engine == domain::EngineKind::kPodman);
  CHECK(facts_of<domain::BuildStepAnnounced>(output).size() == 1);
}

TEST_CASE("A container made by podman's own API, its environment masked") {
  const std::string body =
      R"({"image":"localhost/evil:3","name":"dep","privileged":true,"cap_add":["CAP_SYS_ADMIN"],)"
      R"("env":{"PLAIN":"kw-canary","A":"kw\"canary"},"labels":{"l":"kw-canary"},)"
      R"("command":["sh","-c","kw-canary"],"netns":{"nsmode":"host"},"pidns":{"nsmode":"private"},)"
      R"("devices":[{"path":"/dev/sda:/dev/x"},{"path":"/dev/sdb:/dev/y:r"},{"path":"/dev/sdc:r"}],)"
      R"("device_cgroup_rule":[{"allow":true,"type":"b","major":8,"access":"rwm"},{"allow":false}],)"
      R"("volumes_from":["agent:ro"],"seccomp_profile_path":"unconfined","unmask":["ALL"],)"
      R"("apparmor_profile":"unconfined","selinux_opts":["disable"],"userns":{"nsmode":"host"},)"
      R"("mounts":[{"destination":"/x","type":"bind","source":"/etc","options":["rbind","ro"]},)"
      R"({"destination":"/t","type":"tmpfs","source":"tmpfs"}]})";
  const std::string id(64, 'c');
  any_split(
      {asks(with_length("POST /v5.0.0/libpod/containers/create HTTP/1.1\r\nHost: x\r\n", body)),
       answers(with_length("HTTP/1.1 201 Created\r\n", "{\"Id\":\"" + id + "\",\"Warnings\":[]}")),
       asks("POST /v5.0.0/libpod/containers/dep%2e1/start HTTP/1.1\r\nHost: x\r\n\r\n"),
       answers("HTTP/1.1 204 No Content\r\n\r\n"),
       asks("POST /v5.0.0/libpod/containers/dep/rename?name=b HTTP/1.1\r\nHost: x\r\n\r\n"),
       answers("HTTP/1.1 204 No Content\r\n\r\n")},
      [&](const engine::Output& output) {
        const auto made = facts_of<domain::ContainerCreated>(output);
        REQUIRE(made.size() == 1);
        CHECK(made[0].container_id == id);
        CHECK(made[0].image == "localhost/evil:3");
        CHECK(made[0].name == "dep");
        CHECK(made[0].privileged);
        CHECK(made[0].binds == std::vector<std::string>{"/etc:/x:ro"});
        CHECK(made[0].devices ==
              std::vector<std::string>{"/dev/sda:rwm", "/dev/sdb:r", "/dev/sdc:r", "b 8:* rwm"});
        CHECK(made[0].volumes_from == std::vector<std::string>{"agent:ro"});
        CHECK(made[0].unconfined == std::vector<std::string>{"seccomp", "apparmor", "label",
                                                             "masked-paths", "read-only-paths"});
        CHECK(made[0].capabilities == std::vector<std::string>{"CAP_SYS_ADMIN"});
        CHECK(made[0].host_namespaces == std::vector<std::string>{"net", "user"});
        const auto started = facts_of<domain::ContainerStarted>(output);
        REQUIRE(started.size() == 1);
        CHECK(started[0].container == "dep.1");
        const auto renamed = facts_of<domain::ContainerRenamed>(output);
        REQUIRE(renamed.size() == 1);
        CHECK(renamed[0].container == "dep");
        CHECK(renamed[0].name == "b");
        CHECK(everything(output).find("canary") == std::string::npos);
      });
}

TEST_CASE("How images come by podman's API") {
  using domain::Arrival;
  const auto moved = [](const std::string& start, const std::string& answer,
                        const std::string& status = "200 OK") {
    const auto output =
        podman_converse({asks(start + " HTTP/1.1\r\nHost: x\r\nX-Registry-Auth: kw-canary\r\n\r\n"),
                         answers(with_length("HTTP/1.1 " + status + "\r\n", answer))},
                        single());
    CHECK(everything(output).find("kw-canary") == std::string::npos);
    return facts_of<domain::ImageMoved>(output);
  };
  auto all =
      moved("POST /v5.0.0/libpod/commit?container=c&repo=r&tag=1", "{\"Id\":\"" + kImage + "\"}\n");
  REQUIRE(all.size() == 1);
  CHECK(all[0].reference == "r:1");
  CHECK(all[0].image == "sha256:" + kImage);
  CHECK(all[0].arrival == Arrival::kCommit);
  CHECK(all[0].certain);
  all = moved("POST /v1.41/commit?container=c&repo=r", "{\"Id\":\"" + kImage + "\"}\n",
              "201 Created");
  REQUIRE(all.size() == 1);
  all = moved("POST /v5.0.0/libpod/images/load", R"({"Names":["localhost/a:1","localhost/b:1"]})");
  REQUIRE(all.size() == 2);
  CHECK(all[1].reference == "localhost/b:1");
  CHECK(all[1].arrival == Arrival::kLoad);
  CHECK(moved("POST /images/load", R"({"stream":"Loaded image: a:1,b:1"})").size() == 2);
  all = moved("POST /v5.0.0/libpod/images/import?reference=i:1",
              "{\"Id\":\"sha256:" + kImage + "\"}");
  REQUIRE(all.size() == 1);
  CHECK(all[0].reference == "i:1");
  CHECK(all[0].arrival == Arrival::kImport);
  all = moved("POST /images/create?fromSrc=-&repo=i&tag=2",
              "{\"status\":\"sha256:" + kImage + "\",\"id\":\"sha256:" + kImage + "\"}");
  REQUIRE(all.size() == 1);
  CHECK(all[0].reference == "i:2");
  all = moved(
      "POST /v5.0.0/libpod/images/pull?reference=p:1",
      "{\"stream\":\"Trying\"}\n{\"images\":[\"" + kImage + "\"],\"id\":\"" + kImage + "\"}\n");
  REQUIRE(all.size() == 1);
  CHECK(all[0].image == "sha256:" + kImage);
  all = moved("POST /images/create?fromImage=p&tag=1",
              "{\"status\":\"Pulling fs layer\",\"id\":\"aaaaaaaaaaaa\"}\n"
              "{\"status\":\"Download complete\",\"id\":\"bbbbbbbbbbbb\"}\n");
  REQUIRE(all.size() == 1);
  CHECK_FALSE(all[0].certain);
  CHECK(moved("POST /images/create?fromImage=p&tag=1", "{\"error\":\"no\"}\n").empty());
  CHECK(moved("POST /images/load", "{}", "500 Internal Server Error").empty());
}

TEST_CASE("After a gap at any byte of a podman build nothing crashes and no step is made up") {
  const auto turns = compat_build(archive(), "application/x-tar");
  for (std::size_t turn = 0; turn < turns.size(); ++turn) {
    for (std::size_t at = 0; at < turns[turn].bytes.size(); at += turn == 0 ? 41 : 1) {
      auto cut = turns;
      cut[turn].bytes.resize(at);
      cut.insert(cut.begin() + static_cast<std::ptrdiff_t>(turn) + 1,
                 {loses(turns[turn].direction, 1),
                  {turns[turn].direction, turns[turn].bytes.substr(at + 1), Turn::Kind::kData}});
      const auto output = podman_converse(cut, whole());
      CHECK(!facts_of<domain::ConversationBlind>(output).empty());
      for (const auto& step : facts_of<domain::BuildStepAnnounced>(output)) CHECK(step.number <= 3);
      CHECK(everything(output).find("kw-canary") == std::string::npos);
    }
  }
}

TEST_CASE("The socket of an ssh agent for steps is no API") {
  domain::ConnOpened opened;
  opened.engine = domain::EngineKind::kPodman;
  opened.path = "/var/tmp/.buildah-ssh-sock123/ssh_auth_sock";
  const auto conversation = engine::make_conversation(opened);
  engine::Output output;
  const std::string bytes("\0\0\0\1\x0bPOST /build HTTP/1.1\r\n\r\n", 28);
  conversation->data({domain::Direction::kRequest, 1, 0, bytes, false, true}, output);
  conversation->close(2, output);
  CHECK(output.facts.empty());
  CHECK(output.safe.empty());
}

TEST_CASE("podman: a folder of the host in the place of an image, and a privileged command") {
  const std::string id(64, 'c');
  const auto output = podman_converse(
      {asks(with_length("POST /v5.0.0/libpod/containers/create HTTP/1.1\r\nHost: x\r\n",
                        R"({"name":"a","rootfs":"/"})")),
       answers(with_length("HTTP/1.1 201 Created\r\n", "{\"Id\":\"" + id + "\"}")),
       asks(with_length("POST /v5.0.0/libpod/containers/a/exec HTTP/1.1\r\nHost: x\r\n",
                        R"({"Cmd":["sh"],"Privileged":true})")),
       answers(with_length("HTTP/1.1 201 Created\r\n", "{\"Id\":\"" + id + "\"}"))},
      whole());
  const auto made = facts_of<domain::ContainerCreated>(output);
  REQUIRE(made.size() == 1);
  CHECK(made[0].binds == std::vector<std::string>{"/:/"});
  const auto given = facts_of<domain::ContainerEmpowered>(output);
  REQUIRE(given.size() == 1);
  CHECK(given[0].container == "a");
  CHECK(given[0].with.command);
}
