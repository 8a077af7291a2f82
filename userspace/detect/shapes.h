// Shapes of what attackers do in a step, as far as destinations, processes and their arguments show
// them. Pure. Which files a process has open is seen nowhere.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "domain/finding.h"

namespace kilnwatch::detect {

// Stratum and its kin, by the public pools' own pages; a port is a hint, never more.
bool is_mining_port(std::uint16_t port);

// The cloud's metadata service, by address or name. Port 53 of it is the resolver of some clouds.
bool is_metadata(const std::string& host, std::uint16_t port);

// Images out of which it copies or runs something without standing on them: COPY --from=IMAGE, RUN
// --mount=from=IMAGE. A bare word may as well be a folder that the client names (--build-context),
// and is none.
std::vector<std::string> images_beside(const domain::DockerfileSeen& dockerfile);
// The image whose program reads the Dockerfile instead of BuildKit's own (`# syntax=`); empty:
// none.
std::string frontend_of(const std::string& dockerfile);
bool is_usual_frontend(const std::string& image);
// A build argument that says the same.
inline constexpr const char* kSyntaxArgument = "BUILDKIT_SYNTAX";
// Hosts that the request and its Dockerfile have the engine connect to, in lower case.
struct Reachable {
  std::vector<std::string> registries;  // of base images
  std::vector<std::string> pushed;      // of tags: whoever asks gives an image what name he likes
  std::vector<std::string> contexts;
  std::vector<std::string> added;  // of URLs of ADD
  bool any_host = false;           // a URL of ADD may be of any host: part of it is not known
  bool any_file = false;           // what an ADD names is not known, and may be a URL
  bool whole = true;               // false: the request may have named others
  bool fetches = false;            // something that its client chose, besides images
};
Reachable reachable(const domain::Build& build);
// `host` is one of them but of `added`, or one of those that serve docker.io.
bool is_reachable(const Reachable& reach, const std::string& host);
// Not where `host` is empty.
bool is_among(const std::vector<std::string>& hosts, const std::string& host);
// Host and port of a URL: 0 where none is written. Empty: there is none. An address as the sensor
// writes it, whatever form it has there.
domain::Endpoint host_of_url(const std::string& url);
// Names that each host has for itself.
bool is_own_name(const std::string& host);

// What looks like a shell on this connection, in words; empty: nothing does.
std::string reverse_shell(const domain::Connection& connection, const domain::Step& step);

// The part of an instruction that pipes a download into a shell; empty: none.
std::string pipe_to_shell(const std::string& instruction);

// Names of files that the connection's process may have fetched: by the path that it asked for, and
// by its arguments.
std::vector<std::string> fetched_names(const domain::Connection& connection);

// `ran` executed something in the same step after this connection began. In words; empty: it was
// nothing that came over it, as far as is known.
std::string executes_fetched(const domain::Process& ran, const domain::Connection& connection);

// The instruction (RUN, CMD, ENTRYPOINT) that has such a file executed, in this step, in a later
// one or when the image runs; empty: there is none.
std::string starts_fetched(const domain::Build& build, const domain::Connection& connection);

// Likewise, a shell without commands of its own that the connection's process became, or started.
std::string shell_of(const domain::Process& ran, const domain::Connection& connection);

// A program that unpacks or decodes; empty: it is none.
std::string unpacker(const domain::Process& ran);

// The instruction that makes the last stage out of an archive alone (FROM scratch, ADD x.tar.gz);
// empty: there is none.
std::string unpacked_root(const domain::DockerfileSeen& dockerfile);

}  // namespace kilnwatch::detect
