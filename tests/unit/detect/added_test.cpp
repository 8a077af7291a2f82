// What the ADDs of a build have its engine fetch.
#include "detect/added.h"

#include <catch2/catch_test_macros.hpp>
#include <string>
#include <vector>

#include "detect/shapes.h"
#include "tracker/vertices.h"

using namespace kilnwatch;
using namespace kilnwatch::domain;

namespace {

using Texts = std::vector<std::string>;

Build with(const Texts& lines, const Texts& given = {}) {
  Build build;
  build.request.build_arg_names = given;
  build.dockerfile = DockerfileSeen{};
  for (const auto& line : lines)
    build.dockerfile->instructions.push_back({line, false, line.starts_with("FROM")});
  return build;
}

Texts urls(const Texts& lines, const Texts& given = {}) {
  Texts out;
  for (const auto& file : detect::added_files(with(lines, given)).files) out.push_back(file.url);
  return out;
}

}  // namespace

TEST_CASE("URLs of ADDs, of the shell's form and of JSON's") {
  const auto added = detect::added_files(
      with({"FROM alpine", "ADD --checksum=sha256:0 https://a.test/x.tgz /x",
            "ADD [\"http://b.test/y\", \"z\", \"/\"]", "add http://[::1]:80/z /z",
            "ADD <<EOF /x\nhttp://e.test/\nEOF", "COPY http://c.test/ /", "RUN curl http://d.test",
            "ONBUILD ADD http://f.test/x /x", "ADD http://g\".te\"st/ /",
            "ADD http://only-a-target.test/", "ADD git@h.test:u/r.git /src"}));
  Texts told;
  for (const auto& file : added.files) told.push_back(file.url + " " + file.target);
  CHECK(told == Texts{"https://a.test/x.tgz /x", "http://b.test/y /", "http://[::1]:80/z /z",
                      "http://f.test/x /x", "http://g.test/ /", "git@h.test:u/r.git /src"});
  CHECK(added.whole);
}

TEST_CASE("Variables in URLs of ADDs") {
  CHECK(urls({"ARG H=a.test", "FROM x", "ARG H", "ADD http://$H/p /p"}) ==
        Texts{"http://a.test/p"});
  CHECK(urls({"FROM x", "ARG H=a.test P=8080", "ADD http://${H}:$P/p /p"}) ==
        Texts{"http://a.test:8080/p"});
  CHECK(urls({"FROM x", "ENV U=\"http://a.test\"", "ADD $U/p /p"}) == Texts{"http://a.test/p"});
  CHECK(urls({"FROM x", "ENV H a.test", "ARG U=http://$H", "ADD ${U}/p /"}) ==
        Texts{"http://a.test/p"});
  CHECK(urls({"FROM x", "ARG FILE=target/a.jar", "ADD $FILE /p"}).empty());
  CHECK(urls({"FROM x", "ADD app.tar $HOME/"}).empty());
  // The request gives another value, which is not kept.
  CHECK(urls({"FROM x", "ARG H=a.test", "ADD http://$H/p /p"}, {"H"}) == Texts{"http://$H/p"});
  // Of the base image, or nobody's.
  CHECK(urls({"FROM x", "ADD ${H:-http://a.test}/p /p"}) == Texts{"${H:-http://a.test}/p"});
  CHECK(urls({"FROM x", "ADD $FILE /p", "ADD a$FILE /p"}) == Texts{"$FILE"});
}

TEST_CASE("A variable with several values has none that is known") {
  for (const Texts& lines :
       std::vector<Texts>{{"FROM x", "ENV H=evil.test", "ARG H=good.test"},
                          {"ARG H=evil.test", "FROM x", "ENV H=good.test", "FROM y"},
                          {"FROM x", "ENV H=good.test", "FROM y", "ARG H=z"}}) {
    Texts all = lines;
    all.push_back("ADD http://$H/p /p");
    CHECK(urls(all) == Texts{"http://$H/p"});
    CHECK(detect::reachable(with(all)).any_host);
  }
  CHECK(urls({"FROM x", "ENV H=a.test", "FROM y", "ENV H=a.test", "ADD http://$H/p /p"}) ==
        Texts{"http://a.test/p"});
}

TEST_CASE("What is not known of a host makes it any host") {
  for (const char* url : {"http://$H/p", "https://***/p", "http://ev%69l.test/p",
                          "http://b\xc3\xbc.test/", "http:///p", "http://a.$D/p"}) {
    INFO(url);
    const auto reach = detect::reachable(with({"FROM x", std::string("ADD ") + url + " /p"}));
    CHECK(reach.any_host);
    CHECK(reach.added.empty());
    CHECK(reach.fetches);
  }
  const auto file = detect::reachable(with({"FROM x", "ADD $FILE /p"}));
  CHECK_FALSE(file.any_host);
  CHECK(file.any_file);
  CHECK_FALSE(file.fetches);
  const auto known = detect::reachable(with({"FROM x", "ADD http://u:***@a.test:8080/$V/p /p"}));
  CHECK(known.added == Texts{"a.test"});
  CHECK_FALSE(known.any_host);
}

TEST_CASE("BuildKit says what it adds, whatever the Dockerfile says or whether it is known") {
  Build build = with({"FROM quay.io/a", "ADD https://$H/p /p", "ADD https://a.test/q /q"}, {"H"});
  build.added = {"ADD https://evil.test/p /p", "ADD git@forge.test:u/r.git /src"};
  CHECK(detect::reachable(build).added == Texts{"a.test", "evil.test", "forge.test"});
  CHECK_FALSE(detect::reachable(build).any_host);
  // There was no room for all of them.
  build.added.resize(tracker::kMaxAdded, "ADD https://evil.test/p /p");
  CHECK(detect::reachable(build).any_host);
  build.dockerfile.reset();
  CHECK(detect::added_files(build).files.size() == 2);
}

TEST_CASE("However many URLs and values there are, only so much is kept") {
  Texts lines = {"FROM x", "ENV A=aaaaaaaa"};
  for (int n = 0; n < 64; ++n) lines.push_back("ENV A=$A$A");
  lines.push_back("ADD http://$A/p /p");
  CHECK(urls(lines) == Texts{"http://$A/p"});
  std::string line = "ADD";
  for (int n = 0; n < 100'000; ++n) line += " http://h" + std::to_string(n) + ".test/";
  const auto many = detect::added_files(with({"FROM x", line + " /"}));
  CHECK(many.files.size() == detect::kMaxAddedFiles);
  CHECK_FALSE(many.whole);
  CHECK(detect::reachable(with({"FROM x", line + " /"})).any_host);
  Texts values = {"FROM x"};
  for (int n = 0; n < 1000; ++n) values.push_back("ENV V" + std::to_string(n) + "=a.test");
  values.push_back("ADD http://$V0/ http://$V999/ /");
  CHECK(urls(values) == Texts{"http://a.test/", "http://$V999/"});
}
