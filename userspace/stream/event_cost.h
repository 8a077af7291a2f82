// Memory that a held event takes, about: what the limits of queues count.
#pragma once

#include <cstddef>

#include "domain/event.h"

namespace kilnwatch::stream {

// Bytes: the event itself, its node in a container and its text.
std::size_t cost_of(const domain::Event& event);

}  // namespace kilnwatch::stream
