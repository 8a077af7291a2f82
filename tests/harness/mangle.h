// Recorded events made worse on purpose, the way a real sensor would have met them.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "domain/event.h"

namespace kilnwatch::test {

using Events = std::vector<domain::Event>;

// What the sensor is told about lost records.
enum class Told {
  kMarked,  // as live: the next record of that direction is marked, drops of a second are reported
  kNothing  // the kernel itself did not know
};

// Without the records for which gone(index) holds. Reports of loss stay: userspace made them.
//
// Told::kMarked mimics bpf/lib/filter/emit.bpf.h and capture/live/live_source.cpp: a direction that
// lost a record keeps its marks (lost, skipped) for the next one that gets through, and once a
// second, counted from the first record, KernelLoss gives the number of drops, cause "ring". The
// sensor outlives the recording: drops of its last second are reported after it.
Events lose(const Events& events, const std::function<bool(std::size_t)>& gone, Told told);

// Every n-th record from the offset-th on.
Events drop_every(const Events& events, std::size_t n, std::size_t offset, Told told);

// What a sensor gets that is armed just before record `first`:
// - ProcessExecuted of each process that runs then, as /proc has it: a start in clock ticks;
// - ConnOpened with `midway` of each open connection when it carries data next, under a number of
//   its own; positions count from there, the first record of each direction is marked as lost, and
//   the first one of the request is taken for a head (bpf/lib/filter/conn.bpf.h, framing.bpf.h);
// - nothing of connections that only close, and no payload or outcome of a connect that it missed.
// What a recording cannot give back: bytes that the kernel left out then and would hand over now,
// the file behind a process, a connect folded into one that came before.
Events late_start(const Events& events, std::size_t first);

// Another order; no record moves past one that is `window` ns or more away from it.
Events permute(const Events& events, domain::TimeNs window, std::uint64_t seed);

// Every record twice, the second one right behind the first.
Events repeat(const Events& events);

}  // namespace kilnwatch::test
