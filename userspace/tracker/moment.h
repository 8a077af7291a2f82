// A decision point (design §4.2): everything known at that time, to be judged by detect/.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "domain/finding.h"

namespace kilnwatch::tracker {

enum class MomentKind : std::uint8_t {
  kBuildRequest,
  kBuildEgress,
  kImageDeploy,
  kBlind,
  kImageImport,
  kBuildFailed,
  kHostEgress,      // of no step: nothing to tell, and known to the host from then on
  kStepExecuted,    // in a container that reached out: nothing to tell, part of a chain
  kImageBuilt,      // or pushed: nothing to tell here, and known to others from then on
  kEngineEgress,    // of an engine itself, while it builds
  kContainerPowers  // of an image that did not come here, and with something of the host's
};

struct Moment {
  MomentKind kind = MomentKind::kBlind;
  domain::TimeNs time = 0;
  domain::CallId call;  // part of the alert's identity
  std::string key;      // the rest: destination, container or cause
  std::optional<domain::Build> build;
  std::optional<domain::Step> step;
  std::optional<domain::Connection> connection;
  std::optional<domain::Image> image;
  std::optional<domain::Deployment> deployment;
  std::optional<domain::Health> health;
  std::optional<domain::Import> import;
  std::optional<domain::Process> executed;
  // The container of a connection or an execution, by the name that the kernel side has for it.
  std::string place;
  std::vector<domain::Endpoint> reached;  // commit: where its container connected to
  std::vector<domain::Reason>
      reasons;  // candidates of an ambiguous attribution, causes of blindness
  // Ids of builds: those that `build` shares the step with; where there is none, those that a
  // connection may be of, or that may have made a deployment's image.
  std::vector<std::string> other_builds;
  domain::EgressId egress = 0;  // of a connection: the same one may be told of two builds
  bool to_engine = false;       // the destination is an engine's listener
  bool to_resolver = false;     // it is a resolver that the host's configuration names
  bool uncertain = false;       // a deployment: of this image or of another one
  // A deployment of an image that is not known here: its id or digest, or the name that a registry
  // has for it, by which others may know it.
  std::string foreign = {};
  // It was judged before what others know of its image: all else of it is told.
  bool told_before = false;
  std::vector<domain::Build> among = {};  // an engine's connection: builds that it may be for
  std::string sent_from = {};             // host that sent the engine there; empty: none known
  // Of an engine's connection: what it asks for is another connection's to the same place.
  bool name_borrowed = false;
};

}  // namespace kilnwatch::tracker
