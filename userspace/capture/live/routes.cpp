#include "capture/live/routes.h"

#include <arpa/inet.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <system_error>

namespace kilnwatch::capture {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t kFirstPidNamespace = 0xEFFFFFFC;  // include/linux/proc_ns.h
constexpr std::array<std::uint8_t, 12> kMapped = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
constexpr std::size_t kAnswerBytes = 4096;  // of one route; a kernel needs some 200
constexpr suseconds_t kWaitUs = 100'000;

std::uint64_t number_of(const std::string& path) {
  struct stat found {};
  return ::stat(path.c_str(), &found) == 0 ? found.st_ino : 0;
}

struct Question {
  nlmsghdr head{};
  rtmsg route{};
  rtattr what{};
  std::array<std::uint8_t, 16> address{};
};

Question question_of(const AddressBytes& address, std::uint32_t number) {
  const bool v4 = std::equal(kMapped.begin(), kMapped.end(), address.begin());
  const std::size_t size = v4 ? 4 : 16;
  Question out;
  out.head.nlmsg_len = static_cast<std::uint32_t>(NLMSG_LENGTH(sizeof(rtmsg)) + RTA_LENGTH(size));
  out.head.nlmsg_type = RTM_GETROUTE;
  out.head.nlmsg_flags = NLM_F_REQUEST;
  out.head.nlmsg_seq = number;
  out.route.rtm_family = v4 ? AF_INET : AF_INET6;
  out.route.rtm_dst_len = static_cast<std::uint8_t>(8 * size);
  out.what.rta_type = RTA_DST;
  out.what.rta_len = static_cast<std::uint16_t>(RTA_LENGTH(size));
  std::copy(address.end() - static_cast<std::ptrdiff_t>(size), address.end(), out.address.begin());
  return out;
}

// 0: no route, or one that does not lead out of this host.
std::uint32_t interface_in(const nlmsghdr& head) {
  const auto* bytes = reinterpret_cast<const char*>(&head);
  rtmsg route{};
  if (head.nlmsg_type != RTM_NEWROUTE || head.nlmsg_len < NLMSG_LENGTH(sizeof(route))) return 0;
  std::memcpy(&route, bytes + NLMSG_HDRLEN, sizeof(route));
  if (route.rtm_type != RTN_UNICAST) return 0;
  std::size_t at = NLMSG_LENGTH(sizeof(route));
  while (at + sizeof(rtattr) <= head.nlmsg_len) {
    rtattr one{};
    std::memcpy(&one, bytes + at, sizeof(one));
    if (one.rta_len < sizeof(one) || at + one.rta_len > head.nlmsg_len) return 0;
    if (one.rta_type == RTA_OIF && one.rta_len == RTA_LENGTH(sizeof(std::uint32_t))) {
      std::uint32_t out = 0;
      std::memcpy(&out, bytes + at + RTA_LENGTH(0), sizeof(out));
      return out;
    }
    at += RTA_ALIGN(one.rta_len);
  }
  return 0;
}

// Hardware, or something over it (a bond, a VLAN).
bool leads_out(const std::string& interface) {
  std::error_code error;
  for (fs::directory_iterator entry(interface, error), end; !error && entry != end;
       entry.increment(error)) {
    const std::string name = entry->path().filename().string();
    if (name == "device" || name.starts_with("lower_")) return true;
  }
  return false;
}

}  // namespace

bool bytes_of(const std::string& ip, AddressBytes& out) {
  std::copy(kMapped.begin(), kMapped.end(), out.begin());
  return ::inet_pton(AF_INET, ip.c_str(), out.data() + kMapped.size()) == 1 ||
         ::inet_pton(AF_INET6, ip.c_str(), out.data()) == 1;
}

std::uint32_t host_network(const std::string& proc) {
  // The first process of the first PID namespace is the host's; of another one it is a container's.
  if (number_of(proc + "/self/ns/pid") != kFirstPidNamespace) return 0;
  const auto host = number_of(proc + "/1/ns/net");
  return host == number_of(proc + "/self/ns/net") ? static_cast<std::uint32_t>(host) : 0;
}

bool is_inner_bridge(const std::string& name, const std::string& sys) {
  const std::string own = sys + "/class/net/" + name;
  std::error_code error;
  if (!fs::exists(own + "/bridge", error)) return false;
  for (fs::directory_iterator port(own + "/brif", error), end; !error && port != end;
       port.increment(error)) {
    if (leads_out(sys + "/class/net/" + port->path().filename().string())) return false;
  }
  return true;
}

std::uint32_t Routes::interface_to(const AddressBytes& address) {
  if (!socket_) {
    socket_ = base::Fd(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE));
    // The kernel answers at once; whatever holds it up must not hold up the sensor.
    const timeval wait{0, kWaitUs};
    if (!socket_ || ::setsockopt(socket_.get(), SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait)) != 0)
      return 0;
  }
  const auto question = question_of(address, ++last_);
  alignas(nlmsghdr) std::array<char, kAnswerBytes> answer{};
  const auto sent = ::send(socket_.get(), &question, question.head.nlmsg_len, 0);
  const auto got = sent < 0 ? sent : ::recv(socket_.get(), answer.data(), answer.size(), 0);
  nlmsghdr head{};
  if (got >= static_cast<ssize_t>(sizeof(head))) std::memcpy(&head, answer.data(), sizeof(head));
  if (head.nlmsg_seq != last_ ||
      head.nlmsg_len > static_cast<std::uint32_t>(std::max(got, ssize_t{0}))) {
    socket_ = {};  // an answer that comes late is to another question
    return 0;
  }
  const auto out = interface_in(*reinterpret_cast<const nlmsghdr*>(answer.data()));
  std::array<char, IF_NAMESIZE> name{};
  if (out == 0 || ::if_indextoname(out, name.data()) == nullptr) return 0;
  return is_inner_bridge(name.data()) ? 0 : out;
}

}  // namespace kilnwatch::capture
