// The way to an address, and what is on an interface.
#include "capture/live/routes.h"

#include <catch2/catch_test_macros.hpp>
#include <filesystem>
#include <fstream>

#include "harness/temp_dir.h"

namespace kilnwatch {
namespace {

using capture::AddressBytes;
using capture::bytes_of;
using capture::is_inner_bridge;
namespace fs = std::filesystem;

TEST_CASE("Addresses as the kernel side has them") {
  AddressBytes bytes{};
  CHECK(bytes_of("192.0.2.53", bytes));
  CHECK(bytes == AddressBytes{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 192, 0, 2, 53});
  CHECK(bytes_of("2001:db8::35", bytes));
  CHECK(bytes == AddressBytes{0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x35});
  CHECK_FALSE(bytes_of("", bytes));
  CHECK_FALSE(bytes_of("host.test", bytes));
}

TEST_CASE("A bridge is an inner one unless something of it leads out of the host") {
  const test::TempDir dir;
  const auto interface = [&](const std::string& name, const std::string& entry) {
    fs::create_directories(dir.file("class/net/" + name + "/" + entry));
  };
  interface("eth0", "device");
  interface("bond0", "lower_eth1");
  interface("veth1", "queues");
  CHECK_FALSE(is_inner_bridge("eth0", dir.file("")));
  CHECK_FALSE(is_inner_bridge("veth1", dir.file("")));
  CHECK_FALSE(is_inner_bridge("none", dir.file("")));
  interface("docker0", "bridge");
  CHECK(is_inner_bridge("docker0", dir.file("")));
  interface("docker0", "brif/veth1");
  CHECK(is_inner_bridge("docker0", dir.file("")));
  for (const auto* port : {"eth0", "bond0"}) {
    const std::string name = std::string("br-") + port;
    interface(name, "bridge");
    interface(name, "brif/veth1");
    interface(name, std::string("brif/") + port);
    CHECK_FALSE(is_inner_bridge(name, dir.file("")));
  }
}

TEST_CASE("To the host itself no interface leads") {
  capture::Routes routes;
  AddressBytes own{};
  for (const auto* ip : {"127.0.0.1", "::1"}) {
    REQUIRE(bytes_of(ip, own));
    CHECK(routes.interface_to(own) == 0);
  }
}

TEST_CASE("Of another namespace of processes the host's network is not known") {
  const test::TempDir dir;
  for (const auto* path : {"self/ns", "1/ns"}) fs::create_directories(dir.file(path));
  for (const auto* path : {"self/ns/pid", "self/ns/net", "1/ns/net"}) std::ofstream(dir.file(path));
  CHECK(capture::host_network(dir.file("")) == 0);
  CHECK(capture::host_network(dir.file("none")) == 0);
}

}  // namespace
}  // namespace kilnwatch
