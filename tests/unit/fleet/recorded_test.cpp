// What a recording says that a fleet answered.
#include "fleet/recorded.h"

#include <catch2/catch_test_macros.hpp>
#include <string>

using namespace kilnwatch;
using Kind = fleet::Answer::Kind;

TEST_CASE("An answer is found by its moment, and the first one counts") {
  fleet::RecordedAnswers answers;
  answers.add("m", {Kind::kKnown, false, "note"});
  answers.add("m", {Kind::kNew, true, ""});
  REQUIRE(answers.find("m"));
  CHECK(answers.find("m")->kind == Kind::kKnown);
  CHECK(answers.find("m")->note == "note");
  CHECK_FALSE(answers.find("n"));
}

TEST_CASE("What was heard later is the second one") {
  fleet::RecordedAnswers answers;
  answers.add("m", {});
  CHECK_FALSE(answers.find_late("m"));
  answers.add("m", {Kind::kKnown, false, "note"});
  CHECK(answers.find("m")->kind == Kind::kNone);
  REQUIRE(answers.find_late("m"));
  CHECK(answers.find_late("m")->note == "note");
}

TEST_CASE("A recording cannot have more answers kept than there is room for") {
  fleet::RecordedAnswers answers;
  const std::string note(fleet::kMaxNote, 'x');
  for (int i = 0; i < 20'000; ++i)
    answers.add("m" + std::to_string(i), {Kind::kKnown, false, note});
  CHECK(answers.find("m1"));
  CHECK_FALSE(answers.find("m19999"));
  CHECK(answers.refused() > 3000);
}
