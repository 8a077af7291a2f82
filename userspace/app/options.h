// What the command line asked for.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace kilnwatch::app {

struct Options {
  std::string log_format;  // json; else text
  std::string format;      // text, json, protobuf; empty: text on a terminal, else json
  // Where the baseline is kept; `replay`: empty, nowhere.
  std::string state_dir = "/var/lib/kilnwatch";
  std::string config;         // file; empty: the standard one, of `replay` none
  bool check_config = false;  // run: look at it, no more
  std::string record;         // file, empty: none
  std::uint64_t record_limit = std::uint64_t{256} << 20;  // bytes
  std::string file;                                       // replay
  std::string fleet;                                      // replay: ask, teach; empty: nobody
  double seconds = 0;                                     // capture --for; 0: until COMMAND ends
  std::string hooks = "auto";                             // fentry, kprobe
  std::string report;                                     // capture --report; empty: stderr
  std::vector<std::string> command;                       // capture -- COMMAND…
  std::vector<std::string> key;                           // baseline add, forget
  std::string scope;                                      // baseline; empty: all
};

}  // namespace kilnwatch::app
