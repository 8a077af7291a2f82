// Domain events → messages of recording.proto.
#pragma once

#include "domain/event.h"
#include "domain/fleet_answered.h"
#include "kilnwatch/v1/recording.pb.h"

namespace kilnwatch::record {

// False for a kind that is not recorded (Tick, EgressSent, EgressDatagram, DnsBytes); `out` is then
// empty. Copies the event as it is: masking is the caller's.
bool to_proto(const domain::Event& event, recording::v1::Record& out);
recording::v1::Record to_proto(const domain::FleetAnswered& answer);

}  // namespace kilnwatch::record
