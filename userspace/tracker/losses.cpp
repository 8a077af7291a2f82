#include "tracker/losses.h"

#include <algorithm>
#include <utility>

namespace kilnwatch::tracker {

LossText text_of_loss(const std::string& cause) {
  struct Row {
    const char* cause;
    LossText text;
  };
  static const Row kRows[] = {
      {"ring",
       {"the ring from the kernel was full and records were dropped",
        "a build request, a step, a connection or a deployment of this time may be missing",
        false}},
      {"connections",
       {"more API connections at once than the kernel side follows",
        "builds and deployments asked for on the others are not seen", false}},
      {"opening",
       {"an API connection whose opening was not seen carried data",
        "a build or a deployment asked for on it is not seen", false}},
      {"request",
       {"a client serves its files for a build whose request was not seen",
        "that build is not seen, or steps of it are told of another one", false}},
      {"conversations",
       {"more API conversations at once than are read",
        "builds and deployments asked for on the others are not seen", false}},
      {"calls",
       {"bytes of a socket call could not be followed",
        "parts of API conversations are missing: a build or a deployment may go unseen", false}},
      {"copy",
       {"memory of a process could not be read",
        "parts of API conversations are missing: a build or a deployment may go unseen", false}},
      {"commands",
       {"more commands of builders at once than are followed",
        "a build or a deployment that one of them makes may be missing", false}},
      {"command-files",
       {"files of a build that is a command could not be read",
        "its Dockerfile, its image or a deployment of it may not be known", false}},
      {"malformed",
       {"records of the kernel side were not understood",
        "a build request, a step, a connection or a deployment of this time may be missing",
        false}},
      {"egress",
       {"more connections being made than the kernel side follows",
        "a connection of a build step may be missing", true}},
      {"egress-beginning",
       {"the beginning of a connection was not seen", "a connection of a build step may be missing",
        true}},
      {"lineage",
       {"more processes under engines than the kernel side follows",
        "a step's container or the process that connected may be unknown", true}},
      {"framing",
       {"the kernel side lost its place in an API conversation",
        "a request that followed on that connection may not have been seen: a build or a "
        "deployment may be missing",
        false}},
      {"engines",
       {"an engine or one of its listeners could not be followed",
        "builds and deployments asked for there are not seen", false}},
      {"splice",
       {"an engine moved bytes of a followed connection without reading them",
        "parts of API conversations are missing: a build or a deployment may go unseen", false}},
      {"missed",
       {"the kernel skipped programs of the sensor",
        "a build request, a step, a connection or a deployment of this time may be missing",
        false}},
      {kCreation,
       {"containers were started that nobody was seen creating: they are older than the sensor, a "
        "client made them over an API that is not read, or their engine made them by itself",
        "what they run, and what they have of the host, is not known", false, false,
        "creation-unseen", kLongLossInterval}},
      {"unused", {"", "", false}},
      // Of destinations: without one nothing is lowered. Counted, and no fact of a build is
      // missing.
      {"names", {"", "", false}},
      {"midway",
       {"the build began before the sensor",
        "its request, its Dockerfile and what ran before are not known", false}},
      {"unknown-builder",
       {"a step of a build began on the host whose builder was not met",
        "that build, its connections and its image are not told", false}},
      {"builds",
       {"more builds open at once than are followed", "the idlest is no longer followed", false}},
      {"vertices",
       {"BuildKit told of more steps than are remembered",
        "connections of a build step may be without their step", true}},
      {"uploads",
       {"more build contexts came with requests of their own than are remembered",
        "the Dockerfile of a build is not known", false}},
      {"silent-build",
       {"a build said nothing for long: its end was not seen",
        "how it ended, and an image that it made, are not known", false}},
      {"connection-table",
       {"more API connections at once than are remembered",
        "the clients of builds and deployments on them are unknown", false}},
      {"client-table",
       {"more connecting clients at once than are remembered",
        "the client of a build or a deployment may be unknown", false}},
      {"containers",
       {"more containers at once than are followed",
        "connections of a build step may be without their step", true}},
      {"connects",
       {"more connections of containers at once than are followed",
        "a connection of a build step may be missing", true}},
      {"deployments",
       {"more created containers wait for their start than are followed",
        "a deployment of an image built here may be missing", false}},
      {"engine-addresses",
       {"engines are reached at more addresses than are remembered",
        "a build step that talks to an engine there is not told as such", false}},
      {"images",
       {"more images built or imported here than are remembered",
        "a deployment of one of the oldest is not told", false}},
      {"image-names",
       {"an image built here has more names than are remembered",
        "a deployment of it by one of the others is not told", false}},
      {"image-stores",
       {"containerd has more images, or names of them, than are remembered",
        "a deployment there of an image built here is not told, or not by its build", false}},
      {"processes",
       {"more processes at once than are remembered",
        "the process that connected, or a client, may be unknown", false}},
  };
  for (const Row& row : kRows) {
    if (cause == row.cause) return row.text;
  }
  return {"facts were lost (" + cause + ")", "a build or a deployment may be incomplete", false};
}

Losses::Due Losses::tell(State& state, const std::string& cause, domain::TimeNs time) {
  const Due due{state.count, state.told++, time + text_of_loss(cause).interval,
                std::move(state.names)};
  state.next = due.next;
  state.count = 0;
  state.names.clear();
  return due;
}

Losses::Due Losses::add(const domain::CallId& call, const std::string& cause, std::uint64_t count,
                        domain::TimeNs time, const std::string& name) {
  if (states_.size() >= kMaxLosses && !states_.contains({call, cause})) {
    states_.erase(std::min_element(
        states_.begin(), states_.end(),
        [](const auto& a, const auto& b) { return a.second.next < b.second.next; }));
  }
  State& state = states_[{call, cause}];
  state.count += count;
  const bool named = !name.empty() && state.names.size() < kMaxLossNames;
  if (named) state.names.push_back(name);
  Due due = time >= state.next ? tell(state, cause, time) : Due{};
  due.named = named;
  return due;
}

Losses::Due Losses::over(const domain::CallId& call, const std::string& cause,
                         domain::TimeNs time) {
  const auto it = states_.find({call, cause});
  if (it == states_.end() || it->second.count == 0) return {};
  return tell(it->second, cause, time);
}

}  // namespace kilnwatch::tracker
