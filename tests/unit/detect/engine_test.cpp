// An engine's own connections: what explains them, and what is told.
#include <algorithm>
#include <catch2/catch_test_macros.hpp>
#include <string>
#include <vector>

#include "baseline/memory_store.h"
#include "detect/detector.h"
#include "detect/shapes.h"
#include "unit/detect/moments.h"

using namespace kilnwatch;
using namespace kilnwatch::domain;
using test::has;
using tracker::Moment;
using tracker::MomentKind;

namespace {

struct Bench {
  explicit Bench(const std::string& text = {}) { test::configure(detector, text); }
  baseline::MemoryStore store;
  detect::Detector detector{"boot", store, 1'800'000'000'000'000'000};
};

Build with(const std::vector<std::string>& lines, const std::string& remote = {}) {
  Build build;
  build.id = "b1";
  build.request.remote_context = remote;
  build.request.tags = {"registry.company.test/app:1"};
  build.dockerfile = DockerfileSeen{};
  for (const auto& line : lines) {
    build.dockerfile->text += line + "\n";
    if (line.starts_with("#")) continue;
    const bool from = line.starts_with("FROM ");
    build.dockerfile->instructions.push_back({line, line.starts_with("RUN "), from, ""});
    if (from) build.base_images.push_back(line.substr(5));
  }
  return build;
}

Moment to(const Build& build, const std::string& ip, std::uint16_t port, const std::string& name,
          const std::string& sent_from = {}) {
  static int number = 0;
  Moment moment;
  moment.kind = MomentKind::kEngineEgress;
  moment.time = 1'000'000'000;
  moment.build = build;
  moment.among = {build};
  moment.sent_from = sent_from;
  moment.connection = Connection{};
  moment.connection->destination = {ip, port};
  moment.connection->by_engine = true;
  (port == 443 ? moment.connection->tls_name : moment.connection->http_host) = name;
  moment.key = "engine/" + std::to_string(++number);
  return moment;
}

const Build kAdds = with({"FROM alpine:3", "ADD https://files.vendor.test/x.tgz /x", "RUN make"});

}  // namespace

TEST_CASE("What the request names explains a connection of the engine") {
  Bench bench;
  const auto told = [&](const Build& build, const std::string& name, std::uint16_t port = 443) {
    return bench.detector.judge(to(build, "198.51.100.7", port, name)).has_value();
  };
  for (const char* name :
       {"registry-1.docker.io", "auth.docker.io", "production.cloudflare.docker.com",
        "files.vendor.test", "registry.company.test"}) {
    INFO(name);
    CHECK_FALSE(told(kAdds, name));
  }
  CHECK(told(kAdds, "elsewhere.test"));
  CHECK_FALSE(told(kAdds, "elsewhere.test"));  // known since
  CHECK_FALSE(
      told(with({"FROM ghcr.io/a/b", "ADD http://10.1.2.3:8080/x /x"}), "10.1.2.3:8080", 80));
  CHECK_FALSE(
      told(with({"FROM quay.io/a/b:1"}, "https://github.test/u/r.git#main"), "github.test"));
  CHECK_FALSE(told(with({"FROM quay.io/a/b:1"}, "git@github.test:u/r.git"), "github.test"));
  CHECK(told(with({"FROM quay.io/a/b:1"}, "https://github.test/u/r.git#main"),
             "registry-1.docker.io.test"));
  // Where images alone are fetched, their registries say from where.
  CHECK_FALSE(told(with({"FROM quay.io/a/b:1"}), "cdn.quay.test"));
  // A file that is not wholly known, or that hangs on arguments, may name anything.
  auto part = kAdds;
  part.dockerfile->whole = false;
  CHECK_FALSE(told(part, "third.test"));
  CHECK_FALSE(told(with({"FROM $BASE", "ADD https://files.vendor.test/x /x"}), "fourth.test"));
}

