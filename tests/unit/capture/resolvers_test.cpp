#include "capture/live/resolvers.h"

#include <catch2/catch_test_macros.hpp>
#include <fstream>

#include "harness/temp_dir.h"

namespace kilnwatch {
namespace {

using capture::HostResolvers;
using capture::nameservers_in;
using Texts = std::vector<std::string>;

constexpr domain::TimeNs kSecond = 1'000'000'000;

void write(const std::string& path, const std::string& text) { std::ofstream(path) << text; }

TEST_CASE("Name servers of a resolv.conf, as addresses are written elsewhere") {
  CHECK(nameservers_in("# by hand\nsearch kiln.test\nnameserver 192.0.2.53\n"
                       "nameserver\t2001:DB8:0::35 # second\n  nameserver ::ffff:192.0.2.54\n"
                       "options edns0\nnameserver 192.0.2.55") ==
        Texts{"192.0.2.53", "2001:db8::35", "192.0.2.54", "192.0.2.55"});
}

TEST_CASE("Loopback, one link of many, and what is no address, names no server") {
  CHECK(
      nameservers_in("nameserver fe80::1%eth0\nnameserver fe80::1\nnameserver febf::1\n").empty());
  CHECK(nameservers_in("nameserver 127.0.0.53\nnameserver ::1\nnameserver 127.0.0.11\n"
                       "nameserver 0.0.0.0\nnameserver ::ffff:127.0.0.1\nnameserver ::\n"
                       "nameserver\nnameserver host.test\n#nameserver 192.0.2.1\n"
                       "nameservers 192.0.2.2\n;nameserver 192.0.2.3\n")
            .empty());
  CHECK(nameservers_in("").empty());
  std::string many;
  for (int i = 0; i < 100; ++i) many += "nameserver 192.0.2." + std::to_string(i) + "\n";
  CHECK(nameservers_in(many).size() == capture::kMaxNameservers);
}

TEST_CASE("The host's name servers are those of all its files, and are looked at again") {
  const test::TempDir dir;
  write(dir.file("a"), "nameserver 127.0.0.53\n");
  write(dir.file("b"), "nameserver 192.0.2.53\n");
  HostResolvers host({dir.file("a"), dir.file("b"), dir.file("none")});
  CHECK(host.names("192.0.2.53", 5 * kSecond));
  CHECK_FALSE(host.names("127.0.0.53", 5 * kSecond));
  CHECK_FALSE(host.names("8.8.8.8", 5 * kSecond));
  CHECK_FALSE(host.names("", 5 * kSecond));
  write(dir.file("b"), "nameserver 192.0.2.54\n");
  CHECK(host.names("192.0.2.53", 5 * kSecond + kSecond / 2));
  CHECK_FALSE(host.names("192.0.2.53", 6 * kSecond));
  CHECK(host.names("192.0.2.54", 6 * kSecond));
}

TEST_CASE("Where the host has none but its loopback's, engines have some of their own") {
  const test::TempDir dir;
  write(dir.file("a"), "nameserver 127.0.0.53\n");
  HostResolvers host({dir.file("a")});
  CHECK(host.names("8.8.8.8", 1));
  CHECK(host.names("2001:4860:4860::8844", 1));
  CHECK_FALSE(host.names("192.0.2.53", 1));
}

}  // namespace
}  // namespace kilnwatch
