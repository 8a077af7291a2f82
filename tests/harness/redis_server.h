// A real server of a test's own, on this host's loopback; ended by its process id, no other way.
#pragma once

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <functional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "base/fd.h"
#include "fleet/reply.h"
#include "harness/temp_dir.h"

namespace kilnwatch::test {

// Debian has server and checker as one program, which goes by its name; the package with the tools
// alone starts no service. Empty: neither is there.
inline std::string redis_program() {
  for (const char* path : {"/usr/bin/redis-server", "/usr/bin/redis-check-rdb"}) {
    if (::access(path, X_OK) == 0) return path;
  }
  return {};
}

// Nobody listens there, and no other test gets it while this process lives: a server that was
// killed finds it free again. Below the ports that the kernel gives to connections
// (net.ipv4.ip_local_port_range), and so is the one 10,000 above, by which nodes of a cluster
// speak.
inline std::uint16_t free_port() {
  constexpr unsigned kFirst = 10'000, kPorts = 10'000;
  static std::vector<base::Fd> marks;
  static unsigned next = static_cast<unsigned>(::getpid()) * 101;
  for (unsigned tried = 0; tried < kPorts; ++tried) {
    const auto port = static_cast<std::uint16_t>(kFirst + next++ % kPorts);
    base::Fd mark(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_un name{};
    name.sun_family = AF_UNIX;
    const std::string text = "kilnwatch-test-port-" + std::to_string(port);
    std::copy(text.begin(), text.end(), name.sun_path + 1);  // an abstract name: it goes with us
    const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + text.size());
    if (::bind(mark.get(), reinterpret_cast<sockaddr*>(&name), length) != 0) continue;
    const base::Fd probe(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_port = htons(port);
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::bind(probe.get(), reinterpret_cast<sockaddr*>(&at), sizeof(at)) != 0) continue;
    marks.push_back(std::move(mark));
    return port;
  }
  FAIL("no free port between 10000 and 19999");
  return 0;
}

inline bool wait_for(const std::function<bool()>& ready,
                     std::chrono::seconds patience = std::chrono::seconds(30)) {
  const auto end = std::chrono::steady_clock::now() + patience;
  while (!ready()) {
    if (std::chrono::steady_clock::now() > end) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return true;
}

// Its directory, log and data are in `folder`.
class RedisServer {
 public:
  explicit RedisServer(const TempDir& folder, std::vector<std::string> more = {},
                       std::uint16_t port = free_port())
      : folder_(folder.path().string()), more_(std::move(more)), port_(port) {
    start();
  }
  RedisServer(const RedisServer&) = delete;
  RedisServer& operator=(const RedisServer&) = delete;
  ~RedisServer() { stop(SIGKILL); }

  std::uint16_t port() const { return port_; }
  bool is_running() const { return pid_ > 0; }
  pid_t pid() const { return pid_; }

  // Until it answers.
  void start() {
    const std::string program = redis_program();
    if (program.empty()) FAIL("no redis-server on this host: scripts/setup installs it");
    std::vector<std::string> words = {"redis-server",
                                      "--port",
                                      std::to_string(port_),
                                      "--bind",
                                      "127.0.0.1",
                                      "--dir",
                                      folder_,
                                      "--save",
                                      "",
                                      "--logfile",
                                      folder_ + "/log." + std::to_string(port_)};
    words.insert(words.end(), more_.begin(), more_.end());
    std::vector<char*> argv;
    for (auto& word : words) argv.push_back(word.data());
    argv.push_back(nullptr);
    const pid_t parent = ::getpid();
    pid_ = ::fork();
    if (pid_ == 0) {
      ::prctl(PR_SET_PDEATHSIG, SIGKILL);
      if (::getppid() != parent) ::_exit(1);
      ::execv(program.c_str(), argv.data());
      ::_exit(127);
    }
    REQUIRE(pid_ > 0);
    if (!more_.empty() && more_[0] == "--tls-port") return;  // plain words tell nothing
    // Not while it reads what it kept.
    REQUIRE(wait_for([this] {
      const std::string reply = say({"PING"});
      return !reply.empty() && !reply.starts_with("-LOADING");
    }));
  }
  void stop(int signal) {
    if (pid_ <= 0) return;
    ::kill(pid_, signal);
    ::waitpid(pid_, nullptr, 0);
    pid_ = -1;
  }

  // The reply's bytes to a command, on a connection of its own; empty: none.
  std::string say(std::initializer_list<std::string_view> words) const {
    return send(fleet::command(words));
  }
  // Bytes of a command.
  std::string send(const std::string& command) const {
    const base::Fd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_port = htons(port_);
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::connect(fd.get(), reinterpret_cast<sockaddr*>(&at), sizeof(at)) != 0) return {};
    for (std::size_t sent = 0; sent < command.size();) {
      const auto n = ::send(fd.get(), command.data() + sent, command.size() - sent, MSG_NOSIGNAL);
      if (n <= 0) return {};
      sent += static_cast<std::size_t>(n);
    }
    std::string out(65'536, '\0');
    pollfd end{fd.get(), POLLIN, 0};
    if (::poll(&end, 1, 2000) <= 0) return {};
    const auto n = ::recv(fd.get(), out.data(), out.size(), 0);
    out.resize(n > 0 ? static_cast<std::size_t>(n) : 0);
    return out;
  }
  std::size_t keys() const {
    const std::string reply = say({"DBSIZE"});
    return reply.starts_with(':') ? std::stoul(reply.substr(1)) : 0;
  }

 private:
  std::string folder_;
  std::vector<std::string> more_;
  std::uint16_t port_;
  pid_t pid_ = -1;
};

}  // namespace kilnwatch::test
