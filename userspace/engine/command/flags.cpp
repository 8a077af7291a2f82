#include "engine/command/flags.h"

#include <algorithm>
#include <string_view>

namespace kilnwatch::engine::command {
namespace {

// Names between blanks. A flag that stands in no table takes no value.
constexpr std::string_view kPodmanValues =
    " cdi-spec-dir cgroup-manager config conmon connection db-backend default-mounts-file"
    " events-backend hooks-dir identity imagestore log-level max-workers module namespace"
    " network-cmd-path network-config-dir network-plugin out pull-option registries-conf root"
    " runroot runtime runtime-flag ssh storage-driver storage-opt tmpdir url volumepath ";
constexpr std::string_view kBuildahValues =
    " cgroup-manager cpu-profile default-mounts-file log-level memory-profile registries-conf"
    " registries-conf-dir root runroot short-name-alias-conf storage-driver storage-opt"
    " userns-gid-map userns-uid-map ";
constexpr std::string_view kCommonValues =
    " add-history-from arch authfile cap-add cap-drop cert-dir cgroup-parent cgroupns cpu-period"
    " cpu-quota cpu-shares cpuset-cpus cpuset-mems creds decryption-key device dns dns-option"
    " dns-search format group-add iidfile ipc isolation memory memory-swap network"
    " os pid platform retry retry-delay security-opt shm-size signature-policy sign-by ulimit"
    " userns userns-gid-map userns-gid-map-group userns-uid-map userns-uid-map-user uts variant"
    " volume ";
constexpr std::string_view kBuildValues =
    " add-host annotation build-arg build-arg-file build-context cache-from cache-to cache-ttl"
    " cpp-flag env file from hooks-dir ignorefile jobs label layer-label logfile manifest "
    "metadata-file"
    " os-feature os-version output runtime runtime-flag sbom sbom-image-output"
    " sbom-image-purl-output sbom-merge-strategy sbom-output sbom-purl-output"
    " sbom-scanner-command sbom-scanner-image secret source-date-epoch ssh tag target timestamp"
    " unsetannotation unsetenv unsetlabel ";
constexpr std::string_view kFromValues = " add-host cidfile name hooks-dir ";
constexpr std::string_view kRunValues =
    " add-host device env hostname hooks-dir mount runtime runtime-flag user workingdir ";
constexpr std::string_view kCommitValues =
    " add-file annotation change config encryption-key encrypt-layer manifest reference-time"
    " sbom sbom-image-output sbom-image-purl-output sbom-merge-strategy sbom-output"
    " sbom-purl-output sbom-scanner-command sbom-scanner-image source-date-epoch timestamp"
    " unsetenv ";
constexpr std::string_view kKanikoValues =
    " build-arg cache-copy-layers cache-dir cache-repo cache-ttl compression compression-level"
    " context context-sub-path custom-platform customPlatform destination digest-file dockerfile"
    " git ignore-path image-download-retry image-fs-extract-retry image-name-tag-with-digest-file"
    " image-name-with-digest-file kaniko-dir label log-format oci-layout-path push-retry"
    " registry-certificate registry-client-cert registry-map registry-mirror secret snapshot-mode"
    " snapshotMode tar-path tarPath target verbosity ";

bool has(std::string_view names, std::string_view name) {
  return names.find(" " + std::string(name) + " ") != names.npos;
}

bool takes_value(Dialect dialect, std::string_view name) {
  const bool common = has(kCommonValues, name);
  switch (dialect) {
    case Dialect::kPodman:
      return has(kPodmanValues, name);
    case Dialect::kBuildah:
      return has(kBuildahValues, name);
    case Dialect::kBuild:
      return common || has(kBuildValues, name);
    case Dialect::kFrom:
      return common || has(kFromValues, name);
    case Dialect::kRun:
      return common || has(kRunValues, name);
    case Dialect::kCommit:
      return common || has(kCommitValues, name);
    case Dialect::kRemove:
      return false;
    case Dialect::kKaniko:
      return has(kKanikoValues, name);
  }
  return false;
}

// The long name of a one-letter flag; empty: none that matters, it takes no value.
std::string_view long_name(Dialect dialect, char letter) {
  if (dialect == Dialect::kPodman)
    return letter == 'c' ? "connection" : letter == 'r' ? "remote" : "";
  if (dialect == Dialect::kKaniko) {
    if (letter == 'f') return "dockerfile";
    if (letter == 'c') return "context";
    if (letter == 'd') return "destination";
    return letter == 'v' ? "verbosity" : "";
  }
  switch (letter) {
    case 'c':
      return "cpu-shares";
    case 'e':
      return "env";
    case 'f':
      return dialect == Dialect::kBuild ? "file" : "format";
    case 'h':
      return dialect == Dialect::kRun ? "hostname" : "";
    case 'm':
      return "memory";
    case 'o':
      return "output";
    case 'q':
      return "quiet";
    case 't':
      return dialect == Dialect::kBuild ? "tag" : "";
    case 'u':
      return dialect == Dialect::kRun ? "user" : "";
    case 'v':
      return "volume";
    default:
      return "";
  }
}

// Other names of the same flag.
std::string plain(std::string name) {
  if (name == "net") return "network";
  if (name == "tarPath") return "tar-path";
  return name;
}

// The first word ends the flags: what follows is the verb's, or another command.
bool ends_at_word(Dialect dialect) {
  return dialect == Dialect::kPodman || dialect == Dialect::kBuildah || dialect == Dialect::kRun;
}

}  // namespace

Flags::Flags(Dialect dialect, const std::vector<std::string>& args) {
  for (std::size_t i = 0; i < args.size(); ++i) {
    const std::string& arg = args[i];
    if (arg == "--") {
      words_.insert(words_.end(), args.begin() + static_cast<std::ptrdiff_t>(i) + 1, args.end());
      return;
    }
    if (arg.size() < 2 || arg[0] != '-') {
      words_.push_back(arg);
      if (!ends_at_word(dialect)) continue;
      auto next = args.begin() + static_cast<std::ptrdiff_t>(i) + 1;
      // buildah run: the flags of its own end behind the container, a -- may stand there.
      if (dialect == Dialect::kRun && next != args.end() && *next == "--") ++next;
      words_.insert(words_.end(), next, args.end());
      return;
    }
    if (arg[1] == '-') {
      const auto equals = arg.find('=');
      const std::string name = plain(arg.substr(2, equals == arg.npos ? arg.npos : equals - 2));
      if (equals != arg.npos) {
        values_[name].push_back(arg.substr(equals + 1));
      } else if (takes_value(dialect, name) && i + 1 < args.size()) {
        values_[name].push_back(args[++i]);
      } else {
        values_[name].emplace_back("true");
      }
      continue;
    }
    for (std::size_t at = 1; at < arg.size(); ++at) {
      const std::string name(long_name(dialect, arg[at]));
      if (!takes_value(dialect, name)) {
        values_[name].emplace_back("true");
        continue;
      }
      const std::size_t value = arg.compare(at + 1, 1, "=") == 0 ? at + 2 : at + 1;
      if (value < arg.size()) {
        values_[name].push_back(arg.substr(value));
      } else if (i + 1 < args.size()) {
        values_[name].push_back(args[++i]);
      }
      break;
    }
  }
}

std::vector<std::string> Flags::all(const std::string& name) const {
  const auto it = values_.find(name);
  return it == values_.end() ? std::vector<std::string>() : it->second;
}

std::string Flags::last(const std::string& name) const {
  const auto it = values_.find(name);
  return it == values_.end() ? std::string() : it->second.back();
}

bool Flags::is_on(const std::string& name, bool otherwise) const {
  const auto it = values_.find(name);
  if (it == values_.end()) return otherwise;
  const std::string& value = it->second.back();
  return value == "true" || value == "1" || value == "t" || value == "T" || value == "TRUE" ||
         value == "True";
}

}  // namespace kilnwatch::engine::command
