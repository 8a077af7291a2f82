// A build before it is played: what a Dockerfile has run, and what its steps fetch.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace kilnwatch::test::corpus {

// Where a step has the address of a name from.
enum class Answer {
  kResolver,  // of the host's configuration
  kForged,    // an answer that the step sent to itself
  kNothing    // no answer: /etc/hosts, --resolve, a number
};

struct Fetch {
  std::string name;          // that it claims: TLS hello, Host; empty: the address itself
  std::string address = {};  // empty: as DNS has it
  std::uint16_t port = 443;
  bool tls = true;
  std::string path = "/";
  std::string program = "/usr/bin/curl";
  std::vector<std::string> args = {};
  unsigned connections = 1;
  Answer answer = Answer::kResolver;
  bool silent = false;  // it says nothing first, as a shell does
};

// After what was fetched.
struct Executed {
  std::string exe;
  std::vector<std::string> args;
};

struct Step {
  std::string text;  // the instruction, one line
  bool is_run = false;
  bool is_from = false;
  std::string stage = {};  // FROM … AS
  std::vector<Fetch> fetches = {};
  std::vector<Executed> executes = {};
};

struct Plan {
  std::string name;
  std::string dockerfile;
  std::vector<Step> steps;
  std::vector<std::string> bases;
};

}  // namespace kilnwatch::test::corpus
