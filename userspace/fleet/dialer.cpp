#include "fleet/dialer.h"

#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <nss.h>
#include <poll.h>
#include <resolv.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace kilnwatch::fleet {
namespace {

// A name server that is away must not hold up the end of the program for long.
constexpr int kNameWait = 1;  // seconds
constexpr int kNameTries = 2;

base::Error failed(const std::string& what) { return {base::ErrorClass::kEnvironment, what}; }
base::Error failed(const std::string& what, int error) {
  return failed(what + " (" + std::strerror(error) + ")");
}

class PlainTransport final : public Transport {
 public:
  explicit PlainTransport(base::Fd fd) : fd_(std::move(fd)) {}
  int fd() const override { return fd_.get(); }
  short events() const override { return connected_ ? short{0} : short{POLLOUT}; }

  base::Result<bool> connect() override {
    if (connected_) return true;
    pollfd end{fd_.get(), POLLOUT, 0};
    if (::poll(&end, 1, 0) == 0) return false;
    int error = 0;
    socklen_t size = sizeof(error);
    if (::getsockopt(fd_.get(), SOL_SOCKET, SO_ERROR, &error, &size) != 0) error = errno;
    if (error != 0) return failed("it cannot be reached", error);
    connected_ = true;
    return true;
  }
  base::Result<std::size_t> write(std::string_view bytes) override {
    return count(::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL));
  }
  base::Result<std::size_t> read(std::span<char> into) override {
    const auto n = ::recv(fd_.get(), into.data(), into.size(), 0);
    if (n == 0) return failed("it closed the connection");
    return count(n);
  }

 private:
  static base::Result<std::size_t> count(ssize_t n) {
    if (n >= 0) return static_cast<std::size_t>(n);
    if (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR) return std::size_t{0};
    return failed("the connection broke", errno);
  }
  base::Fd fd_;
  bool connected_ = false;
};

using Addresses = std::unique_ptr<addrinfo, void (*)(addrinfo*)>;

base::Result<Addresses> addresses_of(const Node& node) {
  addrinfo wanted{};
  wanted.ai_socktype = SOCK_STREAM;
  wanted.ai_flags = AI_ADDRCONFIG;
  addrinfo* found = nullptr;
  const std::string port = std::to_string(node.port);
  // Without a look at the interfaces where it is an address: loopback alone is none to it.
  addrinfo literal = wanted;
  literal.ai_flags = AI_NUMERICHOST;
  if (::getaddrinfo(node.host.c_str(), port.c_str(), &literal, &found) == 0)
    return Addresses(found, ::freeaddrinfo);
  // Per thread, and kept as long as resolv.conf is the same.
  if ((_res.options & RES_INIT) == 0) (void)::res_init();
  _res.retrans = kNameWait;
  _res.retry = kNameTries;
  const int error = ::getaddrinfo(node.host.c_str(), port.c_str(), &wanted, &found);
  if (error != 0) return failed(std::string("its name is not found: ") + ::gai_strerror(error));
  return Addresses(found, ::freeaddrinfo);
}

}  // namespace

SocketDialer::SocketDialer(std::string server, std::unique_ptr<TlsContext> tls)
    : server_(std::move(server)), tls_(std::move(tls)) {
  // What is in the C library itself: modules of this host may not fit into a static program.
  ::__nss_configure_lookup("hosts", "files dns");
}

base::Result<std::unique_ptr<Transport>> SocketDialer::dial(const Node& node) {
  auto addresses = addresses_of(node);
  if (!addresses) return addresses.error();
  std::size_t count = 0;
  for (const addrinfo* at = addresses->get(); at != nullptr; at = at->ai_next) ++count;
  if (count == 0) return failed("its name has no address");
  const addrinfo* at = addresses->get();
  for (std::size_t skip = tries_++ % count; skip > 0; --skip) at = at->ai_next;
  base::Fd fd(::socket(at->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_TCP));
  if (!fd) return failed("no socket", errno);
  const int on = 1;
  (void)::setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  (void)::setsockopt(fd.get(), SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
  if (::connect(fd.get(), at->ai_addr, at->ai_addrlen) != 0 && errno != EINPROGRESS)
    return failed("it cannot be reached", errno);
  if (tls_) return make_tls(*tls_, std::move(fd), server_, node.host);
  return std::unique_ptr<Transport>(std::make_unique<PlainTransport>(std::move(fd)));
}

}  // namespace kilnwatch::fleet
