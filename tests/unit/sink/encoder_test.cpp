#include <google/protobuf/util/json_util.h>
#include <google/protobuf/util/message_differencer.h>

#include <algorithm>
#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <string>
#include <vector>

#include "harness/full_alert.h"
#include "sink/convert.h"
#include "sink/encoder.h"
#include "sink/health.h"

using namespace kilnwatch;
using google::protobuf::util::MessageDifferencer;

namespace {

domain::Finding asked_for(const std::string& host) {
  domain::Finding finding;
  finding.connection = domain::Connection{};
  finding.connection->http_host = host;
  return finding;
}

const std::string kHostile =
    "a\"b\\c\n\r\t\x1b["
    "2J\x7f\xc2\x9b\xe2\x80\xae\xe2\x81\xa6\xe2\x80\xa8\xef\xbb\xbf\xf3\xa0\x81\x81 ";

std::string encoded(const char* format, const v1::Alert& alert) {
  return (*sink::make_encoder(format))->encode(alert);
}

v1::Alert from_json(const std::string& json) {
  v1::Alert alert;
  REQUIRE(google::protobuf::util::JsonStringToMessage(json, &alert).ok());
  return alert;
}

// What a line of text or JSON must not hold, whatever stands in the alert.
void check_harmless(const std::string& text) {
  for (const char* bad : {"\x1b", "\r", "\t", "\x7f", "\xc2\x9b", "\xe2\x80\xae", "\xe2\x81\xa6",
                          "\xe2\x80\xa8", "\xef\xbb\xbf", "\xf3\xa0\x81\x81"}) {
    CHECK(text.find(bad) == std::string::npos);
  }
}

}  // namespace

TEST_CASE("An alert with every field set comes back from JSON and from protobuf") {
  const auto alert = test::full_alert(GENERATE(as<std::string>{}, "", kHostile));
  CHECK(MessageDifferencer::Equals(from_json(encoded("json", alert)), alert));
  sink::StreamDecoder decoder;
  decoder.feed(encoded("protobuf", alert) + encoded("protobuf", alert));
  for (int i = 0; i < 2; ++i) {
    const auto back = decoder.next();
    REQUIRE(back);
    REQUIRE(*back);
    CHECK(MessageDifferencer::Equals(**back, alert));
    // What was decoded is what was encoded, in every format.
    for (const char* format : {"text", "json", "protobuf"}) {
      CHECK(encoded(format, **back) == encoded(format, alert));
    }
  }
  CHECK(decoder.clean());
}

TEST_CASE("JSON is one line without what a reader cannot see, with numbers as numbers") {
  const auto json = encoded("json", test::full_alert(kHostile));
  CHECK(std::count(json.begin(), json.end(), '\n') == 1);
  CHECK(json.ends_with("}\n"));
  check_harmless(json);
  const auto plain = encoded("json", test::full_alert());
  // Zero is there, and is a number: uid 0 is root.
  for (const char* number : {"\"pid\":0", "\"uid\":0", "\"loginuid\":0", "\"port\":0",
                             "\"number\":0", "\"total\":0", "\"count\":0", "\"bytes_out\":0",
                             "\"bytes_in\":0", "\"privileged\":false", "\"in_builds\":false"}) {
    CAPTURE(number, plain);
    CHECK(plain.find(number) != std::string::npos);
  }
  // Only times are text that begins with a digit.
  std::string timeless = plain;
  const std::string time = "\"2023-11-14T22:13:20.123Z\"";
  for (auto at = timeless.find(time); at != timeless.npos; at = timeless.find(time)) {
    timeless.erase(at, time.size());
  }
  for (char digit = '0'; digit <= '9'; ++digit) {
    CHECK(timeless.find(std::string(":\"") + digit) == std::string::npos);
  }
  CHECK(plain.find("\"time\":\"2023-11-14T22:13:20.123Z\"") != std::string::npos);
  CHECK(plain.find("\"severity\":\"SEVERITY_INFO\"") != std::string::npos);
}

