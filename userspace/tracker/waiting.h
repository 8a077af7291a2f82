// What waits for its decision.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "domain/event.h"
#include "domain/finding.h"
#include "tracker/images.h"
#include "tracker/payload.h"

namespace kilnwatch::tracker {

struct Flow {                    // egress on its way to its decision
  domain::EgressStarted egress;  // its process completed as it was then
  std::vector<std::string> ancestors;
  std::string container;
  Claims claims;
  bool ripe = false;  // payload, outcome
};

struct Elsewhere {  // of which no step is known
  domain::Connection connection;
  Claims claims;
  bool named = false;  // an engine's, and the engine's own connection has its names
};

struct Waiting {  // created, its start may come
  domain::ContainerCreated created;
  std::string scope;                    // of the container's name and id
  std::optional<Made> made;             // what the image's name meant at that time
  bool certain = true;                  // false: the name may mean another image by then
  std::optional<domain::Import> other;  // which it may mean then
  domain::Client client;                // who had it created, once it is waited for longer
  domain::TimeNs asked = 0;             // a start was asked for; 0: none
  bool told = false;                    // as created and not started so far
  std::string foreign = {};             // see Moment
  domain::TimeNs ran = 0;               // the kernel saw its first process; 0: not so far
  std::uint32_t engine_uid = 0;         // of the engine that has it
};

struct EarlyStart {  // its creation is not known (yet)
  domain::ContainerStarted start;
  std::string scope;
  std::uint32_t uid = 0;  // the engine's
};

struct Announced {  // "Running in"
  std::string short_id;
  domain::TimeNs time = 0;
  domain::Step step;
  bool in_step = false;
  std::uint64_t newest_cgroup = 0;  // at that time
};

struct Unclaimed {  // a container that no line named, met while this build was open
  std::string id;
  std::vector<std::uint32_t> numbers;  // of the instructions it may run, ascending
  std::uint32_t floor = 0;             // the last confirmed step when it was met
  bool sole = false;                   // no other build could have started it
  std::uint32_t ordinal = 0;           // among the steps of a command; 0: not told
};

struct Upload {  // a context that came with a request of its own
  std::string ref;
  std::optional<domain::DockerfileSeen> dockerfile;
};

}  // namespace kilnwatch::tracker
