#include "capture/live/tracefs.h"

#include <catch2/catch_test_macros.hpp>

using namespace kilnwatch::capture;

TEST_CASE("Missed calls are the last column, of one's own events only") {
  // As probes_profile_seq_show of the kernel writes it.
  const std::string profile =
      "  kw_1a2b_p_unix_stream_recvmsg                           1234               0\n"
      "  kw_1a2b_r_unix_stream_recvmsg                           1230               4\n"
      "  kw_1a2bc_r_unix_stream_recvmsg                          9999             999\n"
      "  other_kw_1a2b_r                                            7              77\n"
      "  kw_1a2b_r_inet_recvmsg                                    12              11\n";
  CHECK(missed_in(profile, "kw_1a2b_") == 15);
  CHECK(missed_in(profile, "kw_9_") == 0);
  CHECK(missed_in(profile, "kw_1a2b_", "_inet_recvmsg") == 11);
}

TEST_CASE("A profile that is cut or empty counts what is there") {
  CHECK(missed_in("", "kw_") == 0);
  CHECK(missed_in("\n\n", "kw_") == 0);
  CHECK(missed_in("  kw_1_r_f 3 5", "kw_1_") == 5);
  CHECK(missed_in("  kw_1_r_f", "kw_1_") == 0);
  CHECK(missed_in("      ", "kw_1_") == 0);
}

TEST_CASE("Events of the group are found whatever their kind") {
  const std::string list =
      "p:kilnwatch/kw_1_p_unix_listen unix_listen\n"
      "r4096:kilnwatch/kw_1_r_unix_accept unix_accept\n"
      "p:kilnwatcher/x y\n"
      "r:kprobes/kilnwatch/z z\n"
      "p:kilnwatch/last";
  CHECK(events_in(list, "kilnwatch") == std::vector<std::string>{"kilnwatch/kw_1_p_unix_listen",
                                                                 "kilnwatch/kw_1_r_unix_accept",
                                                                 "kilnwatch/last"});
  CHECK(events_in("", "kilnwatch").empty());
  CHECK(events_in("no colon\n:\np:", "kilnwatch").empty());
}
