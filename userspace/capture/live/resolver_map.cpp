#include "capture/live/resolver_map.h"

#include <bpf/bpf.h>

#include <iterator>
#include <utility>

namespace kilnwatch::capture {
namespace {

constexpr domain::TimeNs kLookAgain = 1'000'000'000;

}  // namespace

std::uint64_t ResolverMap::update(int map, HostResolvers& resolvers, domain::TimeNs now) {
  if (now < due_) return 0;
  due_ = now + kLookAgain;
  std::map<AddressBytes, std::uint32_t> found;
  for (const auto& ip : resolvers.all(now)) {
    AddressBytes address{};
    if (!bytes_of(ip, address)) continue;
    if (const auto leads_there = routes_.interface_to(address)) found[address] = leads_there;
  }
  std::uint64_t refused = 0;
  for (const auto& [address, leads_there] : told_) {
    if (!found.contains(address)) bpf_map_delete_elem(map, address.data());
  }
  for (auto one = found.begin(); one != found.end();) {
    const auto known = told_.find(one->first);
    const bool told = (known != told_.end() && known->second == one->second) ||
                      bpf_map_update_elem(map, one->first.data(), &one->second, BPF_ANY) == 0;
    refused += told ? 0 : 1;
    one = told ? std::next(one) : found.erase(one);
  }
  told_ = std::move(found);
  return refused;
}

}  // namespace kilnwatch::capture
