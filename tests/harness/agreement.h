// Are the alerts of a spoilt recording true, and do they own up to what they miss?
//
// Truth is the alerts of the recording as it was made. The rule:
// 1. Every alert but sensor-blind stands for one of truth, each for another, of the same rule, and
//    the alerts of one build for those of one build. A deployment told as created and then as
//    started has two, which stand for one. One whose image's way here was not seen may be told as
//    container-powers.
// 2. Every field that says who, what or where is absent or the same. The exceptions know less, not
//    otherwise: a claimed name or none in the place of DNS's, fewer tags and base images, an
//    instruction without its flags or with them, of two processes of a step that connected at once
//    the other, ancestors up to where knowledge ends (without those that ended, one by the file
//    from before a lost exec: of the nearest the file of its parent), a shorter image id, the
//    import where truth tells of the build, an ambiguous step that names the true one among its
//    candidates, the container whose mounts another one has in the place of these. A fact of the
//    build may come earlier than in truth, the connection and the chain in an image-deploy may have
//    others of the build, or fewer.
// 3. An alert of truth that is missing or knows less asks for one sensor-blind that truth lacks.
//    One of cause creation speaks of deployments alone. Of the client alone the reason
//    client-unknown of that build says as much: a program that was there before the sensor and
//    cannot be looked up is no loss of records; nor are ancestors that were gone by then. Of a
//    step that is inferred its reason says so. Of a container that is given more while it runs
//    the name in the request says which it is.
#pragma once

#include <functional>
#include <initializer_list>
#include <memory>
#include <string>
#include <vector>

#include "harness/replay_run.h"

namespace kilnwatch::test {

struct Agreement {
  std::vector<std::string> wrong;    // against 1 or 2; empty: all true
  std::vector<std::string> missing;  // of truth: missing or known less
  bool said_blind = false;
};

// Alerts that others are held against, read once for all of these.
class Truth {
 public:
  Truth(const Alerts& alerts);  // no "explicit": alerts are a truth
  Truth(std::initializer_list<v1::Alert> alerts) : Truth(Alerts(alerts)) {}
  struct Read;
  const Read& read() const { return *read_; }

 private:
  std::shared_ptr<const Read> read_;
};

// `owed` tells of which alerts of truth the sensor could know; empty: of all.
Agreement compare(const Truth& truth, const Alerts& alerts,
                  const std::function<bool(const v1::Alert&)>& owed = {});

}  // namespace kilnwatch::test
