#include <catch2/catch_test_macros.hpp>

#include "engine/docker/container.h"
#include "harness/conversation.h"

using namespace kilnwatch;
using namespace kilnwatch::test;

namespace {

std::vector<Turn> create(const std::string& body) {
  const std::string answer = "{\"Id\":\"" + std::string(64, 'c') + "\",\"Warnings\":[]}\n";
  return {asks("POST /v1.41/containers/create?name=web HTTP/1.1\r\nHost: x\r\nContent-Type: "
               "application/json\r\nContent-Length: " +
               std::to_string(body.size()) + "\r\n\r\n" + body),
          answers("HTTP/1.1 201 Created\r\nContent-Length: " + std::to_string(answer.size()) +
                  "\r\n\r\n" + answer),
          asks("POST /v1.41/containers/web/start HTTP/1.1\r\nHost: x\r\n\r\n"),
          answers("HTTP/1.1 204 No Content\r\n\r\n")};
}

}  // namespace

TEST_CASE("Create and start are read with any letter case, the last key wins") {
  const auto turns = create(
      "{\"image\":\"old\",\"IMAGE\":\"evil:1\",\"Env\":[\"PLAIN=canary-env\"],\"HostConfig\":{"
      "\"privileged\":true,"
      "\"Binds\":[\"/:/host\"],\"PidMode\":\"host\",\"CapAdd\":[\"SYS_ADMIN\"]}}");
  for (unsigned seed = 0; seed < 20; ++seed) {
    const auto output = converse(turns, random_split(seed));
    const auto created = facts_of<domain::ContainerCreated>(output);
    REQUIRE(created.size() == 1);
    CHECK(created[0].image == "evil:1");
    CHECK(created[0].name == "web");
    CHECK(created[0].container_id == std::string(64, 'c'));
    CHECK(created[0].privileged);
    CHECK(created[0].binds == std::vector<std::string>{"/:/host"});
    CHECK(created[0].capabilities == std::vector<std::string>{"SYS_ADMIN"});
    CHECK(created[0].host_namespaces == std::vector<std::string>{"pid"});
    REQUIRE(facts_of<domain::ContainerStartAsked>(output).size() == 1);
    CHECK(facts_of<domain::ContainerStartAsked>(output)[0].container == "web");
    REQUIRE(facts_of<domain::ContainerStarted>(output).size() == 1);
    CHECK(facts_of<domain::ContainerStarted>(output)[0].container == "web");
    for (const auto& range : output.safe) CHECK(range.bytes.find("canary") == std::string::npos);
  }
}

TEST_CASE("A body that is no JSON creates nothing that was asked for") {
  const auto created = facts_of<domain::ContainerCreated>(converse(create("{\"Image\":"), whole()));
  REQUIRE(created.size() == 1);
  CHECK(created[0].image.empty());
}

namespace {

using Words = std::vector<std::string>;

// By a body, and by what a recording would keep of it.
domain::ContainerCreated created_by(const std::string& body) {
  const auto output = converse(create(body), whole());
  const auto created = facts_of<domain::ContainerCreated>(output);
  REQUIRE(created.size() == 1);
  const auto again = facts_of<domain::ContainerCreated>(
      converse(create(engine::docker::masked_create(body)), whole()));
  REQUIRE(again.size() == 1);
  CHECK(again[0].devices == created[0].devices);
  CHECK(again[0].unconfined == created[0].unconfined);
  CHECK(again[0].binds == created[0].binds);
  CHECK(again[0].volumes_from == created[0].volumes_from);
  return created[0];
}

}  // namespace

TEST_CASE("Devices, security options and mounts of others are read") {
  const auto made = created_by(
      R"({"Image":"a","HostConfig":{"Devices":[{"PathOnHost":"/dev/sda","PathInContainer":"/dev/x",)"
      R"("CgroupPermissions":"r"},{"PathOnHost":"/dev/mem"}],"DeviceCgroupRules":["b 8:* rwm"],)"
      R"("VolumesFrom":["agent:ro"],"SecurityOpt":["seccomp=unconfined","apparmor:unconfined",)"
      R"("label=disable","no-new-privileges","seccomp={\"a\":1}"],)"
      R"("MaskedPaths":[],"ReadonlyPaths":["/proc/bus"],"UsernsMode":"host"}})");
  CHECK(made.devices == Words{"/dev/sda:r", "/dev/mem:rwm", "b 8:* rwm"});
  CHECK(made.volumes_from == Words{"agent:ro"});
  CHECK(made.unconfined ==
        Words{"seccomp", "apparmor", "label", "masked-paths", "read-only-paths"});
  CHECK(made.host_namespaces == Words{"user"});
  // What clients send who ask for nothing of it.
  const auto plain = created_by(
      R"({"Image":"a","HostConfig":{"Devices":[],"DeviceCgroupRules":null,"VolumesFrom":null,)"
      R"("SecurityOpt":["no-new-privileges:true"],"MaskedPaths":null,"ReadonlyPaths":null}})");
  CHECK(plain.devices.empty());
  CHECK(plain.unconfined.empty());
  CHECK(plain.volumes_from.empty());
  const auto own = created_by(
      R"({"HostConfig":{"MaskedPaths":["/proc/kcore"],"ReadonlyPaths":["/proc/sys","/proc/irq"]}})");
  CHECK(own.unconfined.empty());
}

