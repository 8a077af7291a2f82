// Words of a configuration → values. An error is kUsage and says what is wrong and what to write;
// it has no place.
#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"
#include "policy/policy.h"

namespace kilnwatch::policy {

// "30s", "5m", "24h", "30d" as ns; from 1 s to 365 days.
base::Result<domain::TimeNs> read_duration(const std::string& word);
// Or "0": none.
base::Result<domain::TimeNs> read_duration_or_none(const std::string& word);

// "2027-01-31" → the first moment of the next day, ns since 1970, UTC.
base::Result<std::uint64_t> read_last_day(const std::string& word);

// An address, or a network "10.0.0.0/8" of which no bit beyond the prefix is set.
base::Result<Network> read_network(const std::string& word);

// "443" or "8000-8999".
base::Result<Ports> read_ports(const std::string& word);

// "example.org" or "*.example.org", in lower case.
base::Result<std::string> read_domain(const std::string& word);

// A number that the kernel knows a user by.
base::Result<std::uint32_t> read_uid(const std::string& word);

// An absolute path.
base::Result<std::string> read_exe(const std::string& word);

// The beginning of a container's id.
base::Result<std::string> read_container(const std::string& word);

// A tactic as ATT&CK's matrices name it: "stealth", "defense-evasion".
base::Result<std::string> read_tactic(const std::string& word);

// A registry, or a part of one: "docker.io", "localhost:5000", "ghcr.io/acme", "*.example.org".
base::Result<std::string> read_registry(const std::string& word);

// store_values.cpp: "redis://HOST:PORT/DATABASE" or "rediss://…"; a user or password in it is
// refused, and not repeated.
base::Result<StoreUrl> read_store_url(const std::string& word);
// Of a server's access list. A word that may be a password is not repeated.
base::Result<std::string> read_store_user(const std::string& word);
// An absolute path; what is none is not repeated: it may be what the file is to hold.
base::Result<std::string> read_file_path(const std::string& word);

}  // namespace kilnwatch::policy
