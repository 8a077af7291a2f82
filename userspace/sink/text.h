// An alert as the person on call reads it: what happened, who did it, where to, what to do next.
#pragma once

#include <string>

#include "kilnwatch/v1/alert.pb.h"

namespace kilnwatch::sink {

// A head line and one indented line for each part; ends with a newline. Text of others is shown,
// never obeyed (base::visible).
std::string as_text(const v1::Alert& alert);

}  // namespace kilnwatch::sink
