#include <catch2/catch_test_macros.hpp>

#include "harness/events.h"
#include "harness/recordings.h"

namespace kilnwatch {
namespace {

// Several frames: every event three times, seconds apart.
std::vector<domain::Event> events() {
  std::vector<domain::Event> all;
  for (domain::TimeNs round = 0; round < 3; ++round) {
    for (domain::Event event : test::every_kind()) {
      std::visit([&](auto& e) { e.time += round * 5'000'000'000; }, event);
      if (auto* piece = std::get_if<domain::ConnData>(&event)) piece->bytes.clear();
      all.push_back(std::move(event));
    }
  }
  return all;
}

std::string recording(const std::string& path) {
  auto recorder = record::Recorder::create(path, test::info());
  REQUIRE(recorder);
  for (const auto& event : events()) recorder->event(event);
  REQUIRE(recorder->finish());
  return test::slurp(path);
}

TEST_CASE("a recording brings the facts of its host") {
  const test::TempDir dir;
  recording(dir.file("r"));
  auto reader = capture::RecordingReader::open(dir.file("r"));
  REQUIRE(reader);
  CHECK((*reader)->host().name == "host");
  CHECK((*reader)->host().boot_id == "boot");
  CHECK((*reader)->host().machine_id == "machine");
  CHECK((*reader)->host().kernel == "6.1.0");
  CHECK((*reader)->host().wall_offset_ns == 42);
}

// Whole records that came back; their order is that of the recording, what is lost is marked.
std::size_t check_back(const test::Replayed& back, const std::vector<domain::Event>& all) {
  std::size_t at = 0;
  std::size_t whole = 0;
  for (const auto& event : back.events) {
    const auto* loss = std::get_if<domain::KernelLoss>(&event);
    if (loss != nullptr && loss->cause == "recording") continue;
    while (at < all.size() && test::form(all[at]) != test::form(event)) ++at;
    REQUIRE(at < all.size());  // else: an event that was never written
    ++at;
    ++whole;
  }
  if (whole < all.size() && back.opened && !back.error.empty()) CHECK(whole < back.events.size());
  return whole;
}

TEST_CASE("cut at every byte: whole records, then the damage") {
  const test::TempDir dir;
  const std::string whole = recording(dir.file("r"));
  const auto all = events();
  std::size_t best = 0;
  std::size_t silent = 0;
  for (std::size_t size = 0; size < whole.size(); ++size) {
    test::spit(dir.file("cut"), whole.substr(0, size));
    const auto back = test::replay(dir.file("cut"));
    silent += back.error.empty() ? 1U : 0U;
    const std::size_t records = check_back(back, all);
    REQUIRE(records >= best);
    best = records;
  }
  CHECK(best > 0);
  CHECK(silent <= 3);  // cut exactly between two frames cannot be told from a shorter recording
}

TEST_CASE("a flipped byte costs its own frame, not those behind it") {
  const test::TempDir dir;
  const std::string whole = recording(dir.file("r"));
  const auto all = events();
  const std::size_t frame = all.size() / 3;  // each round of events() is one
  std::size_t header = 0;
  for (std::size_t at = 0; at < whole.size(); ++at) {
    std::string bad = whole;
    bad[at] = static_cast<char>(bad[at] ^ (1 << (at % 8)));
    test::spit(dir.file("bad"), bad);
    const auto back = test::replay(dir.file("bad"));
    const std::size_t records = check_back(back, all);
    if (!back.opened) {  // nothing is used without the facts of the host
      ++header;
      continue;
    }
    INFO("byte " << at);
    CHECK(records + frame >= all.size());
    if (records < all.size()) CHECK_FALSE(back.error.empty());
  }
  CHECK(header < 150);
}

TEST_CASE("bytes lost or added between frames") {
  const test::TempDir dir;
  const std::string whole = recording(dir.file("r"));
  const auto all = events();
  const auto second = whole.find("\x28\xb5\x2f\xfd", whole.find("\x28\xb5\x2f\xfd") + 1);
  const auto third = whole.find("\x28\xb5\x2f\xfd", second + 1);
  REQUIRE(third != std::string::npos);
  test::spit(dir.file("bad"), whole.substr(0, second + 20) + whole.substr(third));
  auto back = test::replay(dir.file("bad"));
  CHECK(check_back(back, all) == all.size() * 2 / 3);
  CHECK(back.error.find("is damaged") != std::string::npos);
  CHECK(back.error.find(std::to_string(all.size() * 2 / 3) + " whole records") !=
        std::string::npos);
  // Noise longer than what is read at once, with a half mark at its end.
  test::spit(dir.file("bad"),
             whole.substr(0, third) + std::string(200'000, 'x') + "\x28\xb5" + whole.substr(third));
  back = test::replay(dir.file("bad"));
  CHECK(check_back(back, all) == all.size());
  CHECK_FALSE(back.error.empty());
}

TEST_CASE("what other hosts said comes back beside the events, and to nobody who does not ask") {
  const test::TempDir dir;
  record::Info info = test::info();
  info.fleet = true;
  auto recorder = record::Recorder::create(dir.file("r"), info);
  REQUIRE(recorder);
  const std::vector<domain::FleetAnswered> all = {
      {7, "m1", 2, false, true, "build b\nhost h\n"}, {8, "m2", 1, true, false, ""}, {9, "m3"}};
  for (const auto& one : all) recorder->answered(one);
  recorder->event(domain::Event(domain::ProcessExited{10, 1, 2, 3}));
  recorder->answered({11, std::string(65, 'm')});  // as nobody writes it
  REQUIRE(recorder->finish());
  CHECK_FALSE(test::replay(dir.file("r")).error.empty());
  CHECK(test::replay(dir.file("r")).events.size() == 2);  // and the loss

  auto reader = capture::RecordingReader::open(dir.file("r"));
  REQUIRE(reader);
  CHECK((*reader)->header().fleet());
  std::vector<domain::FleetAnswered> back;
  (*reader)->on_answer([&](domain::FleetAnswered&& answer) { back.push_back(std::move(answer)); });
  while ((*reader)->poll(0, [](domain::Event&&) {})) {
  }
  REQUIRE(back.size() == all.size());
  for (std::size_t i = 0; i < all.size(); ++i) {
    CHECK(back[i].time == all[i].time);
    CHECK(back[i].moment == all[i].moment);
    CHECK(back[i].answer == all[i].answer);
    CHECK(back[i].capped == all[i].capped);
    CHECK(back[i].known_name == all[i].known_name);
    CHECK(back[i].note == all[i].note);
  }
}

TEST_CASE("no recording at all") {
  const test::TempDir dir;
  test::spit(dir.file("text"), "hello, this is text");
  CHECK(test::replay(dir.file("text")).error.find("not a recording") != std::string::npos);
  test::spit(dir.file("empty"), "");
  CHECK(test::replay(dir.file("empty")).error.find("not a recording") != std::string::npos);
  CHECK_FALSE(test::replay(dir.file("missing")).error.empty());
  CHECK(test::replay("/").error.find("directory") != std::string::npos);
}

}  // namespace
}  // namespace kilnwatch
