// Messages of recording.proto → domain events.
#pragma once

#include "domain/event.h"
#include "domain/fleet_answered.h"
#include "kilnwatch/v1/recording.pb.h"

namespace kilnwatch::capture {

enum class Converted { kEvent, kAnswer, kUnknownKind, kInvalid };

// kEvent: `out` is set. kAnswer: no event; see answer_of. kUnknownKind: of a later version, to be
// passed over. kInvalid: a value that no writer writes (port, enumerated value, more bytes than
// span), so the file is damaged.
Converted from_proto(const recording::v1::Record& record, domain::Event& out);

// Of a record that is one.
domain::FleetAnswered answer_of(const recording::v1::Record& record);

}  // namespace kilnwatch::capture
