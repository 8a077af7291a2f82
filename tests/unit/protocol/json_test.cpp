#include <catch2/catch_test_macros.hpp>
#include <string>

#include "protocol/json/json.h"

using namespace kilnwatch::protocol;

TEST_CASE("Keys match in any letter case, the last value counts, null counts not") {
  const auto text = [](const std::string& json) {
    const auto value = parse_json(json);
    return value ? json_string(json_find(*value, "Task")) : "none";
  };
  CHECK(text(R"({"task":"a","TASK":"b","task":"c"})") == "c");
  CHECK(text(R"({"task":"a","Task":"b"})") == "b");
  CHECK(text(R"({"task":"a","task":null})") == "a");
  CHECK(text("{\"ta\xc5\xbf\xe2\x84\xaa\":\"folded\"}") == "folded");
  CHECK(text(R"({"task":7})").empty());
  CHECK(text("[1]").empty());
}

TEST_CASE("A key that stands twice is there twice") {
  const auto value = parse_json(R"({"a":{"x":true},"A":{"y":"z"}})");
  REQUIRE(value);
  REQUIRE(json_all(*value, "a").size() == 2);
  CHECK(json_true(json_find(*json_all(*value, "a")[0], "X")));
}

TEST_CASE("What follows the first value does not matter; bad UTF-8 is no error") {
  CHECK(parse_json("{} trailing"));
  CHECK(parse_json("{}\n{\"a\":1}"));
  CHECK(parse_json("{\"a\":\"\xff\"}"));
  CHECK_FALSE(parse_json("{\"a\":"));
  CHECK_FALSE(parse_json(""));
  CHECK_FALSE(parse_json("nonsense"));
}

TEST_CASE("Depth and length have limits") {
  const auto nest = [](std::size_t n) { return std::string(n, '[') + std::string(n, ']'); };
  CHECK(parse_json(nest(kMaxJsonDepth - 1)));
  CHECK_FALSE(parse_json(nest(kMaxJsonDepth + 1)));
  CHECK_FALSE(parse_json("\"" + std::string(kMaxJson, 'a') + "\""));
}

TEST_CASE("Strings, lists and escapes") {
  const auto value = parse_json(R"({"l":["a",1,"b",null],"s":" ---\u003e \ud83d\ude00\n"})");
  REQUIRE(value);
  CHECK(json_strings(json_find(*value, "l")) == std::vector<std::string>{"a", "b"});
  CHECK(json_string(json_find(*value, "s")) == " ---> \xf0\x9f\x98\x80\n");
}
