#include "base/base64.h"

#include <catch2/catch_test_macros.hpp>

using kilnwatch::base::from_base64;
using kilnwatch::base::to_base64;

TEST_CASE("Base64 both ways: the vectors of RFC 4648 section 10") {
  const char* const vectors[][2] = {{"", ""},
                                    {"f", "Zg=="},
                                    {"fo", "Zm8="},
                                    {"foo", "Zm9v"},
                                    {"foob", "Zm9vYg=="},
                                    {"fooba", "Zm9vYmE="},
                                    {"foobar", "Zm9vYmFy"}};
  for (const auto& [plain, coded] : vectors) {
    bool whole = false;
    CHECK(to_base64(plain) == coded);
    CHECK(from_base64(coded, &whole) == plain);
    CHECK(whole);
  }
  std::string all;
  for (int i = 0; i < 256; ++i) all += static_cast<char>(i);
  CHECK(from_base64(to_base64(all)) == all);
}

TEST_CASE("What is no base64 is read up to the last good group") {
  bool whole = true;
  CHECK(from_base64("Zm9vYm", &whole) == "foo");
  CHECK_FALSE(whole);
  CHECK(from_base64("Zm9v-_-_", &whole) == "foo");
  CHECK_FALSE(whole);
  CHECK(from_base64("Zg==Zm9v", &whole) == "f");
  CHECK_FALSE(whole);
  CHECK(from_base64("Z===", &whole).empty());
  CHECK(from_base64("Zg=v", &whole).empty());
  CHECK(from_base64("=", &whole).empty());
  CHECK_FALSE(whole);
}
