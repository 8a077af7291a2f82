// Lines of `baseline export`, `import` and `list`.
#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <string>

#include "app/baseline_lines.h"

using namespace kilnwatch;
using baseline::Entry;
using baseline::Scope;

namespace {

constexpr baseline::Seconds kNow = 1'795'521'600;  // 2026-11-24T12:00:00Z
const std::string kLine =
    R"({"scope":"builds","address":"192.0.2.7","port":443,"name":"a.test",)"
    R"("first":"2026-11-24T11:00:00Z","last":"2026-11-24T12:00:00Z","count":3,"build":"b1"})"
    "\n";

// Everything that is wrong with a text, or what it holds.
struct Read {
  std::vector<Entry> entries;
  std::string error;
};

Read read(const std::string& text, std::size_t piece = ~std::size_t{0}) {
  app::LineReader reader(kNow);
  base::Status status = base::Done{};
  for (std::size_t at = 0; status && at < text.size(); at += std::min(piece, text.size()))
    status = reader.feed(std::string_view(text).substr(at, piece));
  if (status) status = reader.finish();
  if (!status) CHECK(status.error().kind == base::ErrorClass::kInput);
  return {reader.take(), status ? "" : status.error().message};
}

std::string with(const std::string& what, const std::string& instead) {
  std::string line = kLine;
  return line.replace(line.find(what), what.size(), instead);
}

}  // namespace

TEST_CASE("An entry's line is read back as it was, in any pieces") {
  const Entry entry{Scope::kBuilds, "192.0.2.7 443 a.test", kNow - 3600, kNow, 3, "b1"};
  CHECK(app::json_line(entry) == kLine);
  const std::string text = kLine + "\n" +
                           app::json_line({Scope::kHost, "2001:db8::7 0", 0, 1, 1, ""}) +
                           with("443,", "443, ").substr(0, with("443,", "443, ").size() - 1);
  for (const std::size_t piece : {std::size_t{1}, std::size_t{7}, ~std::size_t{0}}) {
    const auto got = read(text, piece);
    CHECK(got.error.empty());
    REQUIRE(got.entries.size() == 3);
    CHECK(got.entries[0].key == entry.key);
    CHECK((got.entries[0].first == entry.first && got.entries[0].last == entry.last));
    CHECK((got.entries[0].count == 3 && got.entries[0].build == "b1"));
    CHECK(got.entries[1].scope == Scope::kHost);
    CHECK(got.entries[1].key == "2001:db8::7 0");
  }
}

TEST_CASE("A line that is wrong is told by its number and what is wrong") {
  const auto [line, what] = GENERATE(
      std::pair{std::string("x\n"), "no entry of a baseline"},
      std::pair{std::string("[]\n"), "no entry"},
      std::pair{std::string("{}\n"), "scope is ''; write builds or host"},
      std::pair{kLine.substr(0, 40) + "\n", "no entry"}, std::pair{with("scope", "scop"), "scop"},
      std::pair{with("builds", "fleet"), "scope is 'fleet'"},
      std::pair{with("192.0.2.7", "a.test"), "'a.test' is no address"},
      std::pair{with("443", "65536"), "'65536' is no port"},
      std::pair{with("443", "-1"), "no entry"}, std::pair{with("443", "\"x\""), "no entry"},
      std::pair{with("\"port\":443,", ""), "there is no port"},
      std::pair{with("a.test", "*"), "'*' is no name"},
      std::pair{with("12:00:00Z", "10:00:00Z"), "first lies after last"},
      std::pair{with("2026-11-24T11", "1969-11-24T11"), "before 1970"},
      std::pair{with("2026-11-24T12", "2026-11-26T12"), "ahead of this host's clock"},
      std::pair{with("2026-11-24T12:00:00Z", "yesterday"), "no entry"},
      std::pair{with("\"count\":3", "\"count\":0"), "count is 0"},
      std::pair{with("\"count\":3", "\"count\":4294967296"), "no entry"},
      std::pair{with("b1", std::string(65, 'b')), "build is longer than 64"},
      std::pair{with("b1", std::string(app::kMaxLine, 'b')), "longer than 4096 bytes"});
  CAPTURE(line);
  const auto got = read(kLine + "\n" + line + kLine);
  INFO(got.error);
  CHECK(got.error.starts_with("line 3: "));
  CHECK(got.error.find(what) != std::string::npos);
}

TEST_CASE("A line that never ends is refused before it is held") {
  app::LineReader reader(kNow);
  const std::string part(1000, '{');
  base::Status status = base::Done{};
  for (int i = 0; i < 5 && status; ++i) status = reader.feed(part);
  REQUIRE_FALSE(status);
  CHECK(status.error().message.starts_with("line 1: "));
}

TEST_CASE("The table shows what stands in an entry and obeys nothing in it") {
  CHECK(app::table_line({Scope::kHost, "192.0.2.7 443", kNow, kNow, 12, "0123456789abcdef"}) ==
        "host    2026-11-24 12:00:00Z  2026-11-24 12:00:00Z          12  0123456789ab  "
        "192.0.2.7 443\n");
  const auto hostile = app::table_line({Scope::kHost, "a 1 \x1b[2J\n", 0, 0, 1, "\x1b[2J"});
  CHECK(hostile.find('\x1b') == hostile.npos);
  CHECK(hostile.find('\n') == hostile.size() - 1);
  CHECK(app::json_line({Scope::kHost, "a 1 \x1b\xff\n", 0, 0, 1, ""}).find('\n') != 0);
}
