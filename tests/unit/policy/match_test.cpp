// Networks, names, ports, clients and registries.
#include "policy/match.h"

#include <catch2/catch_test_macros.hpp>

#include "policy/values.h"

using namespace kilnwatch;
using policy::contains;

namespace {

policy::Network net(const std::string& word) {
  const auto network = policy::read_network(word);
  if (!network) FAIL(network.error().message);
  return *network;
}

policy::Destination name(const std::string& pattern) {
  policy::Destination out;
  out.domain = *policy::read_domain(pattern);
  return out;
}

domain::Client local(std::uint32_t uid, const std::string& exe, const std::string& container = "") {
  domain::Client client;
  client.process = domain::Process{};
  client.process->uid = uid;
  client.process->exe = exe;
  client.container_id = container;
  return client;
}

}  // namespace

TEST_CASE("Networks of IPv4, IPv6 and mapped addresses") {
  CHECK(contains(net("10.0.0.0/8"), "10.255.255.255"));
  CHECK_FALSE(contains(net("10.0.0.0/8"), "11.0.0.0"));
  CHECK(contains(net("192.0.2.7"), "192.0.2.7"));
  CHECK_FALSE(contains(net("192.0.2.7"), "192.0.2.6"));
  CHECK(contains(net("192.0.2.128/25"), "192.0.2.128"));
  CHECK_FALSE(contains(net("192.0.2.128/25"), "192.0.2.127"));
  CHECK(contains(net("172.16.0.0/12"), "172.31.0.1"));
  CHECK_FALSE(contains(net("172.16.0.0/12"), "172.32.0.1"));
  CHECK(contains(net("0.0.0.0/0"), "203.0.113.9"));

  CHECK(contains(net("2001:db8::/33"), "2001:db8:7fff::1"));
  CHECK_FALSE(contains(net("2001:db8::/33"), "2001:db8:8000::1"));
  CHECK(contains(net("::1"), "::1"));

  // IPv4 and IPv6 are different things; a mapped address is IPv4.
  CHECK_FALSE(contains(net("::/0"), "192.0.2.7"));
  CHECK_FALSE(contains(net("0.0.0.0/0"), "2001:db8::1"));
  CHECK(contains(net("10.0.0.0/8"), "::ffff:10.1.2.3"));
  CHECK_FALSE(contains(net("::/0"), "::ffff:10.1.2.3"));
  CHECK(contains(net("::ffff:10.0.0.0/104"), "10.1.2.3"));
  CHECK(contains(net("::ffff:10.1.2.3"), "10.1.2.3"));
  CHECK(contains(net("::ffff:0:0/96"), "203.0.113.9"));

  CHECK_FALSE(contains(net("0.0.0.0/0"), ""));
  CHECK_FALSE(contains(net("0.0.0.0/0"), "no address"));
  CHECK(policy::text_of(net("2001:DB8::/32")) == "2001:db8::/32");
  CHECK(policy::text_of(net("::ffff:10.0.0.0/104")) == "10.0.0.0/8");
  for (const char* word : {"", "10", "10.0.0.0/", "10.0.0.0/-1", "10.0.0.0/8/8", "010.0.0.1",
                           "fe80::1%eth0", "::/129", "10.0.0.0/ 8"}) {
    INFO(word);
    CHECK_FALSE(policy::read_network(word));
  }
}

TEST_CASE("Names and their wildcard") {
  const domain::Endpoint to{"192.0.2.7", 443};
  CHECK(covers(name("example.org"), to, "example.org"));
  CHECK(covers(name("example.org"), to, "EXAMPLE.org."));
  CHECK_FALSE(covers(name("example.org"), to, "www.example.org"));
  CHECK_FALSE(covers(name("example.org"), to, "badexample.org"));
  CHECK(covers(name("*.example.org"), to, "a.example.org"));
  CHECK(covers(name("*.example.org"), to, "a.b.example.org"));
  CHECK_FALSE(covers(name("*.example.org"), to, "example.org"));
  CHECK_FALSE(covers(name("*.example.org"), to, ".example.org"));
  CHECK_FALSE(covers(name("*.example.org"), to, "badexample.org"));
  CHECK_FALSE(covers(name("*.example.org"), to, "example.org.evil.example"));
  CHECK_FALSE(covers(name("example.org"), to, ""));
  for (const char* word :
       {"*", "*.", "*example.org", "a..b", ".a", "a.", "a b", "10.0.0.1", "::1", "10.0.0.0/8"}) {
    INFO(word);
    CHECK_FALSE(policy::read_domain(word));
  }
}

