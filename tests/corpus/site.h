// A machine that builds, as the kernel side would tell of it: dockerd with both builders, podman,
// and steps that ask a resolver and connect. Builds overlap as their times say.
#pragma once

#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "corpus/build.h"
#include "corpus/internet.h"
#include "harness/buildkit.h"
#include "harness/mangle.h"

namespace kilnwatch::test::corpus {

// A connection that a step made, before the kernel side folds it.
struct Reached {
  std::string build;
  std::string name;  // that was asked for
  std::string ip;
  std::uint16_t port = 0;
  bool answered = false;  // by the resolver of the host
};

class Site {
 public:
  static constexpr domain::TimeNs kMs = 1'000'000;

  Site(const Internet& internet, std::uint64_t seed);

  // From `ms` on. Returns when it was over.
  std::uint64_t play(const Build& build, std::uint64_t ms);
  static constexpr std::uint64_t kBoot = 100'000;  // ms since boot where its clock begins
  // In order of time, with their places in the streams.
  Events events() const;
  const std::vector<Reached>& reached() const { return reached_; }

 private:
  // A container of a step, and its first process.
  struct Place {
    std::string container;
    domain::Process shell;
    std::uint32_t net = 0;
    const Build* build = nullptr;
    std::set<std::string> known = {};  // destinations
  };

  // site.cpp
  static std::string request_of(const Fetch& fetch);
  void put(domain::Event event) { events_.push_back(std::move(event)); }
  std::string hex(std::size_t length);
  std::uint32_t fork(std::uint64_t ms, std::uint32_t parent);
  domain::Process execute(std::uint64_t ms, std::uint32_t pid, std::uint32_t parent,
                          const std::string& exe, std::vector<std::string> args,
                          const domain::Cgroup& cgroup = {}, std::uint32_t uid = 0);
  void exit(std::uint64_t ms, const domain::Process& process, std::uint32_t code = 0);
  domain::Cgroup cgroup(const std::string& path);
  // What the command of a step fetches. Returns when it was through.
  std::uint64_t fetch_all(Place& place, const Step& step, std::uint64_t ms);
  void connect(Place& place, const domain::Process& process, const Fetch& fetch,
               const std::string& ip, std::uint64_t ms);
  static domain::DnsAnswered heard(const std::string& bytes, std::uint64_t ms);
  std::vector<std::string> ask(const Place& place, const domain::Process& process,
                               const Fetch& fetch, std::uint64_t ms);

  // site_docker.cpp
  // With dockerd at one end.
  static domain::ConnOpened over_tcp(domain::ConnId conn, std::uint64_t ms, domain::Endpoint client,
                                     domain::Endpoint server);
  domain::ConnId open(const Asker& asker, std::uint64_t ms);
  void say(domain::ConnId conn, std::uint64_t ms, domain::Direction direction,
           const std::string& bytes);
  void ask(domain::ConnId conn, std::uint64_t ms, const std::string& bytes) {
    say(conn, ms, domain::Direction::kRequest, bytes);
  }
  void answer(domain::ConnId conn, std::uint64_t ms, const std::string& bytes) {
    say(conn, ms, domain::Direction::kResponse, bytes);
  }
  void close(domain::ConnId conn, std::uint64_t ms);
  std::uint64_t classic(const Build& build, std::uint64_t ms, const std::string& image);
  std::uint64_t classic_step(const Build& build, const Step& step, std::uint64_t ms,
                             domain::ConnId conn, const std::string& layer);
  std::uint64_t buildkit(const Build& build, std::uint64_t ms, const std::string& image);
  std::uint64_t buildkit_step(const Build& build, const Step& step, std::uint64_t ms,
                              const std::vector<std::string>& layers);
  // dockerd asks the registry of a base image, and where that keeps its layers.
  void pull(const std::string& base, std::uint64_t ms);
  // dockerd fetches what an ADD names.
  void add(const Build& build, const Step& step, std::uint64_t ms);
  void engine_connects(const domain::Endpoint& to, const std::string& first, std::uint64_t ms);
  void run_docker(const Build& build, std::uint64_t ms, const std::string& image);
  // site_podman.cpp
  std::uint64_t podman(const Build& build, std::uint64_t ms, const std::string& image);
  std::uint64_t podman_api(const Build& build, std::uint64_t ms, const std::string& image);
  std::uint64_t podman_step(const Build& build, const Step& step, std::uint64_t ms,
                            std::uint32_t builder);
  void run_podman(const Build& build, std::uint64_t ms, const domain::StoredImage& image);

  static domain::TimeNs at(std::uint64_t ms) { return (kBoot + ms) * kMs; }
  static std::uint64_t wall(std::uint64_t ms) { return kWall + kBoot + ms; }

  static constexpr std::uint64_t kWall = 1'700'000'000'000;  // ms, of the engine's clock at 0
  static constexpr std::uint32_t kDockerd = 50;
  static constexpr std::uint32_t kContainerd = 40;
  static constexpr std::uint32_t kPodman = 60;

  const Internet& internet_;
  Random random_;
  Events events_;
  std::vector<Reached> reached_;
  std::map<std::uint32_t, domain::TimeNs> starts_;  // by pid
  std::map<domain::ConnId, domain::Process> clients_;
  std::uint32_t last_pid_ = 1000;
  std::uint64_t last_cgroup_ = 5000;
  std::uint32_t last_net_ = 4'026'532'000;
  domain::ConnId last_conn_ = 0;
  std::uint64_t last_egress_ = 0;
  std::set<domain::Endpoint> asked_;  // by dockerd
};

}  // namespace kilnwatch::test::corpus
