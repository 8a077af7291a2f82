// What a fleet answered when a recording was made.
#pragma once

#include <string>

#include "fleet/recorded.h"

namespace kilnwatch::app {

// They stand behind what was asked, so that the file is read once for them alone. Of a damaged one
// those that are whole; who reads the events says so.
fleet::RecordedAnswers read_answers(const std::string& file);

}  // namespace kilnwatch::app
