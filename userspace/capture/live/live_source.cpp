#include "capture/live/live_source.h"

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdarg>
#include <cstdio>
#include <cstring>

#include "base/clock.h"
#include "capture/live/head_automaton.h"
#include "capture/live/proc.h"
#include "decode/decode.h"
#include "probes.skel.h"
#include "wire/events.h"

namespace kilnwatch::capture {
namespace {

using base::Error;
using base::ErrorClass;

constexpr std::size_t kLogKept = 8192;
constexpr std::array<const char*, KW_DROP_MAX> kDropNames = {
    "ring",   "connections", "calls",  "copy",   "framing", "egress", "lineage", "engines",
    "splice", "unused",      "unused", "unused", "unused",  "unused", "unused",  "unused"};

std::string& libbpf_log() {
  static std::string log;
  return log;
}

int keep_log(enum libbpf_print_level level, const char* format, va_list args) {
  if (level == LIBBPF_DEBUG) return 0;
  char line[1024];
  const int n = std::vsnprintf(line, sizeof(line), format, args);
  auto& log = libbpf_log();
  if (n > 0) log.append(line, std::min(static_cast<std::size_t>(n), sizeof(line) - 1));
  if (log.size() > kLogKept) log.erase(0, log.size() - kLogKept);
  return 0;
}

std::string trimmed(std::string text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) text.pop_back();
  return text;
}

struct SkeletonFree {
  void operator()(::probes* skeleton) const { probes__destroy(skeleton); }
};
struct RingFree {
  void operator()(ring_buffer* ring) const { ring_buffer__free(ring); }
};
struct BtfFree {
  void operator()(btf* types) const { btf__free(types); }
};

// fentry and fexit programs whose function this kernel does not have are left out.
std::vector<Hook> probe_hooks(const ::probes& skeleton, const btf* types) {
  std::vector<Hook> hooks;
  bpf_program* program = nullptr;
  bpf_object__for_each_program(program, skeleton.obj) {
    const std::string section = bpf_program__section_name(program);
    const auto slash = section.find('/');
    Hook hook{bpf_program__name(program), section.substr(slash + 1), true};
    if (section.starts_with("fentry/") || section.starts_with("fexit/")) {
      hook.available =
          types != nullptr && btf__find_by_name_kind(types, hook.target.c_str(), BTF_KIND_FUNC) > 0;
    }
    hooks.push_back(std::move(hook));
  }
  return hooks;
}

class LiveSource final : public EventSource {
 public:
  explicit LiveSource(std::unique_ptr<::probes, SkeletonFree> skeleton)
      : skeleton_(std::move(skeleton)), host_(read_host_facts()) {}

  base::Status start() {
    ring_.reset(ring_buffer__new(bpf_map__fd(skeleton_->maps.events), &LiveSource::on_record, this,
                                 nullptr));
    if (!ring_) {
      return Error{ErrorClass::kEnvironment,
                   "the ring buffer cannot be mapped; raise the memory limit of this process"};
    }
    note_path("/run/docker.sock");
    note_path("/var/run/docker.sock");
    for (const auto pid : all_pids()) meet(pid);
    if (probes__attach(skeleton_.get()) != 0) {
      return Error{ErrorClass::kEnvironment,
                   "the programs cannot be attached to this kernel: " + trimmed(libbpf_log())};
    }
    // Once more: a process that came between the first look and the hooks.
    for (const auto pid : all_pids()) meet(pid);
    return base::Done{};
  }

  base::Result<State> poll(int timeout_ms, const Handler& handler) override {
    handler_ = &handler;
    for (auto& event : backlog_) handler(std::move(event));
    backlog_.clear();
    const int n = ring_buffer__poll(ring_.get(), timeout_ms);
    if (n < 0 && n != -EINTR) {
      return Error{ErrorClass::kOther,
                   std::string("reading the ring failed: ") + std::strerror(-n)};
    }
    const auto now = base::clock_ns(CLOCK_BOOTTIME);
    report_drops(now);
    handler(domain::Tick{now});
    handler_ = nullptr;
    return State::kMore;
  }

  const domain::HostFacts& host() const override { return host_; }

 private:
  static int on_record(void* self, void* data, std::size_t size) {
    auto& source = *static_cast<LiveSource*>(self);
    auto event = decode::decode({static_cast<const std::byte*>(data), size});
    if (!event) {
      ++source.malformed_;
      return 0;
    }
    // busybox and runtimes execute themselves by such a path; the process itself still knows its
    // file.
    if (auto* exec = std::get_if<domain::ProcessExecuted>(&*event);
        exec != nullptr &&
        (exec->process.exe.starts_with("/proc/") || exec->process.exe.starts_with("/dev/fd/"))) {
      if (auto exe = exe_of(exec->process.pid); !exe.empty()) exec->process.exe = std::move(exe);
    }
    if (auto* client = std::get_if<domain::ClientSeen>(&*event)) {
      client->process.exe = exe_of(client->process.pid);
    }
    (*source.handler_)(std::move(*event));
    return 0;
  }

  void note_path(const std::string& path) {
    kw_path_key key{};
    const std::uint8_t one = 1;
    std::memcpy(key.data(), path.data(), std::min(path.size(), std::size_t{108}));
    if (key[0] == '@') key[0] = '\0';
    bpf_map_update_elem(bpf_map__fd(skeleton_->maps.engine_paths), key.data(), &one, BPF_ANY);
  }

