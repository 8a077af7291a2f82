#include "capture/live/kernel_version.h"

#include <catch2/catch_test_macros.hpp>

using namespace kilnwatch::capture;

TEST_CASE("Kernels from 5.10 on will do") {
  for (const auto* release :
       {"5.10.0-28-amd64", "6.1", "6.1.0-44-cloud-arm64", "6.12.9-arm64", "7.0-rc1"})
    CHECK(new_enough(release));
  for (const auto* release : {"5.9.16", "4.19.0"}) CHECK_FALSE(new_enough(release));
}

TEST_CASE("What is no release is not new enough") {
  for (const auto* release : {"", "6", "6.", "six.4", ".4", "6-4"})
    CHECK_FALSE(new_enough(release));
}

TEST_CASE("Programs keep their CPU from 6.15 on") {
  CHECK(lets_programs_keep_cpu("6.15.0-rc1"));
  CHECK(lets_programs_keep_cpu("7.2.13+deb14-cloud-amd64"));
  CHECK_FALSE(lets_programs_keep_cpu("6.12.117+deb13-cloud-amd64"));
  CHECK_FALSE(lets_programs_keep_cpu("no release"));
}

TEST_CASE("Tasks are preempted in the kernel from 7.0 on") {
  CHECK(preempts_tasks("7.0-rc1"));
  CHECK(preempts_tasks("7.2.13+deb14-cloud-amd64"));
  CHECK_FALSE(preempts_tasks("6.19.2"));
  CHECK_FALSE(preempts_tasks("no release"));
}
