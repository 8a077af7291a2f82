// Destinations as words.
#include "baseline/key.h"

#include <catch2/catch_test_macros.hpp>

using namespace kilnwatch;
using baseline::read_key;

namespace {

std::string key(const std::string& address, const std::string& port, const std::string& name = {}) {
  const auto read = read_key(address, port, name);
  if (read) return baseline::text_of(*read);
  CHECK(read.error().kind == base::ErrorClass::kUsage);
  return "";
}

}  // namespace

TEST_CASE("A destination is written as the sensor has it") {
  CHECK(key("192.0.2.7", "443") == "192.0.2.7 443");
  CHECK(key("::ffff:192.0.2.7", "443") == "192.0.2.7 443");
  CHECK(key("2001:DB8:0:0::7", "0") == "2001:db8::7 0");
  CHECK(key("192.0.2.7", "65535", "Example.ORG") == "192.0.2.7 65535 example.org");
  CHECK(key("name", "443", "example.org.") == "name 443 example.org");
}

TEST_CASE("What is no destination is refused by the word that is wrong") {
  for (const char* address : {"", "example.org", "192.0.2", "192.0.2.0/24", "fe80::1%eth0", "::g"})
    CHECK(key(address, "443").empty());
  for (const char* port : {"", "-1", "65536", "4 3", "http", "+1", "99999999999999999999"})
    CHECK(key("192.0.2.7", port).empty());
  for (const char* name : {"192.0.2.9", "a b", "x\n", "*.example.org"})
    CHECK(key("192.0.2.7", "443", name).empty());
  for (const char* name : {"***", "a.***.example.org"})  // as a masked name is kept
    CHECK(key("192.0.2.7", "443", name) == std::string("192.0.2.7 443 ") + name);
  CHECK(read_key("x", "443", "").error().message.starts_with("'x' is no address"));
  CHECK(read_key("::1", "x", "").error().message.starts_with("'x' is no port"));
  CHECK(read_key("::1", "1", "*").error().message.starts_with("'*' is no name"));
}

TEST_CASE("Names at any address, and clients") {
  CHECK(key("name", "443", "PyPI.org") == "name 443 pypi.org");
  CHECK(key("name", "443").empty());
  CHECK(key("client", "0", "uid-1000:/usr/bin/Docker") == "client 0 uid-1000:/usr/bin/Docker");
  const std::string powers = "uid-0;docker.io/library/traefik;/var/run/docker.sock";
  CHECK(key("powers", "0", powers) == "powers 0 " + powers);
  CHECK(key("powers", "1", powers).empty());
  CHECK(key("powers", "0", std::string(311, 'x')).size() == 320);
  CHECK(key("powers", "0", std::string(312, 'x')).empty());
  CHECK(key("engine", "443", "registry-1.docker.io") == "engine 443 registry-1.docker.io");
  CHECK(key("engine", "x", "registry-1.docker.io").empty());
  CHECK(key("client", "1", "uid-0:/x").empty());
  CHECK(key("client", "0").empty());
  CHECK(key("client", "0", "uid-0:/a b").empty());
  CHECK(key("client", "0", std::string(400, 'x')).empty());
  for (const char* text : {"name 443 pypi.org", "client 0 uid-1000:/usr/bin/docker"})
    CHECK(baseline::text_of(*baseline::split_key(text)) == text);
}

TEST_CASE("Clients, powers and what engines ask for are of one host") {
  for (const char* key :
       {"client 0 uid-1000:/usr/bin/docker", "powers 0 uid-0;a;b", "engine 443 a.test"})
    CHECK(baseline::is_of_host(key));
  for (const char* key : {"192.0.2.7 443", "name 443 client", "client", "clients 0 x", ""})
    CHECK_FALSE(baseline::is_of_host(key));
}

TEST_CASE("Keys are split again, and nothing else is") {
  for (const char* text : {"192.0.2.7 443", "2001:db8::7 0", "192.0.2.7 443 example.org"}) {
    const auto split = baseline::split_key(text);
    REQUIRE(split);
    CHECK(baseline::text_of(*split) == text);
  }
  for (const char* text : {"", " ", "nonsense", "192.0.2.7", "192.0.2.7 ", " 443", "a 443 ", "a b",
                           "a 443 b c", "a 443  "}) {
    CAPTURE(text);
    CHECK_FALSE(baseline::split_key(text));
  }
}

TEST_CASE("Scopes have names") {
  for (const auto scope : baseline::kScopes)
    CHECK(baseline::scope_of(baseline::name_of(scope)) == scope);
  CHECK_FALSE(baseline::scope_of("fleet"));
  CHECK_FALSE(baseline::scope_of(""));
}
