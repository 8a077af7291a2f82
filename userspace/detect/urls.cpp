// What the engine is to fetch, and from where.
#include "detect/shapes.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "base/host_name.h"
#include "base/number.h"
#include "base/text.h"
#include "detect/added.h"
#include "detect/words.h"
#include "policy/match.h"
#include "tracker/images.h"

namespace kilnwatch::detect {

using namespace domain;

namespace {

// Of one address or name all that means it: mapped, not shortened, with a zone, with the root's
// dot.
std::string plain_host(std::string_view text) {
  std::string host = base::lower(text.substr(0, text.find('%')));
  if (host.ends_with('.')) host.pop_back();
  const auto address = policy::address_of(host);
  return address ? policy::text_of(*address) : host;
}

}  // namespace

std::vector<std::string> images_beside(const DockerfileSeen& dockerfile) {
  constexpr std::string_view kFrom = "from=", kMount = "mount=";
  std::vector<std::string> out;
  const auto add = [&out](std::string_view image) {
    const bool bare = image.find_first_of("/.:@") == image.npos;
    if (!bare && std::find(out.begin(), out.end(), image) == out.end()) out.emplace_back(image);
  };
  for (const Instruction& instruction : dockerfile.instructions) {
    std::string_view rest(instruction.text);
    rest = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(rest.find_first_of(" \t"), rest.size()));
    while (!rest.empty()) {
      rest.remove_prefix(std::min(rest.find_first_not_of(" \t"), rest.size()));
      if (!rest.starts_with("--")) break;  // flags stand first
      const std::size_t end = std::min(rest.find_first_of(" \t"), rest.size());
      const std::string_view flag = rest.substr(2, end - 2);
      rest.remove_prefix(end);
      if (instruction.is_from || !(flag.starts_with(kFrom) || flag.starts_with(kMount))) continue;
      for (std::string_view parts = flag; !parts.empty();) {
        const std::size_t comma = std::min(parts.find(','), parts.size());
        std::string_view part = parts.substr(0, comma);
        parts.remove_prefix(std::min(comma + 1, parts.size()));
        if (part.starts_with(kMount)) part.remove_prefix(kMount.size());
        if (base::lower(part.substr(0, kFrom.size())) == kFrom) add(part.substr(kFrom.size()));
      }
    }
  }
  return out;
}

Endpoint host_of_url(const std::string& url) {
  const std::size_t scheme = url.find("://");
  std::string_view rest = url;
  if (scheme != url.npos) rest.remove_prefix(scheme + 3);
  const auto [host, port] = base::authority_of(rest);
  return {plain_host(host), base::number_of<std::uint16_t>(port).value_or(0)};
}

bool is_own_name(const std::string& host) {
  constexpr std::array<std::string_view, 3> kNames = {"localhost", "ip6-localhost", "ip6-loopback"};
  return one_of(host, kNames) || host.ends_with(".localhost");
}

namespace {

constexpr std::string_view kHub = "docker.io";

// Of an image's name: the part before the first '/', docker.io where none is a host.
std::string registry_of(const std::string& image) {
  const std::string name = tracker::normalise_image(image);
  return host_of_url("https://" + name.substr(0, name.find('/'))).ip;
}

// `git@host:path`, too.
std::string host_of_remote(const std::string& remote) {
  if (contains(remote, "://")) return host_of_url(remote).ip;
  const std::size_t at = remote.find('@');
  if (at == remote.npos) return base::lower(remote.substr(0, remote.find('/')));
  return base::lower(remote.substr(at + 1, remote.find_first_of(":/", at) - at - 1));
}

// Host and port of a URL as they are written, without a user's name; of `git@host:path` the host.
std::string authority_of(const std::string& url) {
  const std::size_t from = url.find("://");
  if (from == url.npos) return host_of_remote(url);
  const std::string all = url.substr(from + 3, url.find_first_of("/?#", from + 3) - from - 3);
  return all.substr(all.rfind('@') + 1);  // npos + 1: none
}

// What a client serves itself.
bool is_served(const std::string& remote) {
  return remote.empty() || remote == "client-session" || remote == "upload-request" ||
         contains(remote, "build-context-");
}

}  // namespace

