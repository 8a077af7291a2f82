#include "policy/match.h"

#include <arpa/inet.h>

#include <algorithm>
#include <string_view>

#include "base/host_name.h"
#include "base/text.h"

namespace kilnwatch::policy {
namespace {

// RFC 4291, 2.5.5.2.
constexpr std::array<std::uint8_t, 12> kMapped{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

// As DNS compares names.
std::string plain_name(std::string_view name) {
  if (name.ends_with('.')) name.remove_suffix(1);
  return base::lower(name);
}

// `name`: a plain_name().
bool matches_name(std::string_view pattern, std::string_view name) {
  if (!pattern.starts_with(kWildcard)) return pattern == name;
  const std::string_view tail = pattern.substr(1);  // ".example.org"
  return name.size() > tail.size() && name.ends_with(tail);
}

bool contains(const Network& network, std::optional<Network> address) {
  if (!address || address->v4 != network.v4) return false;
  address->bits = network.bits;
  clear_host_bits(*address);
  return address->bytes == network.bytes;
}

// A destination, read once for all entries that it is held against.
struct Target {
  Target(const domain::Endpoint& to, const std::string& claimed)
      : address(address_of(to.ip)), port(to.port), name(plain_name(claimed)) {}
  std::optional<Network> address;
  std::uint16_t port;
  std::string name;  // empty: none
};

bool covers(const Destination& entry, const Target& to) {
  if (!entry.domain.empty() && (to.name.empty() || !matches_name(entry.domain, to.name)))
    return false;
  if (entry.network && !contains(*entry.network, to.address)) return false;
  return !entry.ports || (to.port >= entry.ports->first && to.port <= entry.ports->last);
}

}  // namespace

std::optional<Network> address_of(const std::string& text) {
  Network out;
  if (::inet_pton(AF_INET, text.c_str(), out.bytes.data()) == 1) {
    out.v4 = true;
    out.bits = 32;
    return out;
  }
  if (::inet_pton(AF_INET6, text.c_str(), out.bytes.data()) != 1) return std::nullopt;
  out.bits = 128;
  if (!std::equal(kMapped.begin(), kMapped.end(), out.bytes.begin())) return out;
  Network v4;
  v4.v4 = true;
  v4.bits = 32;
  std::copy(out.bytes.begin() + kMapped.size(), out.bytes.end(), v4.bytes.begin());
  return v4;
}

void clear_host_bits(Network& network) {
  for (std::size_t i = 0; i < network.bytes.size(); ++i) {
    const unsigned kept =
        std::min(8u, network.bits - std::min(network.bits, static_cast<unsigned>(i) * 8));
    network.bytes[i] = static_cast<std::uint8_t>(network.bytes[i] & ~(0xffu >> kept));
  }
}

std::string text_of(const Network& network) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  ::inet_ntop(network.v4 ? AF_INET : AF_INET6, network.bytes.data(), text.data(), text.size());
  const bool one = network.bits == (network.v4 ? 32 : 128);
  return std::string(text.data()) + (one ? "" : "/" + std::to_string(network.bits));
}

bool contains(const Network& network, const std::string& ip) {
  return contains(network, address_of(ip));
}

bool covers(const Destination& entry, const domain::Endpoint& to, const std::string& name) {
  return covers(entry, Target(to, name));
}

const Destination* find(const std::vector<Destination>& list, const domain::Endpoint& to,
                        const std::string& name) {
  if (list.empty()) return nullptr;
  const Target target(to, name);
  const auto found = std::find_if(list.begin(), list.end(),
                                  [&](const auto& entry) { return covers(entry, target); });
  return found == list.end() ? nullptr : &*found;
}

bool is_client(const Client& entry, const domain::Client& client) {
  if (entry.address) {
    const bool tcp = client.transport == domain::Transport::kTcp;
    if (!tcp || !contains(*entry.address, client.address.ip)) return false;
  }
  if (!entry.container.empty() && !client.container_id.starts_with(entry.container)) return false;
  if (!entry.uid && entry.exe.empty()) return true;
  if (!client.process || entry.container.empty() != client.container_id.empty()) return false;
  if (entry.uid && client.process->uid != *entry.uid) return false;
  return entry.exe.empty() || client.process->exe == entry.exe;
}

const Client* find(const std::vector<Client>& list, const domain::Client& client) {
  const auto found = std::find_if(list.begin(), list.end(),
                                  [&](const auto& entry) { return is_client(entry, client); });
  return found == list.end() ? nullptr : &*found;
}

bool of_registry(const std::vector<std::string>& registries, const std::string& image) {
  if (image.empty() || image.find('$') != image.npos) return false;
  const std::size_t slash = image.find('/');
  std::string host = slash == image.npos ? "" : image.substr(0, slash);
  std::string path = slash == image.npos ? image : image.substr(slash + 1);
  if (!base::is_registry_host(host)) {
    path = image;
    host = "docker.io";
  }
  if (host == "index.docker.io") host = "docker.io";
  if (host == "docker.io" && path.find('/') == path.npos) path.insert(0, "library/");
  path = path.substr(0, path.find_first_of(":@"));
  const std::string plain_host = plain_name(host);
  return std::any_of(registries.begin(), registries.end(), [&](const std::string& entry) {
    const std::size_t end = entry.find('/');
    if (!matches_name(std::string_view(entry).substr(0, end), plain_host)) return false;
    if (end == entry.npos) return true;
    const std::string prefix = entry.substr(end + 1);
    return path == prefix || path.starts_with(prefix + "/");
  });
}

}  // namespace kilnwatch::policy
