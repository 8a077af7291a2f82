#include "services.h"

#include <algorithm>
#include <array>
#include <string>

namespace kilnwatch::test::corpus {
namespace {

constexpr std::size_t kEvery = 9;  // builds

struct Service {
  const char* name;
  const char* image;  // without its tag
  const char* host;   // HostConfig
  std::uint32_t uid;
  const char* exe;
};

constexpr std::array kServices = {
    Service{"node-exporter", "quay.io/prometheus/node-exporter",
            R"("NetworkMode":"host","PidMode":"host","Binds":["/:/host:ro,rslave"])", 0,
            "/usr/bin/docker"},
    Service{"cadvisor", "gcr.io/cadvisor/cadvisor",
            R"("Privileged":true,"Binds":["/:/rootfs:ro","/var/run:/var/run:ro","/sys:/sys:ro",)"
            R"("/var/lib/docker/:/var/lib/docker:ro"])",
            0, "/usr/bin/docker"},
    Service{"promtail", "grafana/promtail",
            R"("Binds":["/var/log:/var/log:ro","/var/lib/docker/containers:/c:ro"])", 0,
            "/usr/bin/docker"},
    Service{"traefik", "traefik", R"("Binds":["/var/run/docker.sock:/var/run/docker.sock:ro"])",
            1001, "/usr/libexec/docker/cli-plugins/docker-compose"},
    Service{
        "runner", "gitlab/gitlab-runner",
        R"("Binds":["/srv/runner:/etc/gitlab-runner","/var/run/docker.sock:/var/run/docker.sock"])",
        0, "/usr/bin/docker"},
    // Of a job: an engine of its own.
    Service{"dind", "docker", R"("Privileged":true,"Binds":["/certs/client"])", 998,
            "/usr/bin/gitlab-runner"},
    Service{"web", "nginx", R"("Binds":["/srv/web:/usr/share/nginx/html:ro"])", 1002,
            "/usr/bin/docker"},
};

Build started(const Service& service, const std::string& version, std::size_t number) {
  Build build;
  build.id = "service-" + std::to_string(number);
  build.builder = Builder::kClassic;
  build.builds = false;
  build.asker.uid = service.uid;
  build.asker.exe = service.exe;
  build.asker.args = {service.exe, "run", service.image};
  build.asker.cgroup = service.uid == 0 ? "system.slice/site.service" : build.asker.cgroup;
  build.run = Run{std::string(service.name) + "-" + std::to_string(number)};
  build.run->body = "{\"Image\":\"" + std::string(service.image) + ":" + version +
                    "\",\"HostConfig\":{" + service.host + "}}";
  return build;
}

}  // namespace

std::vector<Scheduled> with_services(std::vector<Scheduled> builds, std::uint64_t seed) {
  Random random(seed * 7919);
  const std::size_t count = builds.size();
  for (std::size_t i = 0; i < count; i += kEvery) {
    const Service& service = kServices[(i / kEvery) % kServices.size()];
    const std::string version = "v1." + std::to_string(below(random, 40));
    builds.push_back(
        {builds[i].ms + 300 + below(random, 5000), started(service, version, seed * 10'000 + i)});
  }
  std::stable_sort(builds.begin(), builds.end(),
                   [](const auto& a, const auto& b) { return a.ms < b.ms; });
  return builds;
}

}  // namespace kilnwatch::test::corpus