  // Engines, runtimes and what runs below them are followed from their first instant otherwise.
  void meet(std::uint32_t pid) {
    const std::uint8_t one = 1;
    const int lineage = bpf_map__fd(skeleton_->maps.lineage);
    std::uint8_t known = 0;
    if (bpf_map_lookup_elem(lineage, &pid, &known) == 0) return;
    auto process = process_of(pid);
    if (process.pid == 0) return;
    const bool engine = process.comm == "dockerd";
    const bool root = engine || process.comm == "containerd" || process.comm == "containerd-shim" ||
                      process.comm == "runc";
    if (!root && bpf_map_lookup_elem(lineage, &process.ppid, &known) != 0) return;
    bpf_map_update_elem(lineage, &process.pid, &one, BPF_ANY);
    if (engine) {
      const std::uint32_t kind = KW_ENGINE_DOCKER;
      bpf_map_update_elem(bpf_map__fd(skeleton_->maps.engines), &process.pid, &kind, BPF_ANY);
      const auto listeners = listeners_of(process.pid);
      for (const auto& path : listeners.unix_paths) note_path(path);
      for (const auto port : listeners.tcp_ports) {
        bpf_map_update_elem(bpf_map__fd(skeleton_->maps.engine_ports), &port, &one, BPF_ANY);
      }
    }
    backlog_.emplace_back(
        domain::ProcessExecuted{base::clock_ns(CLOCK_BOOTTIME), std::move(process)});
  }

  void report_drops(std::uint64_t now) {
    if (now - drops_read_ < 1'000'000'000) return;
    drops_read_ = now;
    const auto cpus = static_cast<std::size_t>(libbpf_num_possible_cpus());
    std::vector<std::uint64_t> values(cpus);
    for (std::uint32_t cause = 0; cause < KW_DROP_MAX; ++cause) {
      if (bpf_map_lookup_elem(bpf_map__fd(skeleton_->maps.drops), &cause, values.data()) != 0)
        continue;
      std::uint64_t total = 0;
      for (const auto value : values) total += value;
      if (total > drops_[cause]) {
        (*handler_)(domain::KernelLoss{now, kDropNames[cause], total - drops_[cause]});
        drops_[cause] = total;
      }
    }
    if (malformed_ > 0) {
      (*handler_)(domain::KernelLoss{now, "malformed", malformed_});
      malformed_ = 0;
    }
  }

  using kw_path_key = std::array<char, 112>;
  std::unique_ptr<::probes, SkeletonFree> skeleton_;
  std::unique_ptr<ring_buffer, RingFree> ring_;
  domain::HostFacts host_;
  const Handler* handler_ = nullptr;
  std::vector<domain::Event> backlog_;
  std::array<std::uint64_t, KW_DROP_MAX> drops_{};
  std::uint64_t drops_read_ = 0;
  std::uint64_t malformed_ = 0;
};

}  // namespace

domain::HostFacts read_host_facts() {
  domain::HostFacts host;
  utsname system{};
  ::uname(&system);
  host.name = system.nodename;
  host.kernel = system.release;
  host.boot_id = trimmed(read_small_file("/proc/sys/kernel/random/boot_id"));
  host.machine_id = trimmed(read_small_file("/etc/machine-id"));
  host.wall_offset_ns = base::clock_ns(CLOCK_REALTIME) - base::clock_ns(CLOCK_BOOTTIME);
  return host;
}

Capabilities probe_capabilities() {
  Capabilities out;
  libbpf_set_print(keep_log);
  out.kernel = read_host_facts().kernel;
  out.privileged = ::geteuid() == 0;
  out.cgroup2 = ::access("/sys/fs/cgroup/cgroup.controllers", R_OK) == 0;
  const std::unique_ptr<btf, BtfFree> types(btf__load_vmlinux_btf());
  out.btf = types != nullptr && libbpf_get_error(types.get()) == 0;
  const std::unique_ptr<::probes, SkeletonFree> skeleton(probes__open());
  if (skeleton) out.hooks = probe_hooks(*skeleton, out.btf ? types.get() : nullptr);
  return out;
}

base::Result<std::unique_ptr<EventSource>> open_live_source() {
  libbpf_set_print(keep_log);
  libbpf_log().clear();
  if (::access("/sys/kernel/btf/vmlinux", R_OK) != 0) {
    return Error{ErrorClass::kEnvironment,
                 "this kernel has no BTF (/sys/kernel/btf/vmlinux cannot be read); run a kernel >= "
                 "5.10 built with CONFIG_DEBUG_INFO_BTF, and mount /sys"};
  }
  const std::unique_ptr<btf, BtfFree> types(btf__load_vmlinux_btf());
  std::unique_ptr<::probes, SkeletonFree> skeleton(probes__open());
  if (!skeleton) {
    return Error{ErrorClass::kOther,
                 "the built-in programs cannot be opened: " + trimmed(libbpf_log())};
  }
  const auto automaton = make_head_automaton();
  std::copy(automaton.begin(), automaton.end(),
            const_cast<std::uint16_t*>(&skeleton->rodata->head_automaton[0]));
  for (const auto& hook : probe_hooks(*skeleton, types.get())) {
    if (hook.available) continue;
    bpf_program__set_autoload(bpf_object__find_program_by_name(skeleton->obj, hook.program.c_str()),
                              false);
  }
  if (const int error = probes__load(skeleton.get()); error != 0) {
    if (error == -EPERM || error == -EACCES) {
      return Error{ErrorClass::kEnvironment,
                   "no privilege to load eBPF programs; run as root, or with CAP_BPF, CAP_PERFMON "
                   "and CAP_SYS_PTRACE"};
    }
    return Error{ErrorClass::kEnvironment,
                 "this kernel refuses a program (" + std::string(std::strerror(-error)) +
                     "); `kilnwatch doctor` says what is missing: " + trimmed(libbpf_log())};
  }
  auto source = std::make_unique<LiveSource>(std::move(skeleton));
  if (auto started = source->start(); !started) return started.error();
  return std::unique_ptr<EventSource>(std::move(source));
}

}  // namespace kilnwatch::capture
