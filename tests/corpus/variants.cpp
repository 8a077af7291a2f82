#include "variants.h"

#include <algorithm>
#include <cctype>
#include <map>
#include <set>
#include <string>

namespace kilnwatch::test::corpus {
namespace {

constexpr std::uint64_t kMinute = 60'000;  // ms
constexpr std::uint64_t kDay = 1440 * kMinute;

bool chance(Random& random, unsigned percent) { return below(random, 100) < percent; }

// Another patch version at some places: "==2.2.2", "v1.59.1", "-42.7.3".
std::string with_versions(std::string text, Random& random) {
  for (std::size_t i = 2; i + 1 < text.size(); ++i) {
    const bool patch =
        std::isdigit(static_cast<unsigned char>(text[i])) != 0 && text[i - 1] == '.' &&
        std::isdigit(static_cast<unsigned char>(text[i - 2])) != 0 && text[i + 1] != '.' &&
        std::isdigit(static_cast<unsigned char>(text[i + 1])) == 0;
    if (patch) text[i] = static_cast<char>('0' + below(random, 10));
  }
  return text;
}

// Only lines that fetch by a version of their own: what an address is called stays.
Plan varied(const Plan& plan, Random& random) {
  Plan out = plan;
  out.dockerfile.clear();
  for (Step& step : out.steps) {
    if (step.is_run && step.text.find("198.") == step.text.npos)
      step.text = with_versions(step.text, random);
    std::string line = step.text;
    out.dockerfile += line + "\n";
    for (Fetch& fetch : step.fetches) {
      fetch.path = with_versions(fetch.path, random);
      if (fetch.connections > 1)
        fetch.connections = 1 + static_cast<unsigned>(below(random, 2 * fetch.connections));
    }
  }
  return out;
}

Asker developer(std::size_t number, const std::string& tag) {
  Asker asker;
  asker.uid = 1001 + static_cast<std::uint32_t>(number);
  asker.cgroup = "user.slice/user-" + std::to_string(asker.uid) + ".slice/session-" +
                 std::to_string(3 + number) + ".scope";
  asker.args = {"docker", "build", "-t", tag, "."};
  return asker;
}

Asker service(std::uint32_t uid, const std::string& exe, std::vector<std::string> args,
              const std::string& unit, const std::string& agent) {
  Asker asker;
  asker.uid = uid;
  asker.exe = exe;
  asker.args = std::move(args);
  asker.cgroup = "system.slice/" + unit;
  asker.user_agent = agent;
  return asker;
}

// Who asks, and by what, in the proportions of a machine that mostly builds for CI.
void choose_client(Build& build, Random& random) {
  const std::string docker = "Docker-Client/26.1.5 (linux)";
  switch (below(random, 10)) {
    case 0:
    case 1:
      build.asker = developer(below(random, 8), build.tag);
      build.builder = Builder::kBuildKit;
      break;
    case 2:
      build.asker = developer(below(random, 8), build.tag);
      build.asker.exe = "/usr/libexec/docker/cli-plugins/docker-compose";
      build.asker.args = {"docker-compose", "compose", "build"};
      build.asker.user_agent = "compose/2.27.1";
      build.builder = Builder::kBuildKit;
      break;
    case 3:
    case 4:
    case 5:
      build.asker = service(998, "/usr/bin/docker", {"docker", "build", "-t", build.tag, "."},
                            "gitlab-runner.service", docker);
      build.builder = chance(random, 70) ? Builder::kBuildKit : Builder::kClassic;
      break;
    case 6:
      build.asker = service(997, "/usr/lib/jvm/java-17/bin/java", {"java", "-jar", "agent.jar"},
                            "jenkins.service", "Apache-HttpClient/5.0.3 (Java/17.0.11)");
      build.builder = Builder::kClassic;
      break;
    case 7:
      build.asker = service(996, "/usr/bin/python3.11", {"python3", "/srv/nightly/build.py"},
                            "nightly.service", "docker-sdk-python/7.1.0");
      build.builder = Builder::kClassic;
      break;
    default:
      build.asker =
          service(0, "/usr/bin/podman", {"podman", "build"}, "image-builds.service", "podman");
      build.builder = Builder::kPodman;
      break;
  }
}

// The classic builder has no mounts.
void fit(Build& build) {
  if (build.builder == Builder::kClassic &&
      build.plan.dockerfile.find("--mount=") != std::string::npos)
    build.builder = Builder::kBuildKit;
}

void apply(Habit habit, Build& build, Random& random) {
  if (habit == Habit::kPlain) return;
  if (habit == Habit::kRootless) {
    build.builder = Builder::kPodman;
    build.asker = developer(below(random, 8), build.tag);
    build.rootless = true;
    return;
  }
  if (build.builder == Builder::kPodman) build.builder = Builder::kClassic;
  build.asker = developer(below(random, 8), build.tag);
  if (habit == Habit::kJobInContainer) {
    build.asker = service(0, "/usr/local/bin/docker", {"docker", "build", "-t", build.tag, "."}, "",
                          "Docker-Client/26.1.5 (linux)");
    build.asker.in_container = true;
  } else {
    build.network = "shop_default";
    build.own_network = true;
  }
}

Build one_build(const Plan& plan, std::size_t number, const Season& season, Random& random) {
  Build build;
  build.id = "benign-" + std::to_string(season.seed) + "-" + std::to_string(number);
  build.plan = varied(plan, random);
  build.tag =
      "company/" + plan.name + ":" + std::to_string(season.seed) + "." + std::to_string(number);
  choose_client(build, random);
  apply(season.habit, build, random);
  fit(build);
  const auto runs = static_cast<std::size_t>(
      std::count_if(plan.steps.begin(), plan.steps.end(), [](const Step& s) { return s.is_run; }));
  if (runs > 0 && chance(random, 40)) build.cached = below(random, runs + 1);
  build.pace = 400 + below(random, 6000);
  // CI tries what it built; developers look at it.
  if (chance(random, 20)) {
    build.run = Run{"try-" + std::to_string(season.seed) + "-" + std::to_string(number)};
    build.run->after = 800 + below(random, 20'000);
  }
  return build;
}

}  // namespace

std::vector<Scheduled> season(const std::vector<Plan>& plans, const Season& season) {
  Random random(season.seed);
  std::vector<Scheduled> out;
  std::uint64_t ms = season.from;
  std::map<std::string, std::uint64_t> last;  // by plan: no two builds of one at once
  std::size_t plan = 0;
  std::size_t again = 0;  // builds of a loop that are left: a branch is pushed again and again
  std::set<std::size_t> partly;  // plans of which a part came from the cache each time
  for (std::size_t i = 0; season.whole && i < plans.size(); ++i) partly.insert(i);
  const auto add = [&](std::size_t which, bool in_full) {
    ms += kMinute / 6 + below(random, 6 * kMinute);
    if (ms % kDay > 900 * kMinute) ms += kDay - ms % kDay;  // fifteen hours of work
    auto& busy = last[plans[which].name];
    ms = std::max(ms, busy);
    busy = ms + 4 * kMinute;
    Build build = one_build(plans[which], out.size(), season, random);
    if (in_full) build.cached = 0;
    if (build.cached == 0) partly.erase(which);
    out.push_back({ms, std::move(build)});
  };
  while (out.size() < season.builds) {
    if (again > 0) {
      --again;
    } else {
      plan = below(random, plans.size());
      if (chance(random, 15)) again = 1 + below(random, 5);
    }
    add(plan, false);
  }
  while (!partly.empty()) add(*partly.begin(), true);
  return out;
}

}  // namespace kilnwatch::test::corpus
