#include <catch2/catch_test_macros.hpp>
#include <string>
#include <vector>

#include "protocol/url/url.h"

using namespace kilnwatch::protocol;
using Strings = std::vector<std::string>;

TEST_CASE("Targets are read as url.ParseRequestURI does") {
  const auto path = [](std::string_view target) {
    const auto parsed = parse_target(target);
    return parsed ? parsed->path + "?" + parsed->query : "none";
  };
  CHECK(path("/v1.40/%62uild?t=%61") == "/v1.40/build?t=%61");
  CHECK(path("http://h:1/build?x") == "/build?x");
  CHECK(path("HTTP://u:p@h/build") == "/build?");
  CHECK(path("http:/build") == "/build?");
  CHECK(path("x+1.-:/build?a?b") == "/build?a?b");
  CHECK(path("http://h?x") == "?x");
  CHECK(path("//build") == "//build?");
  CHECK(path("/build#f?x") == "/build#f?x");
  CHECK(path("/a:b") == "/a:b?");
  CHECK(path("*") == "none");
  CHECK(path("build") == "none");
  CHECK(path("http:build") == "none");
  CHECK(path("1http:/build") == "none");
  CHECK(path("/%zz") == "none");
  CHECK(path("/%6") == "none");
  CHECK(path("") == "none");
}

TEST_CASE("Queries are read as url.ParseQuery does") {
  Query query;
  query.add("t=a&t=b+c&%74=d%26&bad=%zz&t=x;y&&empty&=v&t=&e=1=2");
  CHECK(query.all("t", 10) == Strings{"a", "b c", "d&", ""});
  CHECK(query.all("t", 2) == Strings{"a", "b c"});
  CHECK(query.first("bad").empty());
  CHECK(query.first("empty").empty());
  CHECK(query.first("e") == "1=2");
  CHECK(query.first("").size() == 1);
}

TEST_CASE("Texts count in order, pairs after them") {
  Query body, query;
  body.add("t=1");
  query.add("t=2");
  query.add("t", "3");
  body.add(query);
  CHECK(body.all("t", 9) == Strings{"1", "2", "3"});
}

TEST_CASE("A parameter behind any number of others is read") {
  std::string text;
  for (int i = 0; i < 20000; ++i) text += "a&";
  Query query;
  query.add(text + "remote=x");
  CHECK(query.first("remote") == "x");
}

TEST_CASE("Values are replaced byte for byte where the decoded value is secret") {
  const auto judge = [](std::string_view key, std::string_view value) {
    std::string safe(value);
    if (key == "pw") return std::string(value.size(), '*');
    if (const auto at = safe.find("s3cret"); at != safe.npos) safe.replace(at, 6, "******");
    return safe;
  };
  CHECK(mask_pairs("a=1&p%77=x%41y&b=%73%33cret;+z&c&d=%zz", judge) ==
        "a=1&p%77=*****&b=**********;+z&c&d=***");
}

TEST_CASE("Parts of a multipart form that are no files are parameters") {
  const std::string body =
      "preamble\r\n--b1\r\nContent-Disposition: form-data; name=\"remote\"\r\n\r\nhttp://a/x\r\n"
      "--b1\r\ncontent-disposition: form-data; filename=\"t\"; name=\"file\"\r\n\r\nnot me\r\n"
      "--b1\nContent-Disposition: form-data; name=t\n\nx:1\n--b1--\r\n";
  const auto parts = parse_multipart("Multipart/Form-Data; boundary=b1", body);
  REQUIRE(parts.size() == 2);
  CHECK(parts[0] == std::pair<std::string, std::string>("remote", "http://a/x"));
  CHECK(parts[1] == std::pair<std::string, std::string>("t", "x:1"));
  CHECK(parse_multipart("multipart/form-data", body).empty());
  CHECK(parse_multipart("text/plain; boundary=b1", body).empty());
  for (std::size_t n = 0; n < body.size(); ++n)
    CHECK(parse_multipart("multipart/form-data; boundary=\"b1\"", body.substr(0, n)).size() <= 2);
}
