#include "capture/live/kernel_version.h"

#include <catch2/catch_test_macros.hpp>

using namespace kilnwatch::capture;

TEST_CASE("Kernels from 5.10 on will do, and on arm64 from 6.4 on") {
  CHECK(new_enough("5.10.0-28-amd64", "x86_64"));
  CHECK(new_enough("6.1", "x86_64"));
  CHECK_FALSE(new_enough("5.9.16", "x86_64"));
  CHECK_FALSE(new_enough("4.19.0", "x86_64"));
  CHECK(new_enough("6.4.0", "aarch64"));
  CHECK(new_enough("6.12.9-arm64", "aarch64"));
  CHECK(new_enough("7.0-rc1", "aarch64"));
  CHECK_FALSE(new_enough("6.3.13", "aarch64"));
  CHECK_FALSE(new_enough("5.15.0-1053-aws", "aarch64"));
  CHECK(oldest_kernel("aarch64") == "6.4");
  CHECK(oldest_kernel("x86_64") == "5.10");
}

TEST_CASE("What is no release is not new enough") {
  for (const auto* release : {"", "6", "6.", "six.4", ".4", "6-4"})
    CHECK_FALSE(new_enough(release, "x86_64"));
}

TEST_CASE("Programs keep their CPU from 6.15 on") {
  CHECK(lets_programs_keep_cpu("6.15.0-rc1"));
  CHECK(lets_programs_keep_cpu("7.2.13+deb14-cloud-amd64"));
  CHECK_FALSE(lets_programs_keep_cpu("6.12.117+deb13-cloud-amd64"));
  CHECK_FALSE(lets_programs_keep_cpu("no release"));
}
