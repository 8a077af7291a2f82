// Messages of recording.proto → domain events.
#pragma once

#include "domain/event.h"
#include "kilnwatch/v1/recording.pb.h"

namespace kilnwatch::capture {

enum class Converted { kEvent, kUnknownKind, kInvalid };

// kEvent: `out` is set. kUnknownKind: of a later version, to be passed over. kInvalid: a value that
// no writer writes (port, enumerated value, more bytes than span), so the file is damaged.
Converted from_proto(const recording::v1::Record& record, domain::Event& out);

}  // namespace kilnwatch::capture
