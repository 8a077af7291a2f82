// A recording that a sensor with a fleet made gives the alerts of its own run, and asks nobody.
#include <catch2/catch_test_macros.hpp>
#include <map>
#include <string>

#include "app/recorded_answers.h"
#include "corpus/internet.h"
#include "detect/image_note.h"
#include "fleet/sensors.h"
#include "harness/mangle.h"
#include "harness/program.h"
#include "harness/recordings.h"

namespace kilnwatch::test {
namespace {

using Kind = fleet::Answer::Kind;

const std::string kForeign = "sha256:" + std::string(64, '7');

// Answers by turns, each of them late: what is asked meanwhile is asked before it is judged.
class Script final : public fleet::Fleet {
 public:
  Ticket ask(const std::string& key, const std::string&, const std::string&) override {
    fleet::Answer answer;
    answer.kind = static_cast<Kind>(keys_.size() % 3);
    answer.capped = answer.kind == Kind::kNew && keys_.size() % 2 == 0;
    return give(keys_.try_emplace(key, answer).first->second);
  }
  void touch(const std::string&, const std::string&) override {}
  Ticket ask_image(const std::string& id) override {
    fleet::Answer answer;
    answer.kind = id == kForeign ? Kind::kKnown : Kind::kNew;
    answer.note = id == kForeign ? note : "";
    return give(answer);
  }
  void share_image(const std::string&, const std::string& text) override { note = text; }
  std::optional<fleet::Answer> take(Ticket ticket) override {
    constexpr int kLate = 3;
    if (++looks_[ticket] < kLate) return std::nullopt;
    return answers_[ticket];
  }
  void drop(Ticket) override {}
  void wait(std::chrono::milliseconds) override {}
  std::string note;

 private:
  Ticket give(const fleet::Answer& answer) {
    answers_[++last_] = answer;
    return last_;
  }
  std::map<std::string, fleet::Answer> keys_;
  std::map<Ticket, fleet::Answer> answers_;
  std::map<Ticket, int> looks_;
  Ticket last_ = 0;
};

Events played() {
  const auto internet = corpus::Internet::read(std::string(KILNWATCH_COMPANY) + "/names.txt");
  corpus::Site site(internet, 1);
  std::uint64_t ms = 1000;
  for (int n = 0; n < 4; ++n) {
    std::vector<std::string> ips = {"192.0.2.200"};  // each of them
    for (int i = 0; i < 3; ++i) ips.push_back("192.0.2." + std::to_string(10 * n + i + 1));
    // Also two at the same time.
    ms = site.play(build_of("n" + std::to_string(n), ips), ms) + (n % 2 == 0 ? 1 : 5000);
  }
  site.play(run_of(kForeign), ms + 5000);
  return site.events();
}

// As `--output protobuf` writes them.
std::string bytes_of(const Alerts& alerts) {
  v1::AlertStream stream;
  for (const auto& alert : alerts) *stream.add_alerts() = alert;
  return stream.SerializeAsString();
}

// Null: nothing is known of a fleet.
Alerts judged(const Events& events, const fleet::RecordedAnswers* answers) {
  Alerts out;
  baseline::MemoryStore seen;
  app::Pipeline pipeline(host_facts("b.test"), seen, nullptr,
                         [&](const v1::Alert& alert) { out.push_back(alert); });
  if (answers != nullptr) pipeline.join(*answers);
  for (const auto& event : events) pipeline.push(event);
  pipeline.finish();
  return out;
}

}  // namespace

TEST_CASE("A recording made with a fleet gives the alerts of its own run, and asks nobody") {
  const TempDir folder;
  const auto facts = host_facts("b.test");
  const auto events = played();
  const std::string file = folder.file("r");
  Alerts live;
  {
    record::Info info{facts, 1, "0.1.0"};
    info.fleet = true;
    auto recorder = record::Recorder::create(file, info);
    REQUIRE(recorder);
    baseline::MemoryStore seen;
    Script fleet;
    app::Pipeline pipeline(facts, seen, &*recorder,
                           [&](const v1::Alert& alert) { live.push_back(alert); });
    pipeline.join(fleet);
    for (const auto& event : events) pipeline.push(event);
    pipeline.finish();
    REQUIRE(recorder->finish());
  }
  // All that a fleet can say is in it.
  const auto egress = of_rule(live, "build-egress");
  CHECK(egress.size() >= 4);
  CHECK(egress.size() < 13);
  std::map<std::string, int> reasons;
  for (const auto& alert : live) {
    for (const auto& reason : alert.reasons()) ++reasons[reason.code()];
  }
  CHECK(reasons["fleet-unanswered"] > 0);
  CHECK(reasons["fleet-capped"] > 0);
  CHECK(reasons["first-seen-in-fleet"] > 0);
  CHECK(reasons["built-elsewhere"] == 1);

  const auto recorded = replay(file);
  CHECK(recorded.error.empty());
  const auto answers = app::read_answers(file);
  CHECK((bytes_of(judged(recorded.events, &answers)) == bytes_of(live)));
  for (std::uint64_t seed = 0; seed < 5; ++seed) {
    const auto permuted = permute(recorded.events, 50'000'000, seed);
    CHECK((bytes_of(judged(permuted, &answers)) == bytes_of(live)));
  }
  CHECK((output_of(folder, "replay --output protobuf " + file) == bytes_of(live)));
}

// As readers of before the records did.
TEST_CASE("Without what the fleet said a recording gives what the host alone would have told") {
  const auto alone = judged(played(), nullptr);
  CHECK(of_rule(alone, "build-egress").size() == 13);
  for (const auto& alert : alone) CHECK_FALSE(has_reason(alert, "first-seen-in-fleet"));
}

}  // namespace kilnwatch::test