// Comments of the form KEY=VALUE, before anything else (buildkit: parser/directives.go).
std::string frontend_of(const std::string& dockerfile) {
  constexpr std::string_view kByteOrder = "\xef\xbb\xbf";
  std::string_view rest = dockerfile;
  if (rest.starts_with(kByteOrder)) rest.remove_prefix(kByteOrder.size());
  if (rest.starts_with("#!")) rest.remove_prefix(std::min(rest.find('\n'), rest.size() - 1) + 1);
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    std::string_view line = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    line.remove_prefix(std::min(line.find_first_not_of(" \t"), line.size()));
    if (line.starts_with("//"))
      line.remove_prefix(2);
    else if (line.starts_with('#'))
      line.remove_prefix(1);
    else
      return {};
    const std::size_t equals = line.find('=');
    if (equals == line.npos) return {};
    std::string_view key = line.substr(0, equals);
    const std::string name = base::lower(next_word(key));
    if (name != "syntax") continue;
    std::string_view value = line.substr(equals + 1);
    value.remove_prefix(std::min(value.find_first_not_of(" \t"), value.size()));
    return std::string(value.substr(0, value.find_first_of(" \t\r")));
  }
  return {};
}

// BuildKit's own, from wherever a company mirrors it.
bool is_usual_frontend(const std::string& image) {
  const std::string name = tracker::repository_of(image);
  return name.ends_with("/docker/dockerfile") || name.ends_with("/docker/dockerfile-upstream");
}

Reachable reachable(const Build& build) {
  Reachable out;
  out.whole = build.dockerfile && build.dockerfile->whole && !build.request.midway;
  for (const std::string& image : build.base_images) {
    if (contains(image, "$")) out.whole = false;
    out.registries.push_back(registry_of(image));
  }
  for (const std::string& tag : build.request.tags) out.pushed.push_back(registry_of(tag));
  if (const std::string& remote = build.request.remote_context; !is_served(remote)) {
    out.contexts.push_back(host_of_remote(remote));
    out.fetches = true;
  }
  const Added added = added_files(build);
  out.any_host = !added.whole;
  for (const AddedFile& file : added.files) {
    const std::string host = host_of_remote(file.url);
    if (!is_url(file)) {
      out.any_file = true;
      continue;
    }
    out.fetches = true;
    if (is_open(host) || is_open(authority_of(file.url)))
      out.any_host = true;
    else
      out.added.push_back(host);
  }
  if (!build.dockerfile) return out;
  for (const std::string& image : images_beside(*build.dockerfile)) {
    if (contains(image, "$")) out.whole = false;
    out.registries.push_back(registry_of(image));
  }
  if (const std::string image = frontend_of(build.dockerfile->text); !image.empty()) {
    out.registries.push_back(registry_of(image));
    out.fetches = out.fetches || !is_usual_frontend(image);
  }
  return out;
}

bool is_among(const std::vector<std::string>& hosts, const std::string& host) {
  return !host.empty() && std::find(hosts.begin(), hosts.end(), host) != hosts.end();
}

bool is_reachable(const Reachable& reach, const std::string& host) {
  const auto named = [&](const std::string& one) {
    return is_among(reach.registries, one) || is_among(reach.contexts, one) ||
           is_among(reach.pushed, one);
  };
  if (named(host)) return true;
  // Registry, tokens and layers (docs.docker.com: allow-list of Docker Hub).
  constexpr std::array<std::string_view, 3> kOfHub = {".docker.io", ".docker.com",
                                                      ".r2.cloudflarestorage.com"};
  return (is_among(reach.registries, std::string(kHub)) ||
          is_among(reach.pushed, std::string(kHub))) &&
         std::any_of(kOfHub.begin(), kOfHub.end(),
                     [&](std::string_view end) { return host.ends_with(end); });
}

}  // namespace kilnwatch::detect
