#include "detect/reason_table.h"

#include <algorithm>
#include <array>

namespace kilnwatch::detect {
namespace {

using domain::Rule;
using domain::Severity;

// clang-format off
constexpr std::array kClients = {
    ReasonRow{"client-tcp", 20, "T1133", "the client came over TCP from {}: over plain TCP the engine asks nobody who he is",
              "close the port or put TLS with client certificates on it; find out what runs at that address"},
    ReasonRow{"client-tcp/listed", 0, "", "the client came over TCP from {}, and is on the list of the configuration"},
    ReasonRow{"client-tcp/maker", 20, "T1133", "the image was made for a client over TCP from {}", "as client-tcp"},
    ReasonRow{"client-tcp/starter", 20, "T1133", "a client over TCP from {} had the container started", "as client-tcp"},
    ReasonRow{"client-remote", 25, "T1133", "the client {} is not on this host",
              "see who has that address, and who may reach the engine from there; block it until you know"},
    ReasonRow{"client-remote/listed", 0, "", "the client {} is not on this host, and is on the list of the configuration"},
    ReasonRow{"client-remote/maker", 25, "T1133", "the image was made for {}, which is not on this host", "as client-remote"},
    ReasonRow{"client-remote/starter", 25, "T1133", "{}, which is not on this host, had the container started", "as client-remote"},
    ReasonRow{"client-in-container", 20, "T1611", "the client runs in container {}, which has the engine's socket or reaches its port",
              "`docker inspect` that container: why does it have the socket? A runner that stays belongs on the list `clients`"},
    ReasonRow{"client-in-container/listed", 0, "", "the client runs in container {}, which is on the list of the configuration"},
    ReasonRow{"client-in-container/starter", 20, "T1611", "a client in container {} had the container started", "as client-in-container"},
    ReasonRow{"client-not-allowed", 45, "T1612", "the client is not on the list of the configuration: {}",
              "ask that user; what is in order goes on the list `clients`"},
    ReasonRow{"client-not-allowed/unknown", 15, "T1612", "the client could not be found on the list of the configuration, since its program is not known",
              "look at the engine's own log of that time"},
    ReasonRow{"client-new", 10, "T1612", "{} was not seen to ask the engines of this host for anything before, or not for long",
              "a new colleague or tool? Else see how the program came here"},
    ReasonRow{"client-unknown", 0, "", "which program asked is not known"},
    ReasonRow{"allowed-client", 0, "", "the client is on the list of the configuration: {}"},
};

constexpr std::array kRequests = {
    ReasonRow{"remote-context", 25, "T1105", "the context is fetched from {}",
              "read what is there, from elsewhere; who asked for it?"},
    ReasonRow{"add-url", 5, "T1105", "the engine is to fetch {} into the image", "read what is there, from elsewhere"},
    ReasonRow{"fetch-inside", 45, "T1105", "the engine is to fetch from a service of this host: {}",
              "the engine reaches what the client cannot: see what came into the image"},
    ReasonRow{"browser-request", 25, "T1189", "the request has headers of a browser: a web page may have had it sent",
              "see what that user had open; the engine must not listen where a browser reaches it"},
    ReasonRow{"network-host", 20, "T1611", "steps use the network of the host",
              "is it needed? Steps reach what listens on the host's loopback"},
    ReasonRow{"network-host/step", 0, "", "the step uses the network of the host"},
    ReasonRow{"entitlement", 20, "T1611", "steps may be given {}", "is it needed? Take it from the builder's configuration else"},
    ReasonRow{"entitlement/insecure", 45, "T1611", "steps may be given {}, and are then root on this host",
              "treat what it ran as run on the host"},
    ReasonRow{"security-insecure", 20, "T1611", "the step runs without confinement", "treat what it ran as run on the host"},
    ReasonRow{"registry-not-allowed", 20, "T1204.003", "base image {} is of none of the registries of the configuration",
              "who put it there? What is in order goes on the list `registries`"},
    ReasonRow{"registry-not-allowed/beside", 20, "T1204.003", "image {}, which the build takes something from, is of none of the registries of the configuration",
              "as registry-not-allowed"},
    ReasonRow{"registry-unknown/long", 20, "T1204.003", "its Dockerfile has more instructions than are read: base images may stand behind them",
              "read the file to its end"},
    ReasonRow{"registry-unknown", 0, "", "not all of its base images are known"},
    ReasonRow{"registry-unknown/argument", 20, "T1204.003", "a base image hangs on a build argument, whose value is not kept: {}",
              "`docker history` of the image tells what it stands on"},
    ReasonRow{"quiet-build", 0, "", "the builder was told to write nothing: steps are told from what the kernel saw"},
    ReasonRow{"met-midway", 0, "", "the build began before the sensor: what was asked for is not known"},
    ReasonRow{"request-refused", 0, "", "the engine refused the request", "an attempt: see who is behind it", Severity::kInfo},
    ReasonRow{"secret-mount", 5, "T1612", "the step is given a secret", "take it for known to whoever the step talked to; change it"},
    ReasonRow{"ssh-mount", 5, "T1612", "the step is given an ssh agent", "see what that key opened meanwhile"},
    ReasonRow{"frontend", 15, "T1204.003", "not BuildKit's own program reads the Dockerfile, but image {}: it decides what is built, and may fetch",
              "whose image is it? What it makes need not stand in the Dockerfile"},
    ReasonRow{"frontend/argument", 10, "T1204.003", "{} says which image reads the Dockerfile; its value is not kept",
              "see what the client gave it: that program decides what is built"},
};

constexpr std::array kConnections = {
    ReasonRow{"first-seen-on-host", 65, "T1071 T1105", "nothing on this host was seen to connect to {} before",
              "what does the step want there? `docker history` and the Dockerfile say; block the address if nobody vouches for it"},
    ReasonRow{"first-seen-in-builds", 65, "T1071 T1105", "no build of this host connected to {} before, though something else here did",
              "as first-seen-on-host; see what else went there"},
    ReasonRow{"first-seen-in-fleet", 5, "T1071 T1105", "no build of any host that shares the baseline connected to {} before", "as first-seen-on-host"},
    ReasonRow{"fleet-unanswered", 0, "", "the shared baseline did not answer in time: this host's own decided"},
    ReasonRow{"fleet-capped", 0, "", "this host taught the fleet as many destinations as one may in an hour: it stays new to the others"},
    ReasonRow{"known-name", -55, "", "builds reached {} before, at other addresses, and the host's own resolver gave this one"},
    ReasonRow{"raw-address", 10, "T1071", "the destination has no name that was seen", "whose is the address? Package sources have names"},
    ReasonRow{"name-unverified", 5, "T1071", "the name {} is what the process itself claims", "look the name up yourself: does it lead there?"},
    ReasonRow{"name-unverified/answer", 5, "T1071", "the name {}, which the process may have written itself", "look the name up yourself: does it lead there?"},
    ReasonRow{"name-differs", 10, "T1071", "the process asks there for {}, to which no answer that was seen led",
              "a front of many sites, or `--resolve`: see the arguments of the process"},
    ReasonRow{"name-verified", 0, "", "the host's own resolver gave the name: {}"},
    ReasonRow{"engine-api", 100, "T1609 T1610", "{} is an engine's API",
              "a step that commands the engine: look for containers that it made (`docker events`), take the host for lost"},
    ReasonRow{"cloud-metadata", 100, "T1552.005", "{} is the cloud's metadata service",
              "the host's role may be stolen: revoke its credentials, demand a hop limit of 1"},
    ReasonRow{"mining-port", 30, "T1496", "port {} is what pools of coin miners listen on", "look for a miner in the image and on the host"},
    ReasonRow{"reverse-shell", 40, "T1059.004 T1095", "a shell on a connection: {}",
              "somebody sits in the step: cut the connection, keep the container, see what was typed"},
    ReasonRow{"fetch-to-shell", 10, "T1105 T1059.004", "the step gives what it fetches to a shell: {}",
              "fetch it yourself and read it; it may give another answer next time"},
    ReasonRow{"payload-executed", 30, "T1105 T1059.004", "what its build fetched is executed: {}",
              "take the file out of the image or the layer, and look at it"},
    ReasonRow{"denied-destination", 60, "T1071", "the configuration denies {}", "the owner of that list knows why"},
    ReasonRow{"allowed-destination", 0, "", "the configuration allows {}", "", Severity::kLow},
    ReasonRow{"allowed-name-unverified", 0, "", "the configuration allows {}, but the name is not verified, and allows nothing"},
    ReasonRow{"learning", 0, "", "the baseline is new and learns: from now on the destination is known",
              "see that it is wanted: from now on it is known", Severity::kInfo},
    ReasonRow{"host-resolver", -55, "", "{} is a resolver of the host's configuration: what is asked through it is not looked at", "", Severity::kLow},
    ReasonRow{"engine-unexplained", 20, "T1105", "the engine itself connected to {}: neither images nor URLs of its build name that",
              "who sent it there? Look at what came into the image (`docker history`)"},
    ReasonRow{"engine-sent-on", 20, "T1105", "an answer sent the engine on from {}", "fetch it yourself: servers that send on may choose whom"},
    ReasonRow{"fetch-inside/engine", 45, "T1105", "the engine itself connected to {}, which is of this host or its network",
              "the engine reaches what the client cannot: see what came into the image"},
    ReasonRow{"fetch-inside/named", 65, "T1105", "a name led the engine to {}, which is of this host",
              "whose name is it? The engine reaches what the client cannot: see what came into the image"},
    ReasonRow{"learning/powers", 0, "", "the baseline is new and learns: from now on such a container is known", "", Severity::kInfo},
};

constexpr std::array kDeployments = {
    ReasonRow{"chain-closed", 50, "T1610", "connections of its build were told: {}",
              "stop the container; the links of the chain say what to look at"},
    ReasonRow{"chain-closed/critical", 100, "T1610", "connections of its build were told, one of them as CRITICAL: {}",
              "stop the container, take the host for lost; the links of the chain say what to look at"},
    ReasonRow{"chain-closed/perhaps", 20, "T1610", "connections of its build or of another one were told: {}",
              "see which build it was: the alert of the connection names those that it may be of"},
    ReasonRow{"chain-closed/image", 50, "T1610", "what it runs may be of a build whose connections were told: {}",
              "`docker inspect` says which image it runs; stop the container until you know"},
    ReasonRow{"deploy-after-build", 5, "T1610", "it was built here {} s before"},
    ReasonRow{"deploy-soon-after-build", 15, "T1610", "it was built here only {} s before", "ordinary in CI and at a desk, not on a server"},
    ReasonRow{"deploy-soon-after-import", 0, "T1610", "it was brought {} s before"},
    ReasonRow{"unpacked-deployed", 15, "T1140 T1610", "what runs was unpacked and deployed at once: {}",
              "no layer of a known image is below it: look at its files"},
    ReasonRow{"privileged", 100, "T1611", "the container is privileged", "take the host for lost if nobody vouches for it"},
    ReasonRow{"host-mount", 100, "T1611", "host path mounted, by which the host can be taken over: {}", "see what it wrote there"},
    ReasonRow{"host-mount/reads", 50, "T1611", "host path mounted, with passwords or keys, which it can read only: {}", "change them if nobody vouches for it"},
    ReasonRow{"host-mount/unread", 50, "T1611", "of what the container is given {} more are not read: any of them may be of the host",
              "no ordinary container has so many: `docker inspect` tells all"},
    ReasonRow{"host-mount/folder", 0, "", "host path mounted: {}"},
    ReasonRow{"host-device", 100, "T1611", "device of the host given, by which it can be taken over: {}", "take the host for lost if nobody vouches for it"},
    ReasonRow{"host-device/reads", 50, "T1611", "device of the host given, by which its secrets can be read: {}", "is it needed?"},
    ReasonRow{"host-device/other", 0, "", "device of the host given: {}"},
    ReasonRow{"volumes-from", 10, "T1611", "the container has the mounts of {}, which are not known", "`docker inspect` that container says which these are"},
    ReasonRow{"host-namespace", 50, "T1611", "the container shares the host's {} namespace", "is it needed?"},
    ReasonRow{"capability", 50, "T1611", "the container is given {}, by which the host can be taken over", "is it needed?"},
    ReasonRow{"unconfined", 0, "", "the container is not confined by: {}"},
    ReasonRow{"unconfined/settings", 50, "T1611", "the container can write settings of the host's kernel ({}), one of which names a program that the host executes", "is it needed?"},
    ReasonRow{"image-uncertain", 5, "T1610", "which image the name means is not certain", "`docker inspect` says which image it runs"},
    ReasonRow{"image-imported", 0, "", "{}, not built or pulled here"},
    ReasonRow{"loaded", 0, "", "the image was loaded from an archive of images"},
    ReasonRow{"imported", 0, "", "the image was imported"},
    ReasonRow{"committed", 0, "", "the image was made of a container{}"},
    ReasonRow{"arrived", 0, "", "the image came without a build"},
    ReasonRow{"remote-source", 20, "T1105", "the engine fetched it from {}", "read what is there, from elsewhere; who asked for it?"},
    ReasonRow{"container-connected", 20, "T1071 T1105", "the container that it was made of connected to {}, where no build of this host did before",
              "what did somebody do by hand in it? `docker diff`"},
    ReasonRow{"built-here", 0, "", "a build of this host made the same image"},
    ReasonRow{"image-pushed", 0, "", "the image was pushed to a registry"},
    ReasonRow{"image-contested", 0, "", "another build gave this name to an image at the same time"},
    ReasonRow{"told-as-created", 0, "", "an alert before told that the container was created and had not started"},
    ReasonRow{"start-unheard", 0, "", "the kernel saw it start; who asked for that was not heard"},
    ReasonRow{"built-elsewhere", 5, "T1610", "another host built the image: {}", "the alerts of that host have the rest, under the id of the build"},
    ReasonRow{"built-elsewhere/soon", 15, "T1610", "another host built the image a moment ago: {}", "as built-elsewhere; ordinary in CI, not between servers"},
    ReasonRow{"connected-elsewhere", 50, "T1610", "connections of that build were told there: {}",
              "stop the container, look for others of the image; the links of the chain say what to look at"},
    ReasonRow{"connected-elsewhere/critical", 100, "T1610", "connections of that build were told there, one of them as CRITICAL: {}",
              "stop the container, take both hosts for lost; the links of the chain say what to look at"},
    ReasonRow{"image-by-name", 0, "", "it is known by its name alone: that host pushed {}, which may be another image by now"},
    ReasonRow{"cached", 0, "", "every step came from the cache: nothing ran"},
    ReasonRow{"connections-not-kept", 0, "", "its container connected to more destinations than are kept"},
    ReasonRow{"host-powers", 35, "T1611", "the container can take its host over, by each of: {}",
              "what is it for? Stop it if nobody vouches for it; where a stranger had it started, take the host for lost"},
    ReasonRow{"host-powers/reads", 15, "T1611", "the container reads passwords or keys of its host: {}", "what is it for? Change them if nobody vouches for it"},
    ReasonRow{"command-privileged", 15, "T1609 T1611", "a command with all capabilities was made in a container that runs",
              "what for? A container that was created without them has them now"},
    ReasonRow{"host-powers/unread", 35, "T1611", "of what the container is given {} more are not read: any of them may be of the host",
              "no ordinary container has so many: `docker inspect` tells all"},
    ReasonRow{"host-namespace/beside", 0, "", "the container shares the host's {} namespace"},
    ReasonRow{"powers-known", -30, "", "the same client had one of the same image with the same powers started before"},
    ReasonRow{"asked-by-cri", -35, "", "the kubelet, or whoever else is root on the host, asked for it over CRI: what pods may do is the cluster's to say"},
    ReasonRow{"engine-rootless", -25, "", "the engine runs as uid {}: the container has what that user has"},
};

constexpr std::array kFacts = {
    ReasonRow{"candidate", 0, "", "a build, a step or an import that it may be of; there are several"},
    ReasonRow{"told-from-kernel-facts", 0, "", "the step is told from what the container runs and when it started"},
    ReasonRow{"nested-engine", 0, "", "the engine runs in a container"},
    ReasonRow{"step-shared", 0, "", "another build has the same step, which runs once for both"},
    ReasonRow{"step-failed", 0, "", "which step failed, and how"},
    ReasonRow{"step-contended", 0, "", "another container can be no other step than this one"},
    ReasonRow{"engine-message", 0, "", "what the engine said of the failure"},
    ReasonRow{"build-unknown", 0, "", "it may be of a build that is not known"},
    ReasonRow{"build-open", 0, "", "a build that was open at that time"},
    ReasonRow{"no-build-open", 0, "", "no build was known to be open at that time"},
    ReasonRow{"announced-in-step-output", 0, "", "the container was announced while another step ran, whose output may say anything"},
    ReasonRow{"announced-twice", 0, "", "other builds announced this container, too"},
    ReasonRow{"start-not-seen", 0, "", "the start of the container was not seen"},
    ReasonRow{"started-by-client", 0, "", "a client of the engine started this container"},
    ReasonRow{"line-lost", 0, "", "the line of the step was lost"},
    ReasonRow{"command-differs", 0, "", "what runs is another thing than the step that was announced"},
    ReasonRow{"dockerfile-unknown", 0, "", "the file that is built was not found"},
    ReasonRow{"connection-unattributed", 0, "", "a container connected that may be a step, and fits none"},
    ReasonRow{"facts-lost", 0, "", "what the sensor lost", "see by hand what it may have missed: `docker events`, `docker history`"},
    ReasonRow{"may-be-missing", 0, "", "what alerts may lack because of it"},
    ReasonRow{"creation-unseen", -15, "", "containers whose creation was not seen: ordinary after the sensor or the host was started", "`docker inspect` says what they run and what they are given"},
    ReasonRow{"alerts-lost", 0, "", "the reader of the alerts is too slow", "read them faster, or to a file"},
    ReasonRow{"config-refused", 0, "", "a new configuration is wrong", "`kilnwatch run --check-config` says where"},
    ReasonRow{"severity-set", 0, "", "the configuration sets the severity of this rule, whatever the reasons"},
    ReasonRow{"exception", 0, "", "{}"},
};
// clang-format on

constexpr std::array kGroups = {
    ReasonGroup{"Who asked", kClients},
    ReasonGroup{"What was asked for", kRequests},
    ReasonGroup{"Where a step connected", kConnections},
    ReasonGroup{"What runs, and how it came", kDeployments},
    ReasonGroup{"How sure it is, and what the configuration says", kFacts},
};

constexpr std::array kRuleRows = {
    RuleRow{Rule::kBuildRequest, "build-request", 15, "T1612", "a build is worth a line"},
    RuleRow{Rule::kBuildEgress, "build-egress", 0, "T1612",
            "only its reasons make it an alert at all"},
    RuleRow{Rule::kImageDeploy, "image-deploy", 10, "T1610", "a container of it is worth a line"},
    RuleRow{Rule::kImageImport, "image-import", 10, "T1612", "an image without a build, likewise"},
    RuleRow{Rule::kBuildFailed, "build-failed", 0, "T1612", "it ends a chain"},
    RuleRow{Rule::kSensorBlind, "sensor-blind", 30, "", "something may be missing"},
    RuleRow{Rule::kContainerPowers, "container-powers", 10, "T1610",
            "a container with something of the host's is worth a line"},
};

constexpr std::array kThresholds = {
    Threshold{100, Severity::kCritical, "CRITICAL"}, Threshold{60, Severity::kHigh, "HIGH"},
    Threshold{30, Severity::kMedium, "MEDIUM"},      Threshold{10, Severity::kLow, "LOW"},
    Threshold{0, Severity::kInfo, "INFO"},
};

}  // namespace

std::span<const ReasonGroup> reason_groups() { return kGroups; }
std::span<const RuleRow> rule_rows() { return kRuleRows; }
std::span<const Threshold> thresholds() { return kThresholds; }

const ReasonRow* find_reason(std::string_view key) {
  for (const ReasonGroup& group : kGroups) {
    for (const ReasonRow& row : group.rows) {
      if (row.key == key) return &row;
    }
  }
  return nullptr;
}

const RuleRow& row_of(Rule rule) {
  return *std::find_if(kRuleRows.begin(), kRuleRows.end(),
                       [rule](const RuleRow& row) { return row.rule == rule; });
}

}  // namespace kilnwatch::detect
