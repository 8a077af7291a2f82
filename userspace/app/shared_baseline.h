// The server that hosts share a baseline over, as `run` uses it.
#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "base/result.h"
#include "baseline/sqlite_store.h"
#include "domain/host.h"
#include "fleet/shared.h"
#include "policy/policy.h"

namespace kilnwatch::app {

// Where the password comes from when no file is named.
inline constexpr const char* kPasswordVariable = "KILNWATCH_STORE_PASSWORD";

// A file with one line; others must not be able to read it. kUsage; no error repeats it.
base::Result<std::string> read_password(const std::string& file);

// The files that the configuration names can be used; nobody is asked anything.
base::Status check_shared(const policy::Policy& policy);

// Who asks. What a sensor teaches itself is no news from others: it is known by its local baseline,
// or else by the machine that a recording is of.
struct Asker {
  std::string sensor;  // of hexadecimal digits
  std::string host;    // its name
  bool teaches = true;
};
Asker asker_of(baseline::SqliteStore& local, const std::string& host);
Asker asker_of(const domain::HostFacts& recorded);

// The way to the server that is configured. kUsage: a file that cannot be used.
struct Access {
  fleet::Node server;
  fleet::Login login;
  std::unique_ptr<fleet::Dialer> dialer;
};
base::Result<Access> access_of(const policy::SharedStore& store);

// Null: none is configured. Whether the server is there is found out later, and told then. kUsage:
// a file that cannot be used.
base::Result<std::unique_ptr<fleet::Shared>> open_shared(const policy::Policy& policy,
                                                         const Asker& asker);
// Of a policy that was read anew.
void apply(const policy::Policy& policy, fleet::Shared& shared);

// Says what a user should know while it runs, and what was counted at the end.
class SharedNews {
 public:
  SharedNews(std::string server, fleet::Shared& shared)
      : server_(std::move(server)), shared_(shared) {}
  // `now`: CLOCK_BOOTTIME.
  void look(std::uint64_t now);
  // Waits for what is still to be brought to the server, at most so long.
  void end(std::chrono::milliseconds patience = std::chrono::milliseconds(1000));

 private:
  std::string server_;
  fleet::Shared& shared_;
  bool away_ = false;
  bool reached_ = false;
  std::string refusal_;
  std::uint64_t capped_ = 0;  // told
  std::uint64_t capped_at_ = 0;
};

}  // namespace kilnwatch::app