TEST_CASE("Every part of a destination must agree") {
  policy::Destination entry = name("a.example");
  entry.network = net("10.0.0.0/8");
  entry.ports = *policy::read_ports("80-81");
  CHECK(covers(entry, {"10.0.0.1", 80}, "a.example"));
  CHECK(covers(entry, {"10.0.0.1", 81}, "a.example"));
  CHECK_FALSE(covers(entry, {"10.0.0.1", 79}, "a.example"));
  CHECK_FALSE(covers(entry, {"10.0.0.1", 82}, "a.example"));
  CHECK_FALSE(covers(entry, {"11.0.0.1", 80}, "a.example"));
  CHECK_FALSE(covers(entry, {"10.0.0.1", 80}, "b.example"));
  CHECK_FALSE(covers(entry, {"10.0.0.1", 80}, ""));
  for (const char* word : {"0", "65536", "-1", "80-", "-80", "a", "81-80", "80-70000", ""}) {
    INFO(word);
    CHECK_FALSE(policy::read_ports(word));
  }
}

TEST_CASE("Clients: by user, program, container and address") {
  const std::string container(64, 'a');
  policy::Client docker;
  docker.uid = 1000;
  docker.exe = "/usr/bin/docker";
  CHECK(is_client(docker, local(1000, "/usr/bin/docker")));
  CHECK_FALSE(is_client(docker, local(1001, "/usr/bin/docker")));
  CHECK_FALSE(is_client(docker, local(1000, "/tmp/docker")));
  CHECK_FALSE(is_client(docker, domain::Client{}));
  // An image names its files as it likes.
  CHECK_FALSE(is_client(docker, local(1000, "/usr/bin/docker", container)));
  docker.container = container.substr(0, 12);
  CHECK(is_client(docker, local(1000, "/usr/bin/docker", container)));
  CHECK_FALSE(is_client(docker, local(1000, "/usr/bin/docker")));
  CHECK_FALSE(is_client(docker, local(1000, "/usr/bin/docker", std::string(64, 'b'))));

  policy::Client far;
  far.address = net("192.0.2.0/24");
  domain::Client tcp;
  tcp.transport = domain::Transport::kTcp;
  tcp.address = {"192.0.2.9", 4000};
  CHECK(is_client(far, tcp));
  tcp.address.ip = "::ffff:192.0.2.9";
  CHECK(is_client(far, tcp));
  tcp.address.ip = "192.0.3.9";
  CHECK_FALSE(is_client(far, tcp));
  CHECK_FALSE(is_client(far, local(0, "/usr/bin/docker")));
  far.uid = 0;
  tcp.address.ip = "192.0.2.9";
  CHECK_FALSE(is_client(far, tcp));  // whose process is not known
}

TEST_CASE("Registries of references as they are written") {
  const auto of = [](const std::string& registry, const std::string& image) {
    return policy::of_registry({*policy::read_registry(registry)}, image);
  };
  CHECK(of("index.docker.io", "alpine"));
  CHECK(of("Index.Docker.IO/Acme", "acme/tool:1"));
  CHECK_FALSE(of("*.index.docker.io", "alpine"));
  CHECK(of("docker.io", "alpine"));
  CHECK(of("docker.io", "alpine:3@sha256:00"));
  CHECK(of("docker.io", "acme/app"));
  CHECK(of("docker.io", "index.docker.io/library/alpine"));
  CHECK(of("docker.io/library", "alpine:3"));
  CHECK(of("docker.io/library/alpine", "alpine:3"));
  CHECK(of("docker.io/library", "docker.io/alpine:3"));
  CHECK(of("docker.io/library", "index.docker.io/alpine"));
  CHECK_FALSE(of("docker.io/library", "acme/app"));
  CHECK_FALSE(of("docker.io", "Registry/alpine"));
  CHECK_FALSE(of("docker.io", "ghcr.io/acme/app"));
  CHECK(of("ghcr.io/acme", "ghcr.io/acme/app:1"));
  CHECK_FALSE(of("ghcr.io/acme", "ghcr.io/acme-evil/app:1"));
  CHECK_FALSE(of("ghcr.io/acme", "ghcr.io/evil/acme/app"));
  CHECK(of("*.example.org", "r.example.org/a"));
  CHECK_FALSE(of("*.example.org", "example.org/a"));
  CHECK(of("localhost:5000", "localhost:5000/a"));
  CHECK_FALSE(of("localhost:5000", "localhost:5001/a"));
  CHECK(of("192.0.2.7:5000", "192.0.2.7:5000/a"));
  CHECK_FALSE(of("docker.io", "evil.example/docker.io/alpine"));
  CHECK_FALSE(of("docker.io", "docker.io.evil.example/alpine"));
  // What a variable stands for is not known.
  CHECK_FALSE(of("docker.io", "$BASE"));
  CHECK_FALSE(of("docker.io", "${R}/alpine"));
  CHECK_FALSE(of("docker.io", ""));
}
