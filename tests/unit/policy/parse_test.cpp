// A configuration that is right, part by part.
#include "policy/parse.h"

#include <catch2/catch_test_macros.hpp>

#include "policy/notes.h"
#include "policy/values.h"

using namespace kilnwatch;

namespace {

constexpr std::uint64_t kSecond = 1'000'000'000;

policy::Policy parsed(const std::string& text) {
  const auto policy = policy::parse(text, "f");
  if (!policy) FAIL(policy.error().message);
  return *policy;
}

}  // namespace

TEST_CASE("An empty configuration changes nothing") {
  for (const char* text : {"", "\n", "# nothing\n", "---\n", "{}", "~"}) {
    INFO(text);
    CHECK(policy::summary(parsed(text)) == "nothing");
  }
}

TEST_CASE("Every key is read") {
  const auto policy = parsed(R"(
registries: [docker.io, GHCR.io/acme, "*.example.org", localhost:5000]
destinations:
  allow:
    - {network: 10.0.0.0/8, port: 8000-8999}
    - network: 2001:db8::/32
  deny:
    - domain: "*.Evil.example"
    - port: 25
clients:
  - {uid: 0, exe: /usr/bin/docker}
  - container: 0123456789ab
  - address: 192.0.2.0/24
windows: {deploy: 7d, deploy_soon: 90s}
attack: {tactics: {defense-evasion: stealth, T1140: defense-impairment}}
baseline: {learn_for: 14d, expire_after: 90d}
severity: {build-request: info, build-egress: high}
exceptions:
  - owner: ops
    reason: "mirror: old"
    expires: 2027-01-31
    rule: build-egress
    severity: low
    destination: {network: 192.0.2.7}
)");
  CHECK(policy.registries ==
        std::vector<std::string>{"docker.io", "ghcr.io/acme", "*.example.org", "localhost:5000"});
  REQUIRE(policy.allow.size() == 2);
  CHECK(policy.allow[0].text == "10.0.0.0/8 port 8000-8999");
  CHECK(policy.allow[1].text == "2001:db8::/32");
  REQUIRE(policy.deny.size() == 2);
  CHECK(policy.deny[0].domain == "*.evil.example");
  CHECK(policy.deny[1].text == "port 25");
  REQUIRE(policy.clients.size() == 3);
  CHECK(policy.clients[0].text == "uid 0 /usr/bin/docker");
  CHECK(policy.clients[1].text == "container 0123456789ab");
  CHECK(policy.clients[2].text == "address 192.0.2.0/24");
  CHECK(policy.deploy_window == 7 * 86'400 * kSecond);
  CHECK(policy.deploy_soon == 90 * kSecond);
  CHECK(policy.tactics.at("defense-evasion") == "stealth");
  CHECK(policy.tactics.at("T1140") == "defense-impairment");
  CHECK(policy.learn_for == 14 * 86'400 * kSecond);
  CHECK(policy.expire_after == 90 * 86'400 * kSecond);
  CHECK(policy.severity.at(domain::Rule::kBuildRequest) == domain::Severity::kInfo);
  CHECK(policy.severity.at(domain::Rule::kBuildEgress) == domain::Severity::kHigh);
  REQUIRE(policy.exceptions.size() == 1);
  const auto& exception = policy.exceptions[0];
  CHECK(exception.owner == "ops");
  CHECK(exception.reason == "mirror: old");
  CHECK(exception.end == 1'801'440'000 * kSecond);  // 2027-02-01T00:00:00Z
  CHECK(exception.severity == domain::Severity::kLow);
  CHECK(exception.line == 19);
  CHECK(policy::summary(policy) ==
        "windows 2, baseline 2, registries 4, allowed destinations 2, denied destinations 2, "
        "clients 3, "
        "severities 2, exceptions 1, tactics 2");
}

TEST_CASE("Notes tell of what is over, of names that allow nothing and of ports alone") {
  const auto policy = parsed(R"(
destinations: {allow: [{domain: pypi.org}, {port: 443}, {network: 10.0.0.0/8}]}
exceptions:
  - {owner: ops, reason: r, expires: 2026-11-23, rule: build-request, client: {uid: 1}}
  - {owner: dev, reason: r, expires: 2026-11-24, rule: build-request, client: {uid: 1}}
)");
  const std::uint64_t noon = 1'795'521'600 * kSecond;  // 2026-11-24T12:00:00Z
  const auto notes = policy::notes(policy, noon);
  REQUIRE(notes.size() == 3);
  CHECK(notes[0].find("ops in line 4 ended with 2026-11-23") != std::string::npos);
  CHECK(notes[1].find("pypi.org lowers only what") != std::string::npos);
  CHECK(notes[2].find("port 443 alone allows every address") != std::string::npos);
  CHECK(policy::notes(policy, noon + 43'200 * kSecond).size() == 4);
}

TEST_CASE("Learning is off when it is 0, and told of when it is on") {
  CHECK(parsed("baseline: {learn_for: 0}").learn_for == 0);
  CHECK(policy::notes(parsed("baseline: {learn_for: 0}"), 0).empty());
  const auto notes = policy::notes(parsed("baseline: {learn_for: 7d}"), 0);
  REQUIRE(notes.size() == 1);
  CHECK(notes[0].find("INFO") != std::string::npos);
}

TEST_CASE("The server that hosts share a baseline over") {
  const auto url = [](const std::string& word) { return *policy::read_store_url(word); };
  CHECK(url("redis://valkey.test") ==
        policy::StoreUrl{false, "valkey.test", 6379, 0, "redis://valkey.test"});
  CHECK(url("rediss://Valkey.test:7000/3").tls);
  CHECK(url("rediss://Valkey.test:7000/3").host == "valkey.test");
  CHECK(url("rediss://valkey.test:7000/3").port == 7000);
  CHECK(url("rediss://valkey.test:7000/3").database == 3);
  CHECK(url("redis://192.0.2.7/").host == "192.0.2.7");
  CHECK(url("redis://[2001:db8::7]").host == "2001:db8::7");
  CHECK(url("redis://[2001:db8::7]:7000").port == 7000);
  for (const char* wrong : {"redis://", "redis://[", "redis://[]", "redis://[192.0.2.7]",
                            "redis://a..b", "redis://a:", "redis://a:65536", "redis://a/65536",
                            "redis://a/1/2", "redis://[2001:db8::7]x", "redis://a b"})
    CHECK_FALSE(policy::read_store_url(wrong));

  const auto policy = parsed(R"(
baseline:
  store: rediss://valkey.test
  user: sensor
  password_file: /etc/kilnwatch/store-password
  ca_file: /etc/kilnwatch/ca.pem
  cert_file: /etc/kilnwatch/cert.pem
  key_file: /etc/kilnwatch/key.pem
)");
  REQUIRE(policy.store);
  CHECK(policy.store->user == "sensor");
  CHECK(policy.store->password_file == "/etc/kilnwatch/store-password");
  CHECK(policy.store->key_file == "/etc/kilnwatch/key.pem");
  CHECK(policy::summary(policy) == "baseline 1");
  CHECK(policy::notes(policy, 0).empty());
  const auto plain = policy::notes(parsed("baseline: {store: 'redis://valkey.test'}"), 0);
  REQUIRE(plain.size() == 1);
  CHECK(plain[0].find("rediss://") != std::string::npos);
}

TEST_CASE("Durations and days") {
  CHECK(*policy::read_duration("30s") == 30 * kSecond);
  CHECK(*policy::read_duration("5m") == 300 * kSecond);
  CHECK(*policy::read_duration("365d") == 365 * 86'400 * kSecond);
  for (const char* word : {"0s", "366d", "-5m", "5", "m", "1.5h", "99999999999999999999d", "5 m"}) {
    INFO(word);
    CHECK_FALSE(policy::read_duration(word));
  }
  CHECK(*policy::read_last_day("1970-01-01") == 86'400 * kSecond);
  CHECK(*policy::read_last_day("2028-02-29") == 1'835'481'600 * kSecond);
  for (const char* word : {"2027-02-29", "2027-13-01", "1969-12-31", "2300-01-01", "2027-1-1",
                           "2027-01-31T", "+027-01-31"}) {
    INFO(word);
    CHECK_FALSE(policy::read_last_day(word));
  }
}