TEST_CASE("Where the engine must not be sent is told each time") {
  Bench bench;
  const auto judge = [&](const Build& build, const std::string& ip, std::uint16_t port,
                         const std::string& name, const std::string& sent_from = {}) {
    return bench.detector.judge(to(build, ip, port, name, sent_from));
  };
  for (int i = 0; i < 2; ++i) {
    const auto found = judge(kAdds, "169.254.169.254", 80, "169.254.169.254");
    REQUIRE(found);
    CHECK(found->rule == Rule::kBuildEgress);
    CHECK(found->severity == Severity::kCritical);
    CHECK(has(*found, "cloud-metadata"));
    CHECK(found->summary.starts_with("the engine itself connected to 169.254.169.254 port 80"));
  }
  const auto loop = judge(kAdds, "127.0.0.1", 8500, "");
  REQUIRE(loop);
  CHECK(loop->severity == Severity::kHigh);
  CHECK(has(*loop, "fetch-inside"));
  for (const char* ip : {"169.254.7.7", "fe80::1", "febf::1"}) {
    INFO(ip);
    const auto link = judge(kAdds, ip, 8500, "");
    REQUIRE(link);
    CHECK(has(*link, "fetch-inside"));
  }
  for (const char* ip : {"fec0::1", "fe8::1"}) CHECK_FALSE(judge(kAdds, ip, 8500, ""));
  for (const char* ip : {"fc::1", "fdab:1::2"}) {
    const auto found = judge(kAdds, ip, 80, "intern.test", "files.vendor.test");
    REQUIRE(found);
    CHECK(has(*found, "fetch-inside") == std::string(ip).starts_with("fdab"));
  }
  const auto sent = judge(kAdds, "10.0.0.9", 80, "intern.test", "files.vendor.test");
  REQUIRE(sent);
  CHECK(sent->severity == Severity::kHigh);
  CHECK(has(*sent, "engine-sent-on"));
  // Sent on to where anybody may be.
  const auto cdn = judge(kAdds, "198.51.100.8", 443, "objects.vendor.test");
  REQUIRE(cdn);
  CHECK(cdn->severity == Severity::kLow);
  // No build has the engine fetch anything: some other business of its own.
  CHECK_FALSE(judge(with({"FROM alpine"}), "169.254.169.254", 80, ""));
}

TEST_CASE("A name that several may be meant by is any of them") {
  Bench bench;
  auto moment = to(kAdds, "198.51.100.7", 443, "other.test");
  auto other = with({"FROM quay.io/x", "ADD https://other.test/y /y"});
  other.id = "b2";
  moment.among.push_back(other);
  moment.build.reset();
  CHECK_FALSE(bench.detector.judge(moment));
}

TEST_CASE("Learning takes in what is unexplained, not what is inside") {
  Bench bench("baseline: {learn_for: 1d}\n");
  const auto name = bench.detector.judge(to(kAdds, "198.51.100.8", 443, "objects.vendor.test"));
  REQUIRE(name);
  CHECK(name->severity == Severity::kInfo);
  CHECK(bench.detector.judge(to(kAdds, "169.254.169.254", 80, ""))->severity ==
        Severity::kCritical);
}

TEST_CASE("The image that reads the Dockerfile") {
  CHECK(detect::frontend_of("# syntax=evil.test/f:1\nFROM a\n") == "evil.test/f:1");
  CHECK(detect::frontend_of("#escape=`\n#  SYNTAX = evil.test/f \r\nFROM a\n") == "evil.test/f");
  CHECK(detect::frontend_of("// syntax=evil.test/f\n") == "evil.test/f");
  CHECK(detect::frontend_of("# a comment\n# syntax=evil.test/f\nFROM a\n").empty());
  CHECK(detect::frontend_of("FROM a\n# syntax=evil.test/f\n").empty());
  CHECK(detect::frontend_of("").empty());
  CHECK(detect::frontend_of("#!/x\n# syntax=evil.test/f\n") == "evil.test/f");
  CHECK(detect::frontend_of("\xef\xbb\xbf# syntax=evil.test/f") == "evil.test/f");
  CHECK(detect::frontend_of("#!").empty());
  for (const char* usual :
       {"docker/dockerfile:1", "docker.io/docker/dockerfile:1.7-labs",
        "mirror.test:5000/docker/dockerfile@sha256:ab", "docker/dockerfile-upstream"})
    CHECK(detect::is_usual_frontend(usual));
  CHECK_FALSE(detect::is_usual_frontend("evil/dockerfile"));

  Bench bench;
  Moment moment;
  moment.kind = MomentKind::kBuildRequest;
  moment.build = with({"# syntax=evil.test/f", "FROM a"});
  moment.build->client.process = Process{};
  moment.build->client.process->exe = "/usr/bin/docker";
  moment.build->request.buildkit = true;
  const auto found = bench.detector.judge(moment);
  CHECK(has(*found, "frontend"));
  CHECK(found->severity == Severity::kMedium);
  moment.build->request.buildkit = false;  // the classic builder reads it as a comment
  CHECK_FALSE(has(*bench.detector.judge(moment), "frontend"));
  moment.build = with({"# syntax=docker/dockerfile:1", "FROM a"});
  moment.build->request.buildkit = true;
  CHECK_FALSE(has(*bench.detector.judge(moment), "frontend"));
  moment.build->request.build_arg_names = {"BUILDKIT_SYNTAX"};
  CHECK(has(*bench.detector.judge(moment), "frontend"));
}
