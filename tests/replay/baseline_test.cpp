// A recording judged by a baseline that outlives the replay.
#include <algorithm>
#include <catch2/catch_test_macros.hpp>
#include <cstdlib>
#include <sstream>
#include <string>

#include "harness/program.h"
#include "harness/recordings.h"
#include "harness/replay_run.h"
#include "policy/parse.h"

namespace kilnwatch::test {
namespace {

const std::string kChain = std::string(KILNWATCH_CASES) + "/trixie-main-chain-tcp/recording.kwr";

std::size_t count(const std::string& text, const std::string& word) {
  std::size_t found = 0;
  for (auto at = text.find(word); at != text.npos; at = text.find(word, at + 1)) ++found;
  return found;
}

}  // namespace

TEST_CASE("A fresh baseline gives the alerts of none, and knows their destinations afterwards") {
  const TempDir dir;
  const auto replay = [&](const std::string& options) {
    return output_of(dir, "replay --output json " + options + " " + kChain);
  };
  const std::string in = "--state-dir " + dir.file("state");
  const std::string first = replay("");
  REQUIRE(count(first, "\"in_builds\":true") > 0);
  CHECK(replay(in) == first);

  const std::string kept = output_of(dir, "baseline export " + in);
  CHECK(count(kept, "\"scope\":\"builds\"") > 0);
  CHECK(count(kept, "\"scope\":\"host\"") >= count(kept, "\"scope\":\"builds\""));
  // Of the recording's clock, whatever this machine's says.
  CHECK(output_of(dir, "baseline export --state-dir " + dir.file("state")) == kept);
  CHECK(replay("--state-dir " + dir.file("other")) == first);
  CHECK(output_of(dir, "baseline export --state-dir " + dir.file("other")) == kept);

  CHECK(count(replay(in), "\"in_builds\":true") == 0);
  const std::string again = output_of(dir, "baseline export " + in);
  CHECK(count(again, "\n") == count(kept, "\n"));

  // What is forgotten is new again.
  std::istringstream lines(output_of(dir, "baseline list --scope builds " + in));
  std::string line;
  std::getline(lines, line);
  const auto column = line.find("destination");
  while (std::getline(lines, line))
    output_of(dir, "baseline forget " + in + " " + line.substr(column));
  CHECK(count(replay(in), "\"in_builds\":true") == count(first, "\"in_builds\":true"));
}

TEST_CASE("A recording of a baseline that learns tells its destinations as INFO, each run alike") {
  const auto recording = read_recording(kChain);
  REQUIRE(recording);
  const auto policy = policy::parse("baseline: {learn_for: 1d}", "f");
  REQUIRE(policy);
  const auto text = [](const Alerts& alerts) {
    std::string out;
    for (const auto& alert : alerts) out += alert.SerializeAsString();
    return out;
  };
  const auto alerts = run_pipeline(recording->host, recording->events, Baseline::kEmpty, *policy);
  CHECK(text(run_pipeline(recording->host, recording->events, Baseline::kEmpty, *policy)) ==
        text(alerts));
  const auto plain = run_pipeline(recording->host, recording->events, Baseline::kEmpty);
  REQUIRE(plain.size() == alerts.size());
  std::size_t learned = 0;
  for (const auto& alert : alerts) {
    const bool learns = std::any_of(alert.reasons().begin(), alert.reasons().end(),
                                    [](const auto& r) { return r.code() == "learning"; });
    if (!learns) continue;
    ++learned;
    CHECK(alert.severity() == v1::SEVERITY_INFO);
  }
  CHECK(learned > 0);
}

}  // namespace kilnwatch::test
