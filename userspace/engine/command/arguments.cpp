#include "engine/command/arguments.h"

#include <algorithm>
#include <string_view>

#include "base/secrets.h"
#include "base/text.h"
#include "domain/builder.h"
#include "engine/command/flags.h"
#include "engine/docker/mask.h"

namespace kilnwatch::engine::command {
namespace {

using domain::EngineKind;
using domain::Process;

constexpr std::size_t kMaxNames = 128;  // tags, build-arg names, files kept: as of a request

std::string_view name_of(std::string_view path) { return path.substr(path.rfind('/') + 1); }

// A folder, else something that is fetched (buildah: define.TempDirForURL).
bool is_remote(std::string_view context) {
  return context.starts_with("http://") || context.starts_with("https://") ||
         context.starts_with("git://") || context.starts_with("git@") ||
         context.starts_with("ssh://") || context.starts_with("github.com/") ||
         context.starts_with("s3://") || context.starts_with("gs://") ||
         context.find(".git#") != context.npos || context.ends_with(".git");
}

void take_names(const Flags& flags, domain::BuildRequested& to) {
  for (const auto& arg : flags.all("build-arg")) {
    if (to.build_arg_names.size() < kMaxNames)
      to.build_arg_names.push_back(base::mask_text(arg.substr(0, arg.find('='))));
  }
}

void take_tags(const std::vector<std::string>& from, domain::BuildRequested& to) {
  for (const auto& tag : from) {
    if (!tag.empty() && to.tags.size() < kMaxNames) to.tags.push_back(docker::safe_reference(tag));
  }
}

void take_files(Arguments& out, const Flags& flags, const std::string& name) {
  out.files = flags.all(name);
  if (out.files.size() > kMaxNames) out.files.resize(kMaxNames);
  if (!out.files.empty()) out.request.dockerfile_name = base::mask_text(out.files.front());
}

void take_context(Arguments& out, const std::string& context) {
  if (is_remote(context)) {
    out.request.remote_context = base::mask_text(context);
  } else if (context != "-") {
    out.context = context.empty() ? "." : context;
  }
}

Arguments build(const Flags& flags, EngineKind engine) {
  Arguments out;
  auto& request = out.request;
  request.command.emplace();
  request.engine = engine;
  take_names(flags, request);
  take_tags(flags.all("tag"), request);
  request.target = flags.last("target");
  request.network_mode = flags.last("network");
  request.quiet = flags.is_on("quiet");
  const std::string jobs = flags.last("jobs");
  request.parallel = !jobs.empty() && jobs != "1";
  // podman looks into its cache unless told otherwise, buildah only when told so.
  request.no_cache =
      flags.is_on("no-cache") || !flags.is_on("layers", engine == EngineKind::kPodman);
  request.labels = false;  // no instruction of its own: buildah puts them into the last one
  take_files(out, flags, "file");
  take_context(out, flags.words().empty() ? std::string(".") : flags.words().front());
  return out;
}

Arguments kaniko(const Flags& flags) {
  Arguments out;
  auto& request = out.request;
  request.command.emplace();
  request.engine = EngineKind::kKaniko;
  take_names(flags, request);
  take_tags(flags.all("destination"), request);
  request.target = flags.last("target");
  request.no_cache = !flags.is_on("cache");
  take_files(out, flags, "dockerfile");
  std::string context = flags.last("context");
  constexpr std::string_view kFolder = "dir://";
  if (context.starts_with(kFolder)) context.erase(0, kFolder.size());
  take_context(out, context.empty() ? std::string("/workspace/") : context);
  return out;
}

std::optional<Arguments> buildah(const Flags& flags, std::string_view verb) {
  Arguments out;
  out.request.command.emplace();
  out.request.engine = EngineKind::kBuildah;
  out.request.command->open_end = true;
  const auto& words = flags.words();
  if (words.empty()) return std::nullopt;
  out.request.network_mode = flags.last("network");
  if (verb == "from") {
    out.verb = Verb::kFrom;
    out.base = docker::safe_reference(words.front());
    out.working = flags.last("name");
  } else {
    out.verb = verb == "run" ? Verb::kRun : verb == "commit" ? Verb::kCommit : Verb::kRemove;
    out.working = words.front();
    if (verb == "run") out.run.assign(words.begin() + 1, words.end());
    if (verb == "commit") take_tags({words.begin() + 1, words.end()}, out.request);
  }
  return out;
}

bool is_one_of(std::string_view word, std::initializer_list<std::string_view> words) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

}  // namespace

std::optional<Arguments> read_arguments(const Process& process) {
  const auto& args = process.args;
  if (args.empty()) return std::nullopt;
  if (domain::is_kaniko(process)) {
    const auto file =
        std::find(args.begin(), args.end(), domain::kKaniko);  // behind its interpreter
    const auto from = file != args.end() ? file + 1 : args.begin() + 1;
    return kaniko(Flags(Dialect::kKaniko, {from, args.end()}));
  }
  const std::string_view program = name_of(args[0]);
  // A name alone is anybody's; the kernel has the file's ("exe": it executed itself).
  if (process.comm != "podman" && process.comm != "buildah" && process.comm != "exe")
    return std::nullopt;
  const bool is_podman = program == "podman";
  // buildah calls itself so in a user namespace of its own (containers/storage: pkg/unshare).
  if (!is_podman && !is_one_of(program, {"buildah", "buildah-in-a-user-namespace"}))
    return std::nullopt;
  const Flags global(is_podman ? Dialect::kPodman : Dialect::kBuildah,
                     {args.begin() + 1, args.end()});
  std::vector<std::string> rest = global.words();
  if (rest.empty() || global.is_on("remote") || !global.last("url").empty() ||
      !global.last("connection").empty())
    return std::nullopt;
  std::string verb = rest.front();
  rest.erase(rest.begin());
  if (is_podman && (verb == "image" || verb == "buildx") && !rest.empty()) {
    verb = rest.front();
    rest.erase(rest.begin());
  }
  std::optional<Arguments> out;
  if (verb == "build" || (!is_podman && is_one_of(verb, {"bud", "build-using-dockerfile"}))) {
    out =
        build(Flags(Dialect::kBuild, rest), is_podman ? EngineKind::kPodman : EngineKind::kBuildah);
  } else if (!is_podman && is_one_of(verb, {"from", "run", "commit"})) {
    const auto dialect = verb == "from"  ? Dialect::kFrom
                         : verb == "run" ? Dialect::kRun
                                         : Dialect::kCommit;
    out = buildah(Flags(dialect, rest), verb);
  } else if (!is_podman && is_one_of(verb, {"rm", "delete"})) {
    out = buildah(Flags(Dialect::kRemove, rest), verb);
  }
  if (out) out->store = global.last("root");
  return out;
}

std::optional<Monitor> read_monitor(const Process& process) {
  const auto& args = process.args;
  // What it calls itself is anybody's word; the kernel has the file's name.
  if (process.comm != "conmon" || (!process.exe.empty() && name_of(process.exe) != "conmon"))
    return std::nullopt;
  Monitor out;
  for (std::size_t i = 1; i < args.size(); ++i) {
    if (is_one_of(args[i], {"-e", "--exec", "--exec-attach", "--exec-process-spec"}))
      return std::nullopt;
    if (i + 1 == args.size()) break;
    if (is_one_of(args[i], {"-c", "--cid"}))
      out.container_id = args[++i];
    else if (is_one_of(args[i], {"-b", "--bundle"}))
      out.bundle = args[++i];
    else if (is_one_of(args[i], {"-n", "--name"}))
      out.name = args[++i];
  }
  if (out.container_id.size() != 64 || !base::is_hex(out.container_id)) return std::nullopt;
  return out;
}

bool serves_api(const Process& process) {
  const auto& args = process.args;
  if (args.empty() || name_of(args[0]) != "podman") return false;
  const auto words = Flags(Dialect::kPodman, {args.begin() + 1, args.end()}).words();
  return words.size() > 1 && words[0] == "system" && words[1] == "service";
}

}  // namespace kilnwatch::engine::command
