// Raw wire records (bpf/wire/events.h) → domain events.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "base/result.h"
#include "domain/event.h"

namespace kilnwatch::decode {

// Version of the wire this program was built for; goes into the header of recordings.
std::uint32_t wire_version();

// One record as it lay in the ring; no alignment needed. Pure, keeps nothing of `record`.
// Arguments leave with their secrets masked; a payload (ConnData, EgressPayload, EgressDatagram,
// DnsAnswered, DnsBytes) leaves as seen. ErrorClass::kInput when version, kind, size, an inner
// length or an enumerated value is not one the wire allows: the caller counts the record as lost
// and goes on.
base::Result<domain::Event> decode(std::span<const std::byte> record);

}  // namespace kilnwatch::decode
