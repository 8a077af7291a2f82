// Does a container run what BuildKit calls its step by?
#pragma once

#include <string>
#include <vector>

#include "tracker/agreement.h"

namespace kilnwatch::tracker {

// BuildKit runs the shell form as the shell with the text as last argument, the exec form as it
// stands, and calls the step by the instruction with its flags and with variables filled in
// (buildkit: dockerfile2llb/convert.go, dispatchRun, processCmdEnv). So what a variable stands for,
// and what is masked on either side, may be anything; blanks, quotation marks and backslashes do
// not count, nor does letter case. kUnknown: a here-document, of whose text the name has only a
// summary; too long to compare; an argv that is not known.
Agreement compare_vertex(const std::string& name, const std::vector<std::string>& argv, bool cut);

}  // namespace kilnwatch::tracker
