#include <zstd.h>

#include <algorithm>

#include <catch2/catch_test_macros.hpp>

#include "harness/archive.h"
#include "harness/conversation.h"
#include "harness/facts.h"
#include "harness/gzip.h"

using namespace kilnwatch;
using namespace kilnwatch::test;

namespace {

// Text of the Dockerfile that a build with this context told, "none", or "more" when several.
std::string dockerfile(const std::string& context, const std::string& query = {}, bool end = true) {
  const auto request =
      "POST /build" + query +
      " HTTP/1.1\r\nTransfer-Encoding: chunked\r\nContent-Type: application/x-tar\r\n\r\n";
  std::vector<Turn> turns{asks(request)};
  for (std::size_t at = 0; at < context.size(); at += 5000)
    turns.push_back(asks(chunk(context.substr(at, 5000))));
  if (end) turns.push_back(asks("0\r\n\r\n"));
  turns.push_back(answers(kChunkedOk + "0\r\n\r\n"));
  std::string found;
  for (unsigned seed = 0; seed < 4; ++seed) {
    const auto seen =
        facts_of<domain::DockerfileSeen>(converse(turns, seed == 0 ? whole() : random_split(seed)));
    const auto text = seen.empty() ? "none" : seen.size() > 1 ? "more" : seen[0].text;
    if (seed > 0) CHECK(text == found);
    found = text;
  }
  return found;
}

std::string zstd(const std::string& text) {
  std::string out(text.size() + 1024, '\0');
  out.resize(ZSTD_compress(out.data(), out.size(), text.data(), text.size(), 3));
  return out;
}

}  // namespace

TEST_CASE("The Dockerfile is the one the engine takes") {
  const auto end = tar_end();
  CHECK(dockerfile(tar_entry("Dockerfile", "FROM a") + end) == "FROM a");
  CHECK(dockerfile(tar_entry("dockerfile", "FROM low") + end) == "FROM low");
  CHECK(dockerfile(tar_entry("dockerfile", "FROM low") + tar_entry("Dockerfile", "FROM up") +
                   end) == "FROM up");
  CHECK(dockerfile(tar_entry("Dockerfile", "FROM a") + tar_entry("./Dockerfile", "FROM b") + end) ==
        "FROM b");
  CHECK(dockerfile(tar_entry("Dockerfile", "FROM a") + tar_entry("d/X", "FROM x") + end,
                   "?dockerfile=d/../d/X") == "FROM x");
  CHECK(dockerfile(tar_entry("dockerfile", "FROM a") + end, "?dockerfile=Dockerfile.x") == "none");
  CHECK(dockerfile(tar_entry("Dockerfile", "FROM a") + end, "?remote=http://a/") == "none");
  CHECK(dockerfile(tar_entry("p", pax_record("path", "./Dockerfile"), 'x') +
                   tar_entry("cut", "FROM pax") + end) == "FROM pax");
}

TEST_CASE("Packed contexts are unpacked") {
  const auto archive =
      tar_entry("a", std::string(200000, 'a')) + tar_entry("Dockerfile", "FROM packed") + tar_end();
  CHECK(dockerfile(gzip(archive)) == "FROM packed");
  CHECK(dockerfile(zstd(archive)) == "FROM packed");
}

TEST_CASE("A Dockerfile beyond the front is not known, and that is no error") {
  const auto far =
      tar_entry("a", std::string(70000, 'a')) + tar_entry("Dockerfile", "FROM far") + tar_end();
  CHECK(dockerfile(far) == "none");
  CHECK(dockerfile(tar_entry("Dockerfile", "FROM a\n#" + std::string(70000, 'x'))) == "none");
  CHECK(dockerfile("no archive at all") == "none");
  CHECK(dockerfile("") == "none");
}

TEST_CASE("What the kernel leaves out does not hide a Dockerfile before it") {
  const auto archive = tar_entry("Dockerfile", "FROM a") + tar_entry("big", std::string(3000, 'b'));
  const auto front = archive.substr(0, 1500);
  const auto output =
      converse({asks("POST /build HTTP/1.1\r\nContent-Length: " + std::to_string(archive.size()) +
                     "\r\n\r\n" + front),
                skips(domain::Direction::kRequest, archive.size() - front.size()),
                asks("GET /_ping HTTP/1.1\r\n\r\n")},
               whole());
  CHECK(facts_of<domain::DockerfileSeen>(output).size() == 1);
  CHECK(facts_of<domain::ConversationBlind>(output).empty());
}

