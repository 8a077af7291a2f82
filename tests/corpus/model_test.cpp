// The means of the corpus, so that its figures mean something.
#include <algorithm>
#include <catch2/catch_test_macros.hpp>
#include <set>

#include "corpus/company.h"
#include "corpus/plans.h"
#include "harness/recordings.h"
#include "harness/spoilt.h"

namespace kilnwatch::test::corpus {
namespace {

const std::string kFolder = KILNWATCH_COMPANY;

const Shapes& shapes() {
  static const Shapes read = Shapes::read(kFolder + "/clients.txt");
  return read;
}

std::vector<std::string> fetched(const std::string& run) {
  std::vector<std::string> repositories, out;
  for (const auto& fetch : shapes().fetches_of("RUN " + run, repositories))
    out.push_back(fetch.name + ":" + std::to_string(fetch.port));
  return out;
}

using Texts = std::vector<std::string>;

// A build that is played alone, and what is told where nothing is known.
Events played(const Build& build) {
  const auto internet = Internet::read(kFolder + "/names.txt");
  Site site(internet, 7);
  site.play(build, 5000);
  return site.events();
}

Alerts told(const Build& build) {
  return run_pipeline(info().host, played(build), Baseline::kForgets);
}

Build small(Builder builder) {
  Build build;
  build.id = "one";
  build.builder = builder;
  build.tag = "company/one:1";
  build.plan =
      plan_of("one",
              "FROM registry.company.test/alpine:3 AS build\nRUN apk add git\n"
              "COPY a /a\nRUN curl -fsS https://artifacts.company.test/a.tgz && echo \"a\"\n"
              "FROM registry.company.test/alpine:3\nCOPY --from=build /a /a\n",
              shapes());
  build.run = Run{"one-run"};
  return build;
}

}  // namespace

TEST_CASE("corpus: what the commands of a line fetch") {
  CHECK(fetched("echo hello && make build").empty());
  CHECK(fetched("curl -fsSL https://a.test/x -o /x") == Texts{"a.test:443"});
  CHECK(fetched("DEBIAN_FRONTEND=x apt-get install -y git") == Texts{"deb.debian.test:80"});
  CHECK(fetched("--mount=type=cache,target=/c go mod download") ==
        Texts{"proxy.golang.test:443", "sum.golang.test:443", "proxy.golang.test:443",
              "storage.golang.test:443"});
  CHECK(fetched("wget -qO /l https://github.test/o/r/releases/download/v1/l") ==
        Texts{"github.test:443", "objects.github.test:443"});
  CHECK(fetched("./mvnw -B package").front() == "repo.maven.test:443");
  CHECK(fetched("pip install --extra-index-url https://pypi.company.test/simple/ x").back() ==
        "pypi.company.test:443");
  std::vector<std::string> repositories;
  shapes().fetches_of("RUN echo \"deb [signed-by=/k] https://r.test/d main\" > /etc/l",
                      repositories);
  CHECK(repositories == Texts{"https://r.test/d"});
  CHECK(shapes().fetches_of("RUN apt-get install -y x", repositories).back().name == "r.test");
}

TEST_CASE("corpus: forty Dockerfiles, and every name that they reach is one of the company's") {
  const auto plans = company_plans(kFolder + "/builds", shapes());
  CHECK(plans.size() == 40);
  const auto internet = Internet::read(kFolder + "/names.txt");
  Random random(1);
  std::set<std::string> names;
  for (const auto& plan : plans) {
    INFO(plan.name);
    CHECK_FALSE(plan.bases.empty());
    for (const auto& step : plan.steps) {
      for (const auto& fetch : step.fetches) {
        INFO(fetch.name);
        CHECK_FALSE(internet.resolve(fetch.name, 0, random).addresses.empty());
        names.insert(fetch.name);
      }
    }
  }
  CHECK(names.size() >= 30);
}

TEST_CASE("corpus: names keep, addresses of content networks rotate and are shared") {
  const auto internet = Internet::read(kFolder + "/names.txt");
  Random random(1);
  const auto of = [&](const std::string& name, std::uint64_t day) {
    std::set<std::string> out;
    for (int i = 0; i < 50; ++i) {
      const auto found = internet.resolve(name, day * 86'400'000, random);
      out.insert(found.addresses.begin(), found.addresses.end());
    }
    return out;
  };
  const auto common = [](const auto& a, const auto& b) {
    return std::count_if(a.begin(), a.end(), [&](const auto& one) { return b.contains(one); });
  };
  CHECK(of("pypi.test", 0).size() == 8);
  CHECK(common(of("pypi.test", 0), of("pypi.test", 1)) == 5);
  CHECK(common(of("pypi.test", 0), of("pypi.test", 4)) == 0);
  CHECK(of("artifacts.company.test", 0) == of("artifacts.company.test", 9));
  CHECK(internet.resolve("nobody.test", 0, random).addresses.empty());
}

TEST_CASE("corpus: a played build is the chain that the engines' recordings give") {
  for (const auto builder : {Builder::kClassic, Builder::kBuildKit, Builder::kPodman}) {
    const auto alerts = told(small(builder));
    INFO(static_cast<int>(builder) << "\n" << text_of(alerts));
    REQUIRE(of_rule(alerts, "build-request").size() == 1);
    CHECK(of_rule(alerts, "sensor-blind").empty());
    const auto egress = of_rule(alerts, "build-egress");
    REQUIRE(egress.size() >= 2);
    for (const auto& alert : egress) {
      CHECK(alert.step().attribution() == v1::ATTRIBUTION_EXACT);
      CHECK(alert.connection().domain_source() == "dns");
      CHECK(alert.build().request().tags(0).ends_with("company/one:1"));
    }
    CHECK(egress.front().connection().domain() == "dl-cdn.alpine.test");
    CHECK(egress.front().connection().process().exe() == "/sbin/apk");
    CHECK(egress.back().connection().domain() == "artifacts.company.test");
    CHECK(egress.back().step().instruction().find("RUN curl") == 0);
    REQUIRE(of_rule(alerts, "image-deploy").size() == 1);
    CHECK(of_rule(alerts, "image-deploy")[0].build().id() == egress[0].build().id());
  }
}

TEST_CASE(
    "corpus: what a step's own resolver says is true where the host heard it, and no forgery") {
  auto rootless = small(Builder::kPodman);
  rootless.rootless = true;
  rootless.asker.uid = 1001;
  auto compose = small(Builder::kClassic);
  compose.network = "shop_default";
  compose.own_network = true;
  for (auto build : {rootless, compose}) {
    auto egress = of_rule(told(build), "build-egress");
    REQUIRE_FALSE(egress.empty());
    for (const auto& alert : egress) CHECK(alert.connection().domain_source() == "dns");
    const auto events = played(build);
    for (std::uint64_t seed = 0; seed < 5; ++seed) {
      const auto permuted = permute(events, 50 * Site::kMs, seed);
      CHECK(text_of(run_pipeline(info().host, permuted, Baseline::kForgets)) ==
            text_of(told(build)));
    }
    for (auto& step : build.plan.steps) {
      for (auto& fetch : step.fetches) fetch.answer = Answer::kForged;
    }
    egress = of_rule(told(build), "build-egress");
    REQUIRE_FALSE(egress.empty());
    for (const auto& alert : egress) CHECK(alert.connection().domain_source() != "dns");
  }
}

TEST_CASE("corpus: builds out of recordings keep their steps and what they fetch") {
  const auto plans = recorded_plans_in(KILNWATCH_CASES, "main-chain-cli");
  REQUIRE(plans.size() == 2);
  for (const auto& plan : plans) {
    REQUIRE(plan.steps.size() == 2);
    CHECK(plan.steps[0].is_from);
    REQUIRE(plan.steps[1].fetches.size() == 1);
    CHECK(plan.steps[1].fetches[0].address == "198.51.100.66");
    CHECK(plan.steps[1].fetches[0].port == 8080);
    CHECK(plan.bases == Texts{"203.0.113.10:5000/alpine:3"});
  }
  // Played, such a plan is told as what was recorded.
  Build build = small(Builder::kClassic);
  build.plan = plans[0];
  const auto egress = of_rule(told(build), "build-egress");
  REQUIRE(egress.size() == 1);
  CHECK(egress[0].step().instruction() == plans[0].steps[1].text);
  CHECK(egress[0].connection().destination().ip() == "198.51.100.66");
}

TEST_CASE("corpus: the same seed gives the same builds, another one others") {
  const auto plans = company_plans(kFolder + "/builds", shapes());
  const auto text = [&](std::uint64_t seed) {
    std::string out;
    for (const auto& [ms, build] : season(plans, {0, 200, seed, Habit::kPlain}))
      out += std::to_string(ms) + build.plan.dockerfile + build.asker.exe + build.tag;
    return out;
  };
  CHECK(text(1) == text(1));
  CHECK(text(1) != text(2));
}

// Of the ones that are set aside only this: they are played as builds, whatever is thought of them.
TEST_CASE("corpus: every attack that builds is seen to build") {
  Company here = company();
  for (const auto& attack : attacks(here.internet)) {
    if (!attack.build.builds) continue;
    INFO(attack.build.id);
    Site site(here.internet, 3);
    site.play(attack.build, 5000);
    const auto alerts = run_pipeline(info().host, site.events(), Baseline::kForgets);
    CHECK(of_rule(alerts, "build-request").size() == 1);
    CHECK_FALSE(of_rule(alerts, "build-egress").empty());
    CHECK(of_rule(alerts, "image-deploy").size() == (attack.build.run ? 1 : 0));
    CHECK(of_rule(alerts, "sensor-blind").empty());
    CHECK(std::any_of(alerts.begin(), alerts.end(),
                      [&](const auto& alert) { return is_of(alert, attack); }));
  }
}

}  // namespace kilnwatch::test::corpus
