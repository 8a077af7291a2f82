// `run`: watch and write alerts until SIGTERM.
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "app/commands.h"
#include "app/output.h"
#include "app/result_stream.h"
#include "app/watch.h"

namespace kilnwatch::app {
namespace {

base::Status make_state_dir(const std::string& path) {
  if (::mkdir(path.c_str(), 0700) != 0 && errno != EEXIST) {
    return base::Error{base::ErrorClass::kEnvironment,
                       "the state directory " + path + " cannot be made (" + std::strerror(errno) +
                           "); name a writable one with --state-dir"};
  }
  if (::access(path.c_str(), W_OK | X_OK) != 0) {
    return base::Error{base::ErrorClass::kEnvironment,
                       "the state directory " + path + " cannot be written (" +
                           std::strerror(errno) + "); name a writable one with --state-dir"};
  }
  return base::Done{};
}

}  // namespace

int run(const Options& options) {
  catch_signals();
  auto results = ResultStream::open(options.format);
  if (!results) return fail(results.error());
  if (auto made = make_state_dir(options.state_dir); !made) return fail(made.error());
  auto seen = detect::FileSeenStore::open(options.state_dir + "/seen-destinations");
  if (!seen) return fail(seen.error());
  if ((*seen)->damaged() > 0) {
    say(std::to_string((*seen)->damaged()) + " lines of " + options.state_dir +
        "/seen-destinations were not understood and are left out");
  }
  Watch parts;
  parts.seen = seen->get();
  parts.emit = [&](const v1::Alert& alert) { results->write(alert); };
  parts.armed = [] { say("armed"); };
  parts.keep_watching = [&] { return static_cast<bool>(results->status()); };
  const int code = watch(options, parts);
  if (!results->status()) return fail(results->status().error());
  if ((*seen)->write_errors() > 0) {
    return fail({base::ErrorClass::kEnvironment,
                 std::to_string((*seen)->write_errors()) + " destinations could not be kept in " +
                     options.state_dir + "; they count as new again after a restart"});
  }
  return code;
}

}  // namespace kilnwatch::app
