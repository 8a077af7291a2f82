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
    REQUIRE(back.events.size() <= all.size());
    REQUIRE(back.events.size() >= best);
    best = back.events.size();
    for (std::size_t i = 0; i < best; ++i)
      REQUIRE(test::form(back.events[i]) == test::form(all[i]));
  }
  CHECK(best > 0);
  CHECK(silent <= 3);  // cut exactly between two frames cannot be told from a shorter recording
}

TEST_CASE("flipped bytes never crash and never pass unseen as other events") {
  const test::TempDir dir;
  const std::string whole = recording(dir.file("r"));
  const auto all = events();
  for (std::size_t at = 0; at < whole.size(); ++at) {
    std::string bad = whole;
    bad[at] = static_cast<char>(bad[at] ^ (1 << (at % 8)));
    test::spit(dir.file("bad"), bad);
    const auto back = test::replay(dir.file("bad"));
    REQUIRE(back.events.size() <= all.size());
    if (back.events.size() < all.size()) CHECK_FALSE(back.error.empty());
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