TEST_CASE("A mount that is read-only, and a volume that is a disk of the host") {
  const auto made = created_by(
      R"({"HostConfig":{"Mounts":[)"
      R"({"Type":"bind","Source":"/etc","Target":"/e","ReadOnly":true},)"
      R"({"Type":"bind","Source":"/root","Target":"/r"},)"
      R"({"Type":"volume","Target":"/d","VolumeOptions":{"DriverConfig":{"Options":)"
      R"({"type":"ext4","device":"/dev/sda1"}}}},)"
      R"({"Type":"volume","Target":"/d","ReadOnly":true,"VolumeOptions":{"DriverConfig":{"Options":)"
      R"({"device":"/dev/sda2"}}}}]}})");
  CHECK(made.binds == Words{"/etc:/e:ro", "/root:/r"});
  CHECK(made.devices == Words{"/dev/sda1:rw", "/dev/sda2:r"});
}

TEST_CASE("More mounts than are kept are counted") {
  std::string binds;
  for (int i = 0; i < 128; ++i) binds += "\"/srv/" + std::to_string(i) + ":/x\",";
  const auto made = created_by("{\"HostConfig\":{\"Binds\":[" + binds + "\"/:/host\"]}}");
  CHECK(made.binds.size() == 128);
  CHECK(made.left_out == 1);
}

TEST_CASE("A command with all capabilities is told, and nothing of it") {
  const auto exec = [](const std::string& path, const std::string& body, const char* status) {
    return converse({asks("POST " + path + " HTTP/1.1\r\nHost: x\r\nContent-Length: " +
                          std::to_string(body.size()) + "\r\n\r\n" + body),
                     answers(std::string("HTTP/1.1 ") + status + "\r\nContent-Length: 0\r\n\r\n")},
                    whole());
  };
  const std::string body =
      R"({"Cmd":["sh","-c","canary"],"Env":["A=canary"],"canary":1,"Privileged":true,"User":"canary"})";
  for (const auto* path : {"/containers/web/exec", "/v1.41/containers/web/exec"}) {
    const auto output = exec(path, body, "201 Created");
    const auto given = facts_of<domain::ContainerEmpowered>(output);
    REQUIRE(given.size() == 1);
    CHECK(given[0].container == "web");
    CHECK(given[0].with.command);
    REQUIRE_FALSE(output.safe.empty());
    for (const auto& range : output.safe) CHECK(range.bytes.find("canary") == std::string::npos);
  }
  const auto none = [&](const std::string& text, const char* status) {
    return facts_of<domain::ContainerEmpowered>(exec("/containers/web/exec", text, status)).empty();
  };
  CHECK(none(body, "409 Conflict"));
  CHECK(none(R"({"Cmd":["sh"],"Privileged":false})", "201 Created"));
  CHECK(none("{", "201 Created"));
}

TEST_CASE("A start by an old client gives what its body has") {
  const auto start = [](const std::string& version) {
    const std::string body = R"({"Privileged":true,"Binds":["/:/host"],"Env":["A=canary"]})";
    return converse({asks("POST " + version +
                          "/containers/web/start HTTP/1.1\r\nHost: x\r\n"
                          "Content-Length: " +
                          std::to_string(body.size()) + "\r\n\r\n" + body),
                     answers("HTTP/1.1 204 No Content\r\n\r\n")},
                    whole());
  };
  const auto output = start("/v1.22");
  const auto given = facts_of<domain::ContainerEmpowered>(output);
  REQUIRE(given.size() == 1);
  CHECK(given[0].container == "web");
  CHECK(given[0].with.privileged);
  CHECK(given[0].with.binds == Words{"/:/host"});
  CHECK(facts_of<domain::ContainerStarted>(output).size() == 1);
  CHECK(facts_of<domain::ContainerStartAsked>(output).size() == 1);
  for (const auto& range : output.safe) CHECK(range.bytes.find("canary") == std::string::npos);
  for (const auto* version : {"", "/v1.24", "/v1.41"})
    CHECK(facts_of<domain::ContainerEmpowered>(start(version)).empty());
}

TEST_CASE("A rename that was done is told") {
  for (const std::string path : {"/containers/web/rename", "/v1.41/containers/web/rename"}) {
    for (const std::string status : {"204 No Content", "409 Conflict"}) {
      const auto output =
          converse({asks("POST " + path + "?name=%2Fother HTTP/1.1\r\nHost: x\r\n\r\n"),
                    answers("HTTP/1.1 " + status + "\r\nContent-Length: 0\r\n\r\n")},
                   whole());
      const auto renamed = facts_of<domain::ContainerRenamed>(output);
      REQUIRE(renamed.size() == (status[0] == '2' ? 1 : 0));
      if (renamed.empty()) continue;
      CHECK(renamed[0].container == "web");
      CHECK(renamed[0].name == "/other");
    }
  }
}
