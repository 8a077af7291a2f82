// A client that comes to an engine's unix socket, as the kernel side tells of it.
#pragma once

#include <string>
#include <utility>

#include "domain/event.h"
#include "harness/mangle.h"

namespace kilnwatch::test {

struct EnginePlace {
  domain::EngineKind kind;
  std::uint32_t pid;
  std::string socket;
};

// The client is seen at `asked`, its connection at `opened`.
inline void meet_client(Events& events, const EnginePlace& engine, domain::Process client,
                        domain::ConnId conn, std::uint64_t join, domain::TimeNs asked,
                        domain::TimeNs opened) {
  domain::ConnOpened connection;
  connection.time = opened;
  connection.conn = conn;
  connection.join = join;
  connection.engine = engine.kind;
  connection.engine_pid = engine.pid;
  connection.client_pid = client.pid;
  connection.client_uid = client.uid;
  connection.path = engine.socket;
  events.emplace_back(
      domain::ClientSeen{asked, join, domain::Transport::kUnix, {}, {}, std::move(client)});
  events.emplace_back(std::move(connection));
}

}  // namespace kilnwatch::test
