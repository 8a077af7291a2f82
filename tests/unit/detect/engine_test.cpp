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

Moment deployed(const Build& build) {
  Moment moment;
  moment.kind = MomentKind::kImageDeploy;
  moment.time = 20'000'000'000;
  moment.build = build;
  moment.build->ended = 10'000'000'000;
  moment.deployment = Deployment{};
  moment.deployment->container.image = "x:1";
  return moment;
}

const Build kAdds = with({"FROM alpine:3", "ADD https://files.vendor.test/x.tgz /x", "RUN make"});

}  // namespace

TEST_CASE("What the request names explains a connection of the engine") {
  Bench bench;
  const auto told = [&](const Build& build, const std::string& name, std::uint16_t port = 443) {
    return bench.detector.judge(to(build, "198.51.100.7", port, name)).has_value();
  };
  for (const char* name : {"registry-1.docker.io", "auth.docker.io",
                           "production.cloudflare.docker.com", "registry.company.test"}) {
    INFO(name);
    CHECK_FALSE(told(kAdds, name));
  }
  CHECK(told(kAdds, "elsewhere.test"));
  CHECK_FALSE(told(kAdds, "elsewhere.test"));  // known since
  // Of a context the request was told.
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

TEST_CASE("Where its client has it fetch from is judged as a step's destination is") {
  Bench bench;
  const auto judge = [&](const Build& build, const std::string& ip, std::uint16_t port,
                         const std::string& name, const std::string& sent_from = {}) {
    return bench.detector.judge(to(build, ip, port, name, sent_from));
  };
  const auto named = judge(kAdds, "198.51.100.7", 443, "files.vendor.test");
  REQUIRE(named);
  CHECK(named->severity == Severity::kHigh);
  CHECK(has(*named, "first-seen-on-host"));
  CHECK(has(*named, "name-verified"));
  CHECK_FALSE(has(*named, "engine-unexplained"));
  CHECK(named->build->id == "b1");
  CHECK_FALSE(judge(kAdds, "198.51.100.7", 443, "files.vendor.test"));  // known since
  // Its content network has another address now.
  const auto moved = judge(kAdds, "198.51.100.8", 443, "files.vendor.test");
  REQUIRE(moved);
  CHECK(moved->severity == Severity::kLow);
  CHECK(has(*moved, "known-name"));
  // A step's connection there is no news any more.
  CHECK_FALSE(
      bench.detector.judge(test::connect(1'000'000'000, "198.51.100.7", "files.vendor.test")));

  const auto git = with({"FROM a", "ADD https://forge.test/u/r.git#main /src"});
  CHECK(judge(git, "198.51.100.9", 443, "forge.test")->severity == Severity::kHigh);
  CHECK_FALSE(judge(git, "198.51.100.9", 443, "forge.test"));
  // An engine's port at another host is no place inside.
  const auto port = judge(with({"FROM a", "ADD http://files.vendor.test:2375/x /x"}),
                          "198.51.100.77", 2375, "files.vendor.test");
  REQUIRE(port);
  CHECK_FALSE(judge(with({"FROM a", "ADD http://files.vendor.test:2375/x /x"}), "198.51.100.77",
                    2375, "files.vendor.test"));
  const auto raw = judge(with({"FROM a", "ADD http://10.1.2.3:8080/x /x"}), "10.1.2.3", 8080, "");
  REQUIRE(raw);
  CHECK(raw->severity == Severity::kHigh);
  CHECK(has(*raw, "raw-address"));
  // Whoever is sent on by it is chosen, too.
  const auto sent = judge(kAdds, "198.51.100.10", 80, "objects.test", "files.vendor.test");
  REQUIRE(sent);
  CHECK(sent->severity == Severity::kHigh);
  CHECK(has(*sent, "engine-sent-on"));
}

TEST_CASE("A name that leads inside is told each time") {
  Bench bench;
  const auto judge = [&](const std::string& url, const std::string& ip, std::uint16_t port,
                         const std::string& name) {
    const auto build = with({"FROM a", "ADD " + url + " /x"});
    auto moment = to(build, ip, port, "");
    moment.connection->http_host = name;
    return bench.detector.judge(moment);
  };
  for (int i = 0; i < 2; ++i) {
    const auto cloud = judge("http://rebind.test/x", "169.254.169.254", 80, "rebind.test");
    REQUIRE(cloud);
    CHECK(cloud->severity == Severity::kCritical);
    const auto own = judge("http://rebind.test:8500/x", "127.0.0.1", 8500, "rebind.test");
    REQUIRE(own);
    CHECK(own->severity >= Severity::kHigh);
    CHECK(has(*own, "fetch-inside"));
  }
  const auto context = with({"FROM a"}, "http://rebind.test/Dockerfile");
  for (int i = 0; i < 2; ++i)
    CHECK(
        has(*bench.detector.judge(to(context, "127.0.0.1", 8080, "rebind.test")), "fetch-inside"));
  // Where the URL says so the request was told; as a destination it is told once.
  CHECK(judge("http://localhost:5000/x", "127.0.0.1", 5000, "localhost"));
  CHECK_FALSE(judge("http://localhost:5000/x", "127.0.0.1", 5000, "localhost"));
}

TEST_CASE("A URL that hangs on an argument may be of any host") {
  Bench bench;
  const auto judge = [&](const Build& build, const std::string& host, const std::string& path,
                         const std::string& sent_from = {}) {
    auto moment = to(build, "198.51.100.7", 8080, host, sent_from);
    moment.connection->http_method = "GET";
    moment.connection->http_path = path;
    return bench.detector.judge(moment);
  };
  const auto high = [](const std::optional<Finding>& finding) {
    return finding && finding->severity == Severity::kHigh && has(*finding, "first-seen-on-host");
  };
  auto given = with({"FROM quay.io/a", "ARG H=good.test", "ADD https://$H/p /p"});
  CHECK(high(judge(given, "good.test", "/p")));
  given.request.build_arg_names = {"H"};
  CHECK(high(judge(given, "evil.test", "/p")));
  CHECK(high(bench.detector.judge(to(given, "198.51.100.7", 443, "evil.test"))));
  // Masked: it looks like a secret.
  const auto masked = with({"FROM quay.io/a", "ADD https://***/p /p"});
  CHECK(high(bench.detector.judge(
      to(masked, "198.51.100.8", 443, "glpat-abcdefghij0123456789.evil.test"))));
  // What an image is to be called explains nothing.
  given.request.tags = {"tag.test/x"};
  CHECK(high(bench.detector.judge(to(given, "198.51.100.9", 443, "tag.test"))));

  // What may be a file is one, unless the engine asks for a file.
  const auto file = with({"FROM quay.io/a", "ADD $FILE /p"});
  CHECK(high(judge(file, "third.test", "/p")));
  CHECK_FALSE(bench.detector.judge(to(file, "198.51.100.7", 443, "fourth.test")));
  // A part of an image, from wherever a registry has it, or sends for it.
  CHECK_FALSE(judge(file, "mirror.test", "/v2/a/blobs/sha256:0"));
  CHECK_FALSE(judge(file, "store.test", "/bucket/sha256/0", "quay.io"));
  CHECK_FALSE(judge(file, "quay.io", "/p"));
  auto post = to(file, "198.51.100.7", 4318, "");
  post.connection->http_host = "otel.test";
  post.connection->http_method = "POST";
  post.connection->http_path = "/v1/traces";
  CHECK_FALSE(bench.detector.judge(post));
}

TEST_CASE("Of a connection that a proxy makes the name says nothing of the address") {
  Bench bench;
  const auto build = with({"FROM a", "ADD https://files.vendor.test/x /x"});
  const auto judge = [&] {
    auto moment = to(build, "127.0.0.1", 3128, "");
    moment.connection->http_method = "CONNECT";
    moment.connection->http_host = "files.vendor.test:443";
    moment.connection->http_path = "files.vendor.test:443";
    return bench.detector.judge(moment);
  };
  const auto found = judge();
  REQUIRE(found);
  CHECK(found->severity == Severity::kHigh);
  CHECK(has(*found, "name-unverified"));
  CHECK_FALSE(has(*found, "fetch-inside"));
  CHECK_FALSE(judge());
}

TEST_CASE("A name that was another connection's counts less than what DNS said") {
  const auto build = with({"FROM reg.evil.test/base", "ADD https://evil.test/x /x"});
  const auto judge = [&](bool borrowed, const std::vector<DnsName>& heard) {
    Bench bench;
    auto moment = to(build, "198.51.100.7", 443, borrowed ? "reg.evil.test" : "");
    moment.name_borrowed = borrowed;
    moment.connection->dns_names = heard;
    return bench.detector.judge(moment);
  };
  const DnsName evil{"evil.test", "", true, true}, base{"reg.evil.test", "", true, true};
  for (const bool borrowed : {false, true}) {
    const auto found = judge(borrowed, {base, evil});
    REQUIRE(found);
    CHECK(found->severity == Severity::kHigh);
    CHECK(found->connection->dns_name.name == "evil.test");
    CHECK(found->connection->tls_name == (borrowed ? "evil.test" : ""));
    CHECK_FALSE(judge(borrowed, {base}));
  }
  CHECK_FALSE(judge(true, {}));
}

TEST_CASE("One place of a build is told once, and once more where it is denied") {
  Bench bench("destinations: {deny: [{domain: denied.test}]}\n");
  const auto judge = [&](const std::string& name) {
    auto moment = to(with({"FROM a", "ADD https://a.test/x /x", "ADD https://denied.test/x /x"}),
                     "198.51.100.7", 443, name);
    moment.key = "engine/b1/198.51.100.7/443";
    return bench.detector.judge(moment);
  };
  const auto first = judge("a.test"), second = judge("denied.test");
  REQUIRE(first);
  REQUIRE(second);
  CHECK(has(*second, "denied-destination"));
  CHECK(first->id != second->id);
  CHECK_FALSE(judge("a.test"));
  CHECK_FALSE(judge("denied.test"));
}

TEST_CASE("What the engine fetched is part of its build's chain") {
  Bench bench;
  const auto fetched = bench.detector.judge(to(kAdds, "198.51.100.7", 443, "files.vendor.test"));
  REQUIRE(fetched);
  const auto runs = bench.detector.judge(deployed(kAdds));
  REQUIRE(runs);
  CHECK(runs->severity >= Severity::kHigh);
  CHECK(has(*runs, "chain-closed"));
  REQUIRE(runs->chain);
  REQUIRE(runs->chain->links.size() == 1);
  CHECK(runs->chain->links[0].finding == fetched->id);
  CHECK(runs->chain->links[0].connection.by_engine);

  // Of two builds that name it either may be meant.
  Bench second;
  auto moment = to(kAdds, "198.51.100.7", 443, "files.vendor.test");
  auto other = kAdds;
  other.id = "b2";
  moment.among.push_back(other);
  moment.build.reset();
  CHECK_FALSE(second.detector.judge(moment)->build);
  const auto perhaps = second.detector.judge(deployed(kAdds));
  REQUIRE(perhaps);
  CHECK(has(*perhaps, "chain-closed"));
  CHECK_FALSE(perhaps->chain);
  // Of three builds of which two name it these two are.
  Bench fourth;
  moment.among.push_back(with({"FROM quay.io/a"}));
  moment.among[2].id = "b3";
  moment.reasons = {
      {"candidate", "build b1"}, {"candidate", "build b2"}, {"candidate", "build b3"}};
  const auto two = fourth.detector.judge(moment);
  REQUIRE(two);
  CHECK(std::count_if(two->reasons.begin(), two->reasons.end(),
                      [](const Reason& reason) { return reason.code == "candidate"; }) == 2);
  moment.among.pop_back();
  // Of two builds of which one names it that one is.
  Bench third;
  moment.among[1] = with({"FROM quay.io/a"});
  moment.among[1].id = "b2";
  CHECK(third.detector.judge(moment)->build->id == "b1");
}

TEST_CASE("What is allowed, denied or learned of what the engine fetches") {
  Bench allowed("destinations: {allow: [{domain: files.vendor.test}]}\n");
  const auto low = allowed.detector.judge(to(kAdds, "198.51.100.7", 443, "files.vendor.test"));
  REQUIRE(low);
  CHECK(low->severity == Severity::kLow);
  CHECK_FALSE(has(*allowed.detector.judge(deployed(kAdds)), "chain-closed"));
  Bench denied("destinations: {deny: [{domain: files.vendor.test}]}\n");
  for (int i = 0; i < 2; ++i)
    CHECK(has(*denied.detector.judge(to(kAdds, "198.51.100.7", 443, "files.vendor.test")),
              "denied-destination"));
  Bench learns("baseline: {learn_for: 1d}\n");
  CHECK(learns.detector.judge(to(kAdds, "198.51.100.7", 443, "files.vendor.test"))->severity ==
        Severity::kInfo);
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
  CHECK(bench.detector.judge(moment)->build->id == "b2");
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
