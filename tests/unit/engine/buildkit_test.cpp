#include <catch2/catch_test_macros.hpp>

#include "engine/buildkit/status.h"
#include "engine/buildkit/vertex_name.h"
#include "engine/wire.h"
#include "harness/buildkit.h"
#include "harness/facts.h"

using namespace kilnwatch;
using namespace kilnwatch::test;
using engine::buildkit::parse_vertex_name;
using engine::buildkit::StepSecrets;

namespace {

StepSecrets knowing(std::vector<std::string> values) {
  StepSecrets secrets;
  secrets.know(std::move(values));
  return secrets;
}

std::vector<std::string> texts(const std::vector<domain::ApiFact>& facts) {
  std::vector<std::string> out;
  for (const auto& fact : facts) out.push_back(std::visit(FactText{}, fact));
  return out;
}

std::vector<std::string> told(const std::string& message, const StepSecrets& secrets,
                              bool* all = nullptr, bool whole = true) {
  engine::buildkit::StatusReader reader;
  std::vector<domain::ApiFact> facts;
  const bool read = reader.read(masked_status(message, secrets), whole, 5, {7, 0}, facts);
  if (all != nullptr) *all = read;
  return texts(facts);
}

std::string place(const std::string& name) {
  const auto v = parse_vertex_name(name);
  return std::string(v.platform) + "|" + std::string(v.stage) + "|" + std::to_string(v.number) +
         "/" + std::to_string(v.total) + "|" + std::string(v.text) + "|" +
         std::to_string(static_cast<int>(v.kind)) + (v.exports ? "e" : "");
}

}  // namespace

TEST_CASE("A vertex's name tells its place and what it does") {
  CHECK(place("[2/3] RUN wget -O /p http://a/") == "||2/3|RUN wget -O /p http://a/|1");
  CHECK(place("[ 2/10] RUN make") == "||2/10|RUN make|1");
  CHECK(place("[build  2/10] RUN make") == "|build|2/10|RUN make|1");
  CHECK(place("[stage-1 2/4] COPY --from=build /x /") == "|stage-1|2/4|COPY --from=build /x /|0");
  CHECK(place("[linux/arm64 build 2/4] RUN x") == "linux/arm64|build|2/4|RUN x|1");
  CHECK(place("[linux/amd64->arm64 2/4] RUN x") == "linux/amd64->arm64||2/4|RUN x|1");
  CHECK(place("[2/2] ONBUILD RUN x") == "||2/2|RUN x|1");
  CHECK(place("[1/3] FROM docker.io/library/alpine:3@sha256:00") ==
        "||1/3|docker.io/library/alpine:3|2");
  CHECK(place("FROM docker.io/library/alpine:3@sha256:00") == "||0/0|docker.io/library/alpine:3|2");
  CHECK(place("[internal] load metadata for docker.io/library/alpine:3") ==
        "||0/0|docker.io/library/alpine:3|2");
  CHECK(place("[context base] load metadata for docker.io/library/a:1") ==
        "||0/0|docker.io/library/a:1|2");
  CHECK(place("[internal] load build context") == "||0/0|load build context|0");
  CHECK(place("exporting to image") == "||0/0|exporting to image|0e");
  CHECK(place("[auth] RUN x") == "||0/0|RUN x|0");
  // No place of a step.
  CHECK(place("[3/2] RUN x") == "||0/0|RUN x|0");
  CHECK(place("[0/2] RUN x") == "||0/0|RUN x|0");
  CHECK(place("[a b 1/2] RUN x") == "||0/0|RUN x|0");
  CHECK(place("[a/b c d 1/2] RUN x") == "||0/0|RUN x|0");
  CHECK(place("[1/2x] RUN x") == "||0/0|RUN x|0");
  CHECK(place("[1/2]RUN x") == "||0/0|[1/2]RUN x|0");
  CHECK(place("") == "||0/0||0");
}

