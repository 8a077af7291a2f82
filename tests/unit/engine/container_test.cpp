#include <catch2/catch_test_macros.hpp>

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
