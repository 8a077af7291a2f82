// What a policy's entries match.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "policy/policy.h"

namespace kilnwatch::policy {

// Before a domain: all names below it.
inline constexpr std::string_view kWildcard = "*.";

// A network of one address; nothing: the text is none. Mapped ones are IPv4.
std::optional<Network> address_of(const std::string& text);
void clear_host_bits(Network& network);
std::string text_of(const Network& network);

bool contains(const Network& network, const std::string& ip);

// `name`: of the destination, as far as it may count; empty: none.
bool covers(const Destination& entry, const domain::Endpoint& to, const std::string& name);
// The first entry that does; null: none.
const Destination* find(const std::vector<Destination>& list, const domain::Endpoint& to,
                        const std::string& name);

// Of a process, uid and program count on the host only: in a container both are whatever its image
// says, so that an entry for one must name the container.
bool is_client(const Client& entry, const domain::Client& client);
const Client* find(const std::vector<Client>& list, const domain::Client& client);

// `image`: a reference as written. One with a variable in it is of no registry.
bool of_registry(const std::vector<std::string>& registries, const std::string& image);

}  // namespace kilnwatch::policy