TEST_CASE("The wire is read field by field, and its cut end is known") {
  const std::string bytes = Status::part(1, "ab") + std::string("\x10\x96\x01", 3) +
                            std::string("\x1d\0\0\0\0", 5) + Status::part(3, "c");
  engine::Fields fields(bytes);
  engine::Field field;
  REQUIRE(fields.next(field));
  CHECK((field.number == 1 && field.text && field.at == 2 && field.size == 2));
  REQUIRE(fields.next(field));
  CHECK((field.number == 2 && !field.text && field.size == 2));
  REQUIRE(fields.next(field));
  CHECK((field.number == 3 && !field.text && field.size == 4));
  REQUIRE(fields.next(field));
  CHECK_FALSE(fields.next(field));
  CHECK(fields.whole());
  for (std::size_t n = 0; n < bytes.size(); ++n) {
    engine::Fields cut(std::string_view(bytes).substr(0, n));
    while (cut.next(field)) CHECK(field.at + field.size <= n);
    if (!cut.whole()) CHECK((cut.cut_in() >= 1 && cut.cut_in() <= 3));
  }
  for (const std::string& bad :
       {std::string(1, '\0'), std::string("\x0b"), std::string("\x0c"), std::string(11, '\xff'),
        std::string("\x0a\xff\xff\xff\xff\x0f")}) {
    engine::Fields none(bad);
    CHECK_FALSE(none.next(field));
    CHECK_FALSE(none.whole());
  }
}

TEST_CASE("Steps, base images and the image are told; what steps print is not") {
  Status status;
  status.vertex("[internal] load metadata for docker.io/library/alpine:3", 1000, 1500)
      .vertex("[1/2] FROM docker.io/library/alpine:3@sha256:00", 1500, 1600, true)
      .vertex("[internal] load build context")
      .vertex("[2/2] RUN wget http://a/", 2000)
      .on({"[1/2] FROM docker.io/library/alpine:3@sha256:00", "[internal] load build context"})
      .vertex("exporting to image", 3000)
      .status("exporting to image", "writing image " + vertex_digest("i"), 3100)
      .status("exporting to image", "naming to docker.io/library/evil:1", 3200)
      .status("[2/2] RUN wget http://a/", "naming to docker.io/library/other:1", 3200)
      .log("[2/2] RUN wget http://a/", 3300, Status::part(1, "[9/9] RUN forged"));
  bool all = false;
  const auto facts = told(status.bytes(), knowing({}), &all);
  CHECK(all);
  const auto digest = [](const std::string& name) { return "vertex 7.0 " + vertex_digest(name); };
  CHECK(facts ==
        std::vector<std::string>{
            digest("[internal] load metadata for docker.io/library/alpine:3") +
                " 2 ||0/0 docker.io/library/alpine:3 0 1000000000-1500000000 ",
            digest("[1/2] FROM docker.io/library/alpine:3@sha256:00") +
                " 2 ||1/2 docker.io/library/alpine:3 1 1500000000-1600000000 ",
            digest("[internal] load build context") + " 0 ||0/0 load build context 0 0-0 ",
            digest("[2/2] RUN wget http://a/") + " 1 ||2/2 RUN wget http://a/ 0 2000000000-0 [" +
                vertex_digest("[1/2] FROM docker.io/library/alpine:3@sha256:00") + "," +
                vertex_digest("[internal] load build context") + ",] 1",
            digest("exporting to image") + " 0 ||0/0 exporting to image 0 3000000000-0 ",
            "image 7.0 " + vertex_digest("i") + " 0", "tagged 7.0 docker.io/library/evil:1",
            "clock 7.0 3300000000"});
}

TEST_CASE("A vertex that failed is told whatever it is") {
  const auto facts =
      told(Status().vertex("[2/3] COPY x /", 1000, 2000, false, "\"/x\": not found").bytes(),
           knowing({}));
  REQUIRE(facts.size() == 2);
  CHECK(facts[0].ends_with(" 0 ||2/3 COPY x / 0 1000000000-2000000000 \"/x\": not found"));
}

