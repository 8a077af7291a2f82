// How much the tracker holds, and how long it waits.
#pragma once

#include <cstddef>

#include "domain/types.h"

namespace kilnwatch::tracker {

// Limits (design §6) and windows, ns.
inline constexpr std::size_t kMaxBuilds = 1024;
inline constexpr std::size_t kMaxSteps = 512;  // containers told from kernel facts, per build
// A true "Running in" is the last one before its container starts: a step's flood pushes out
// only older ones.
inline constexpr std::size_t kMaxAnnounced = 64;
inline constexpr std::size_t kMaxTags = 128;
inline constexpr std::size_t kMaxUploads = 256;    // contexts that come with requests of their own
inline constexpr std::size_t kMaxCandidates = 16;  // named in one alert
inline constexpr std::size_t kMaxConnections = 4096;
// Where engines are reached: addresses and ports of this host, loopback not counted. A sensor that
// runs for months sees some; a peer can add none that the host does not have.
inline constexpr std::size_t kMaxEngineAddresses = 1024;
inline constexpr std::size_t kMaxPeers = 2 * kMaxConnections;  // not accepted yet ones, too
inline constexpr std::size_t kMaxEgress = 16'384;
inline constexpr std::size_t kMaxResolvers = 64;      // a resolv.conf has three
inline constexpr std::size_t kMaxElsewhere = 16'384;  // connections that may be no step's
// Executions of a second, in containers that reached out, each file once; and files remembered.
inline constexpr std::size_t kMaxExecutions = 4096;
inline constexpr std::size_t kMaxExecutedNames = 16'384;
inline constexpr std::size_t kMaxWaitingDeploys = 4096;
inline constexpr std::size_t kMaxEarlyStarts = 64;
inline constexpr std::size_t kMaxImports = 4096;  // remembered as told
// Containers whose engine is followed: each has tables of its own.
inline constexpr std::size_t kMaxNested = 16;
inline constexpr domain::TimeNs kSecond = 1'000'000'000;
inline constexpr domain::TimeNs kRequestWait = 2 * kSecond;
inline constexpr domain::TimeNs kEgressWait = kSecond;
inline constexpr domain::TimeNs kCreationWait = kSecond;
inline constexpr domain::TimeNs kDeployWait = 2 * kSecond;
// After a start was asked for: a loaded engine needs longer than kDeployWait.
inline constexpr domain::TimeNs kStartWait = 30 * kSecond;
inline constexpr domain::TimeNs kClientWait = 50'000'000;    // records of other CPUs
inline constexpr domain::TimeNs kSlack = 5'000'000;          // cause after effect by this much
inline constexpr domain::TimeNs kLinger = 2 * kSecond;       // facts that come after the end
inline constexpr domain::TimeNs kFailureWait = kSecond;      // the step's, within kLinger
inline constexpr domain::TimeNs kPeerWait = 60 * kSecond;    // connected, not accepted
inline constexpr domain::TimeNs kStartAnswer = 5 * kSecond;  // from a start to its answer
// Without any fact of it a build is taken for over: the end and the close of its connection were
// lost. Builders write while they work; a step may be silent for longer.
inline constexpr domain::TimeNs kBuildIdle = 3600 * kSecond;
inline constexpr domain::TimeNs kStepIdle = 24 * kBuildIdle;  // while a container of it runs

}  // namespace kilnwatch::tracker
