// What the server has, for people who look after it: all nodes of a cluster, one after the other.
// Waits for each answer; no part of a sensor.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "fleet/client.h"
#include "fleet/transport.h"

namespace kilnwatch::fleet {

struct Taught {
  std::string key;            // of a destination; of an image its id, digest or name
  std::string value;          // who taught it; of an image its note; empty: of another kind
  std::uint64_t seconds = 0;  // that it lives on
};

// Who taught a destination: "SENSOR HOST BUILD". Anybody may have written it.
struct Teacher {
  std::string host;
  std::string build;  // empty: not known
};
Teacher teacher_of(std::string_view value);

class Catalog {
 public:
  Catalog(Dialer& dialer, Node server, Login login)
      : dialer_(dialer), server_(std::move(server)), login_(std::move(login)) {}

  // Each key with that beginning, in no order; one that comes or goes meanwhile may be missing. An
  // error of `each` ends it. kEnvironment: the server does not answer, or refuses.
  using Each = std::function<base::Status(const Taught&)>;
  base::Status each(std::string_view prefix, const Each& each);
  // Whole keys of the server. kEnvironment as above.
  base::Status add(const std::string& key, const std::string& value, std::uint64_t seconds);
  // False: it was not there.
  base::Result<bool> forget(const std::string& key);

 private:
  base::Result<std::vector<Node>> nodes();
  base::Result<Reply> write(const std::string& key, const std::string& text);
  base::Status each_of(const Node& node, std::string_view prefix, const Each& each);

  Dialer& dialer_;
  const Node server_;
  const Login login_;
};

}  // namespace kilnwatch::fleet
