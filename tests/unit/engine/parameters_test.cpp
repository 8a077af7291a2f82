#include <catch2/catch_test_macros.hpp>

#include "harness/conversation.h"
#include "harness/facts.h"

using namespace kilnwatch;
using namespace kilnwatch::test;

namespace {

const std::string kForm = "Content-Type: application/x-www-form-urlencoded\r\n";

std::string post(const std::string& target, const std::string& fields, const std::string& body) {
  return with_length("POST " + target + " HTTP/1.1\r\nHost: x\r\n" + fields, body);
}

// The one build of the conversation, the same for every split.
domain::BuildRequested build_of(const std::vector<Turn>& turns) {
  const auto whole_texts = fact_texts(converse(turns, whole()));
  CHECK(fact_texts(converse(turns, single())) == whole_texts);
  for (unsigned seed = 0; seed < 10; ++seed)
    CHECK(fact_texts(converse(turns, random_split(seed))) == whole_texts);
  const auto builds = facts_of<domain::BuildRequested>(converse(turns, single()));
  REQUIRE(builds.size() == 1);
  return builds[0];
}

std::size_t blinds(const std::vector<Turn>& turns) {
  return facts_of<domain::ConversationBlind>(converse(turns, whole())).size();
}

}  // namespace

TEST_CASE("Parameters of an urlencoded body come before those of the query") {
  const auto build =
      build_of({asks(post("/build?t=q:1&remote=http://q/", kForm + "User-Agent: curl/8\r\n",
                          "remote=http%3A%2F%2Fa%2FDockerfile&t=b%3A1&networkmode=host"))});
  CHECK(build.remote_context == "http://a/Dockerfile");
  CHECK(build.tags == std::vector<std::string>{"b:1", "q:1"});
  CHECK(build.network_mode == "host");
  CHECK(build.user_agent == "curl/8");
}

TEST_CASE("A chunked form counts like one with a length") {
  const auto build =
      build_of({asks("POST /build HTTP/1.1\r\nTransfer-Encoding: chunked\r\nContent-Type: "
                     "Application/X-WWW-Form-Urlencoded; charset=utf-8\r\n\r\n" +
                     chunk("t=a&rem") + chunk("ote=git://h/r") + "0\r\n\r\n")});
  CHECK(build.remote_context == "git://h/r");
}

TEST_CASE("A build that the engine refuses is told all the same") {
  const std::string error = "{\"message\":\"unexpected EOF token=canary1 --password canary2\"}\n";
  const std::vector<Turn> turns{
      asks(post("/v1.40/build", kForm, "t=x:1")),
      answers(with_length(
          "HTTP/1.1 500 Internal Server Error\r\nContent-Type: application/json\r\n", error))};
  CHECK(build_of(turns).tags == std::vector<std::string>{"x:1"});
  const auto output = converse(turns, single());
  const auto ended = facts_of<domain::BuildEnded>(output);
  REQUIRE(ended.size() == 1);
  CHECK(ended[0].status == domain::BuildStatus::kRefused);
  CHECK(ended[0].http_status == 500);
  CHECK(ended[0].message == "unexpected EOF token=*** --password ***");
  CHECK(everything(output).find("canary") == std::string::npos);
}

TEST_CASE("An answer that comes before the form's end does not hide the build") {
  const auto build = build_of({asks("POST /build HTTP/1.1\r\n" + kForm +
                                    "Content-Length: 100\r\n\r\nt=x:1&remote=http://a/&q"),
                               answers(kChunkedOk), answers(stream("Step 1/1 : FROM a"))});
  CHECK(build.tags == std::vector<std::string>{"x:1"});
  CHECK(build.remote_context == "http://a/");
}

TEST_CASE("Parameters of a multipart form count after the query") {
  const auto part = [](const std::string& name, const std::string& value) {
    return "--b\r\nContent-Disposition: form-data; name=\"" + name + "\"\r\n\r\n" + value + "\r\n";
  };
  const auto build =
      build_of({asks(post("/build?t=q", "Content-Type: multipart/form-data; boundary=b\r\n",
                          part("t", "m") + part("remote", "http://a/x") + "--b--\r\n"))});
  CHECK(build.tags == std::vector<std::string>{"q", "m"});
  CHECK(build.remote_context == "http://a/x");
}

TEST_CASE("A form that is longer than what is read says so") {
  const auto body = "t=x&pad=" + std::string(70000, 'a') + "&remote=http://a/";
  const std::vector<Turn> turns{asks(post("/build", kForm, body))};
  CHECK(build_of(turns).tags == std::vector<std::string>{"x"});
  const auto blind = facts_of<domain::ConversationBlind>(converse(turns, whole()));
  REQUIRE(blind.size() == 1);
  CHECK(blind[0].build.has_value());
  const auto head = post("/build", kForm, body).substr(0, 500);
  CHECK(blinds({asks(head), skips(domain::Direction::kRequest, 600)}) == 1);
}

TEST_CASE("Which paths are a build") {
  const auto builds = [](const std::string& start) {
    return facts_of<domain::BuildRequested>(
               converse({asks(start + " HTTP/1.1\r\nHost: x\r\n\r\n")}, single()))
        .size();
  };
  for (const std::string target :
       {"/build", "/v1.41/build", "/v9.99/build", "/%62uild", "/v1.41%2fbuild", "/build?",
        "http://h/build", "http:/build", "HTTPS://u@h:1/v1.24/build?t=x"})
    CHECK(builds("POST " + target) == 1);
  for (const std::string target :
       {"/build/", "//build", "/./build", "/a/../build", "/v1.41//build", "/build#x", "/vx/build",
        "/Build", "build", "*", "/build%00", "/%zzbuild", "/v1.41build", "/libpod/build"})
    CHECK(builds("POST " + target) == 0);
}

TEST_CASE("Booleans are read as the engine does") {
  const auto quiet = [](const std::string& value) {
    return build_of({asks("POST /build?q=" + value + " HTTP/1.1\r\n\r\n")}).quiet;
  };
  for (const std::string value : {"1", "true", "yes", "x", "%201%20"}) CHECK(quiet(value));
  for (const std::string value : {"", "0", "no", "False", "NONE", "+0+", "%09"})
    CHECK_FALSE(quiet(value));
}

TEST_CASE("Image names that look like assignments stay as they are") {
  const auto build =
      build_of({asks("POST /build?t=keycloak:20&t=reg:5000/auth/token:1 HTTP/1.1\r\n\r\n")});
  CHECK(build.tags == std::vector<std::string>{"keycloak:20", "reg:5000/auth/token:1"});
}

TEST_CASE("What a browser sends marks the request") {
  for (const std::string field :
       {"Origin: http://a", "Sec-Fetch-Mode: no-cors", "Referer: http://a/"})
    CHECK(build_of({asks("POST /build HTTP/1.1\r\n" + field + "\r\n\r\n")}).browser);
  CHECK_FALSE(build_of({asks("POST /build HTTP/1.1\r\nHost: x\r\n\r\n")}).browser);
}

TEST_CASE("Target and labels of a request are read") {
  const auto of = [](const std::string& query) {
    const auto found = facts_of<domain::BuildRequested>(converse(
        {asks("POST /build?" + query + " HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n")},
        whole()));
    REQUIRE(found.size() == 1);
    return found[0];
  };
  CHECK(of("target=Second&labels=%7B%22a%22:%22b%22%7D").target == "Second");
  CHECK(of("target=Second&labels=%7B%22a%22:%22b%22%7D").labels);
  CHECK_FALSE(of("labels=%7B%7D").labels);
  CHECK_FALSE(of("t=x").labels);
}