TEST_CASE("The stream is read however it is cut") {
  std::string stream;
  for (int i = 0; i < 20; ++i) {
    v1::Alert alert;
    alert.set_id(std::to_string(i));
    alert.set_summary(std::string(static_cast<std::size_t>(i * 37), 's'));
    stream += encoded("protobuf", alert);
  }
  const std::size_t step = GENERATE(1u, 2u, 7u, 100u, 100'000u);
  sink::StreamDecoder decoder;
  int got = 0;
  for (std::size_t at = 0; at < stream.size(); at += step) {
    decoder.feed(std::string_view(stream).substr(at, step));
    for (;;) {
      const auto alert = decoder.next();
      REQUIRE(alert);
      if (!*alert) break;
      CHECK((*alert)->id() == std::to_string(got++));
    }
  }
  CHECK(got == 20);
  CHECK(decoder.clean());
  decoder.feed(stream.substr(0, 1));
  CHECK(decoder.next());
  CHECK_FALSE(decoder.clean());
}

TEST_CASE("What is no stream of alerts is an error") {
  v1::Alert timeless;
  timeless.mutable_time()->set_seconds(std::numeric_limits<std::int64_t>::max());
  v1::Alert nanos;
  nanos.mutable_build()->mutable_ended()->set_nanos(-1);
  const auto bytes =
      GENERATE_COPY(as<std::string>{}, "x", "{}", std::string("\x0a\xff\xff\xff\xff\x0f"),
                    std::string("\x0a\xff\xff\xff\x7f"), std::string("\x0a\x03\xff\xff\xff"),
                    std::string("\x0a\x04\x0a\x02\xff\xfe"),  // a string that is not UTF-8
                    encoded("protobuf", timeless), encoded("protobuf", nanos));
  sink::StreamDecoder decoder;
  decoder.feed(bytes);
  const auto alert = decoder.next();
  REQUIRE_FALSE(alert);
  CHECK(alert.error().kind == base::ErrorClass::kInput);
}

TEST_CASE("Values of a later version are shown, not stumbled over") {
  v1::Alert alert;
  alert.set_severity(static_cast<v1::Severity>(99));
  alert.mutable_build()->set_status(static_cast<v1::BuildStatus>(99));
  alert.mutable_build()->mutable_client()->mutable_address()->set_ip("::1");
  alert.mutable_build()->mutable_client()->set_transport(static_cast<v1::Transport>(99));
  alert.mutable_step()->set_attribution(static_cast<v1::Attribution>(99));
  alert.mutable_connection()->set_outcome(static_cast<v1::Outcome>(99));
  CHECK(encoded("text", alert).starts_with("? "));
  CHECK(encoded("json", alert).find("\"severity\":99") != std::string::npos);
}

TEST_CASE("Text of processes that is no UTF-8 becomes an alert all the same") {
  domain::Finding finding;
  finding.rule = domain::Rule::kBuildEgress;
  finding.summary = "step \xff";
  finding.connection.emplace();
  finding.connection->process.exe = "/bin/\xc3";
  finding.connection->process.args = {"\xed\xa0\x80", "ok"};
  const auto alert = sink::to_alert(finding, {"host\xfe", "boot", "machine", "kernel", 0});
  CHECK(alert.connection().process().exe() == "/bin/?");
  CHECK(alert.connection().process().args(0) == "???");
  CHECK(from_json(encoded("json", alert)).host().name() == "host?");
}

TEST_CASE("Where a destination's name comes from") {
  domain::Finding finding;
  domain::Connection& to = finding.connection.emplace();
  const auto source = [&] {
    return sink::to_alert(finding, {"host", "boot", "machine", "kernel", 0})
        .connection()
        .domain_source();
  };
  CHECK(source().empty());
  to.dns_name = {"a.test", "192.0.2.53", false};
  CHECK(source() == "dns-unverified");
  to.tls_name = "a.test";
  CHECK(source() == "tls-sni");
  to.tls_relay = true;
  CHECK(source() == "tls-sni-relay");
  to.protocol = 17;
  CHECK(source() == "quic-sni-relay");
  to.tls_relay = false;
  CHECK(source() == "quic-sni");
  to.dns_name.verified = true;
  CHECK(source() == "dns");
}

TEST_CASE("Lost alerts are an alert") {
  const domain::HostFacts host{"host", "boot", "machine", "kernel", 0};
  const auto alert = sink::alerts_lost(host, 1'700'000'000'123'000'000, 42);
  CHECK(alert.rule() == "sensor-blind");
  CHECK(alert.health().cause() == "alert-queue");
  CHECK(alert.health().count() == 42);
  CHECK(alert.id().size() == 32);
  CHECK(alert.host().boot_id() == "boot");
  CHECK(encoded("json", alert).find("\"health\":{\"cause\":\"alert-queue\",\"count\":42}") !=
        std::string::npos);
  CHECK(sink::alerts_lost(host, 1'700'000'000'123'000'001, 42).id() != alert.id());

  const auto refused = sink::config_refused(host, 1'700'000'000'123'000'000, "f:1:2: \xff");
  CHECK(refused.rule() == "sensor-blind");
  CHECK(refused.health().cause() == "configuration");
  REQUIRE(refused.reasons_size() == 1);
  CHECK(refused.reasons(0).code() == "config-refused");
  CHECK(refused.reasons(0).text() == "f:1:2: ?");
  CHECK(refused.id() != alert.id());
}

TEST_CASE("A Host field is told without its port, and one that is an address is no name") {
  for (const char* host : {"198.51.100.66", "198.51.100.66:8080", "[2001:db8::1]",
                           "[2001:db8::1]:80", "2001:db8::1", "user@198.51.100.66:8080"}) {
    CAPTURE(host);
    const auto alert = sink::to_alert(asked_for(host), {});
    CHECK(alert.connection().domain().empty());
    CHECK(alert.connection().domain_source().empty());
  }
  for (const auto& [host, name] : {std::pair{"files.kiln.test", "files.kiln.test"},
                                   {"files.kiln.test:8080", "files.kiln.test"},
                                   {"user@files.kiln.test:8080", "files.kiln.test"},
                                   {"1.2.3.4.test", "1.2.3.4.test"},
                                   {"localhost", "localhost"}}) {
    CAPTURE(host);
    const auto alert = sink::to_alert(asked_for(host), {});
    CHECK(alert.connection().domain() == name);
    CHECK(alert.connection().domain_source() == "http-host");
  }
  // What an answer said stands then.
  auto both = asked_for("198.51.100.66");
  both.connection->dns_name = {"a.test", "10.0.0.1", false};
  CHECK(sink::to_alert(both, {}).connection().domain_source() == "dns-unverified");
  CHECK(sink::to_alert(both, {}).connection().actor().empty());
  both.connection->by_engine = true;
  CHECK(sink::to_alert(both, {}).connection().actor() == "engine");
}