TEST_CASE("Secrets of names and errors are masked in equal length, output is gone") {
  const std::string name = "[2/2] RUN login kw-canary-value --password hunter2secret";
  auto message = Status()
                     .vertex(name, 1000, 0, false, "login kw-canary-value: exit code: 1")
                     .status(name, "GET http://a/?token=kw-canary-two", 1)
                     .log(name, 1000, "kw-canary-output")
                     .bytes();
  message += Status::part(4, "kw-canary-warning") + std::string("\x28\xff\x7f", 3);
  for (const bool known : {true, false}) {
    StepSecrets secrets;
    if (known) secrets.know({"kw-canary-value", "2/2"});
    const auto masked = masked_status(message, secrets);
    CHECK(masked.size() == message.size());
    CHECK(masked.find("canary") == masked.npos);
    CHECK(masked.find("hunter2secret") == masked.npos);
    CHECK(masked_status(masked, secrets) == masked);
    const auto facts = told(message, secrets);
    REQUIRE(facts.size() == 2);
    CHECK(facts[0].find(known ? "2/2 RUN login *** --password *** 0" : "2/2 RUN *** 0") !=
          facts[0].npos);
    CHECK(told(masked, secrets) == facts);
  }
}

TEST_CASE("Without the arguments' values, names of images stay, and what says nothing") {
  const StepSecrets unknown;
  CHECK(unknown.masked_name("[1/2] FROM docker.io/library/keycloak:20@sha256:00") ==
        "[1/2] FROM docker.io/library/keycloak:20@sha256:00");
  CHECK(unknown.masked_name("exporting to image") == "exporting to image");
  CHECK(unknown.masked_name("[build 2/3] COPY a b") == "[build 2/3] COPY ***");
  CHECK(unknown.masked_name("RUN") == "RUN");
  CHECK(unknown.masked_name("").empty());
  CHECK(unknown.masked_text("naming to docker.io/library/a:1") ==
        "naming to docker.io/library/a:1");
}

TEST_CASE("Values that are short, or too many, hide nothing or all") {
  CHECK(knowing({"abc", "****"}).masked_name("[2/2] RUN echo abc") == "[2/2] RUN echo abc");
  CHECK(knowing({"abab"}).masked_name("[2/2] RUN echo ababab") == "[2/2] RUN echo ******");
  CHECK(knowing(std::vector<std::string>(1000, "value")).masked_name("[2/2] RUN echo x") ==
        "[2/2] RUN ******");
}

TEST_CASE("Any cut of a message gives a beginning of its facts, and is known") {
  Status status;
  status.vertex("[1/2] FROM a", 1000, 2000)
      .vertex("[2/2] RUN b", 2000)
      .log("[2/2] RUN b", 2500, std::string(300, 'x'));
  const auto message = status.bytes();
  const auto secrets = knowing({});
  const auto all = told(message, secrets);
  REQUIRE(all.size() == 3);
  for (std::size_t n = 0; n < message.size(); ++n) {
    bool read = false;
    auto facts = told(message.substr(0, n), secrets, &read, false);
    INFO(n);
    if (!facts.empty() && facts.back().starts_with("clock")) {
      CHECK(read);
      facts.pop_back();
    }
    CHECK(facts.size() <= 2);
    CHECK(std::equal(facts.begin(), facts.end(), all.begin()));
    if (read) CHECK(facts.size() == 2);
    // What is recorded of it gives the same.
    bool again = false;
    auto masked = masked_status(message.substr(0, n), secrets);
    masked.resize((masked.size() + 2) / 3 * 3, '\0');
    told(masked, secrets, &again, false);
    CHECK(again == read);
  }
}

TEST_CASE("Garbage is no status") {
  bool all = true;
  CHECK(told("\xff\xff\xff", knowing({}), &all).empty());
  CHECK_FALSE(all);
  CHECK(told(Status::part(1, "\xff\xff"), knowing({}), &all).empty());
  CHECK(told(Status::part(1, Status::part(1, "sha256:short") + Status::part(3, "[1/2] RUN x")),
             knowing({}))
            .empty());
  // Bytes that are no UTF-8 blind nobody.
  CHECK(told(Status().vertex("[2/2] RUN \xff\xfe", 1000).bytes(), knowing({})).size() == 2);
}
