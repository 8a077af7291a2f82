// `podman system service` as the kernel side would tell of it: conversations with its API, and the
// steps of builds below it.
#pragma once

#include <map>
#include <string>
#include <utility>

#include "harness/command_engine.h"
#include "harness/local_client.h"
#include "harness/podman.h"

namespace kilnwatch::test {

class PodmanService : public CommandEngine {
 public:
  static constexpr std::uint32_t kService = 40;

  PodmanService() {
    execute(1, {kService,
                1,
                {"podman", "system", "service"},
                "/usr/bin/podman",
                "podman",
                "system.slice/podman.service"});
  }
  // Its connection is open: a client of uid 1000 + conn, who runs curl.
  void open(domain::ConnId conn, std::uint64_t ms) {
    domain::Process client;
    client.pid = 600 + static_cast<std::uint32_t>(conn);
    client.start = client.pid;
    client.uid = 1000 + static_cast<std::uint32_t>(conn);
    client.comm = "curl";
    client.exe = "/usr/bin/curl";
    client.args = {"curl"};
    Events met;
    meet_client(met, {domain::EngineKind::kPodman, kService, "/run/podman/podman.sock"}, client,
                conn, conn + 1000, at(ms), at(ms));
    for (auto& event : met) put(std::move(event));
  }
  void close(domain::ConnId conn, std::uint64_t ms) { put(domain::ConnClosed{at(ms), conn}); }
  void ask(domain::ConnId conn, std::uint64_t ms, const std::string& bytes) {
    say(conn, ms, domain::Direction::kRequest, bytes);
  }
  void answer(domain::ConnId conn, std::uint64_t ms, const std::string& bytes) {
    say(conn, ms, domain::Direction::kResponse, bytes);
  }
  // A build by either API, with its Dockerfile in an archive.
  void build(domain::ConnId conn, std::uint64_t ms, const std::string& target,
             const std::string& archive) {
    open(conn, ms - 2);
    ask(conn, ms,
        "POST " + target +
            " HTTP/1.1\r\nHost: d\r\nContent-Type: application/x-tar\r\n"
            "Content-Length: " +
            std::to_string(archive.size()) + "\r\n\r\n" + archive);
    answer(conn, ms + 60, kChunkedOk);
  }
  void line(domain::ConnId conn, std::uint64_t ms, const std::string& escaped) {
    answer(conn, ms, podman_says(escaped + "\\n"));
  }
  void end(domain::ConnId conn, std::uint64_t ms, const std::string& image, bool compat) {
    if (compat) {
      answer(conn, ms, podman_message("{\"aux\":{\"ID\":\"" + image + "\"}}"));
      line(conn, ms + 1, "Successfully built " + image.substr(7, 12));
    } else {
      line(conn, ms, image.substr(7));
    }
    answer(conn, ms + 2, "0\r\n\r\n");
    close(conn, ms + 5);
  }
  // libpod's create and start.
  void deploy(domain::ConnId conn, std::uint64_t ms, const std::string& image,
              const std::string& id) {
    open(conn, ms - 2);
    ask(conn, ms,
        with_length("POST /v5.0.0/libpod/containers/create HTTP/1.1\r\nHost: d\r\n",
                    "{\"image\":\"" + image + "\",\"name\":\"deployed\"}"));
    answer(conn, ms + 30,
           with_length("HTTP/1.1 201 Created\r\n", "{\"Id\":\"" + id + "\",\"Warnings\":[]}\n"));
    ask(conn, ms + 40,
        "POST /v5.0.0/libpod/containers/" + id +
            "/start HTTP/1.1\r\nHost: d\r\nContent-Length: 0\r\n\r\n");
    answer(conn, ms + 300, "HTTP/1.1 204 No Content\r\n\r\n");
    close(conn, ms + 310);
  }

 private:
  void say(domain::ConnId conn, std::uint64_t ms, domain::Direction direction,
           const std::string& bytes) {
    auto& pos = positions_[{conn, direction}];
    domain::ConnData data;
    data.time = at(ms);
    data.conn = conn;
    data.direction = direction;
    data.pos = pos;
    data.span = static_cast<std::uint32_t>(bytes.size());
    data.at_head = direction == domain::Direction::kRequest && bytes.starts_with("POST ");
    data.bytes = bytes;
    pos += bytes.size();
    put(data);
  }
  std::map<std::pair<domain::ConnId, domain::Direction>, std::uint64_t> positions_;
};

}  // namespace kilnwatch::test