TEST_CASE("A recording keeps the Dockerfile's members only, and is read the same") {
  const auto archive =
      tar_entry("secret.env", "canary") + tar_entry("p", pax_record("path", "Dockerfile"), 'x') +
      tar_entry("cut", "FROM a\nENV TOKEN=canary\n") + tar_entry("z", "canary") + tar_end();
  const std::string head =
      "POST /build HTTP/1.1\r\nContent-Length: " + std::to_string(archive.size()) + "\r\n\r\n";
  const auto output = converse({asks(head + archive)}, random_split(3), false);
  CHECK(everything(output).find("canary") == std::string::npos);
  // As replayed: vouched bytes at their places, holes between them.
  std::vector<Turn> replayed;
  std::uint64_t at = 0;
  for (const auto& range : output.safe) {
    CHECK(range.pos >= at);
    if (range.pos > at) replayed.push_back(skips(domain::Direction::kRequest, range.pos - at));
    replayed.push_back(asks(range.bytes));
    at = range.pos + range.bytes.size();
  }
  replayed.push_back(skips(domain::Direction::kRequest, head.size() + archive.size() - at));
  const auto again = facts_of<domain::DockerfileSeen>(converse(replayed, whole(), false));
  REQUIRE(again.size() == 1);
  CHECK(again[0].base_images == std::vector<std::string>{"a"});
}

TEST_CASE("A Dockerfile is known when its archive ends, though the request does not") {
  const auto archive = tar_entry("Dockerfile", "FROM a") + tar_end() + std::string(8192, '\0');
  const std::string head = "POST /build HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n";
  for (unsigned seed = 0; seed < 4; ++seed) {
    const auto output =
        converse({asks(head + chunk(archive))}, seed == 0 ? single() : random_split(seed), false);
    CHECK(facts_of<domain::DockerfileSeen>(output).size() == 1);
  }
  const auto open =
      converse({asks(head + chunk(tar_entry("Dockerfile", "FROM a")))}, whole(), false);
  CHECK(facts_of<domain::DockerfileSeen>(open).empty());  // another may follow
}

TEST_CASE("Zeros in a member are no end of the archive") {
  CHECK(dockerfile(tar_entry("zero", std::string(4096, '\0')) +
                   tar_entry("Dockerfile", "FROM behind") + tar_end()) == "FROM behind");
}

TEST_CASE("A chunked context with extensions is read the same out of a recording") {
  const auto archive = tar_entry("Dockerfile", "FROM a") + tar_end();
  const std::string head = "POST /build HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n";
  const auto with_note = [](const std::string& data) {
    auto text = chunk(data);
    return text.insert(text.find('\r'), ";note=\"canary b\"");
  };
  std::string body;
  for (std::size_t at = 0, size = 1; at < archive.size(); at += size, size = size * 3 % 199 + 1)
    body += with_note(archive.substr(at, size));
  const auto output = converse({asks(head + body)}, whole(), false);
  CHECK(everything(output).find("canary") == std::string::npos);
  CHECK(facts_of<domain::DockerfileSeen>(output).size() == 1);
  std::vector<Turn> replayed;
  std::uint64_t at = 0;
  auto ranges = output.safe;
  std::sort(ranges.begin(), ranges.end(),
            [](const auto& a, const auto& b) { return a.pos < b.pos; });
  for (const auto& range : ranges) {
    if (range.pos > at) replayed.push_back(skips(domain::Direction::kRequest, range.pos - at));
    replayed.push_back(asks(range.bytes));
    at = range.pos + range.bytes.size();
  }
  const auto again = converse(replayed, whole(), false);
  CHECK(facts_of<domain::DockerfileSeen>(again).size() == 1);
  CHECK(facts_of<domain::ConversationBlind>(again).empty());
}
