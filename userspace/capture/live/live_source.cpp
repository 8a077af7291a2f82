#include "capture/live/live_source.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <deque>
#include <string_view>
#include <utility>

#include "base/clock.h"
#include "capture/live/kprobes.h"
#include "capture/live/layers.h"
#include "capture/live/libbpf_log.h"
#include "capture/live/loader.h"
#include "capture/live/mapped_array.h"
#include "capture/live/probe.h"
#include "capture/live/proc.h"
#include "capture/live/programs.h"
#include "capture/live/resolver_map.h"
#include "capture/live/resolvers.h"
#include "decode/decode.h"
#include "probes.skel.h"
#include "wire/events.h"

namespace kilnwatch::capture {
namespace {

using base::Error;
using base::ErrorClass;

// While records come, losses are read once a second, and once more after the last; else this often:
// a map can refuse what then makes no record.
constexpr domain::TimeNs kLossesBusy = 1'000'000'000;
constexpr domain::TimeNs kLossesIdle = 10'000'000'000;
// Handed over by one poll; more stays in the ring, so that deadlines and signals have their turn.
constexpr unsigned kPollRecords = 4096;
// The ring has 8 MiB and its smallest record 40 bytes: a full one is handed over, not one that is
// filled for ever.
constexpr unsigned kDrainPolls = 52;
constexpr std::size_t kMaxWithSteps = 64;  // as many as the kernel side follows
// What these miss is a packet that the host hands on: a name at most.
constexpr std::string_view kForwards = "_forward";
constexpr int kEnough = -ECANCELED;  // what on_record says to libbpf then
constexpr std::array<const char*, KW_DROP_MAX> kDropNames = {
    "ring",   "connections", "calls",  "copy",   "framing", "egress", "lineage", "engines",
    "splice", "names",       "unused", "unused", "unused",  "unused", "unused",  "unused"};

bool runs_steps(std::uint32_t engine) {
  return engine == KW_ENGINE_DOCKER || engine == KW_ENGINE_BUILDKITD;
}

struct Lineage {  // kw_lineage of bpf/lib/base/maps.bpf.h
  std::uint32_t kin = 0;
  std::uint32_t builder = 0;
};

struct RingFree {
  void operator()(ring_buffer* ring) const { ring_buffer__free(ring); }
};

bool has_hook(const std::vector<Hook>& hooks, std::string_view target) {
  return std::any_of(hooks.begin(), hooks.end(), [&](const Hook& hook) {
    return hook.target == target && hook.road != Road::kNone;
  });
}

// How often a program was not run because it would have interrupted itself on its CPU (kernel:
// __bpf_prog_enter_recur). Kernels before 5.12 do not tell. Of functions whose name ends so.
std::uint64_t missed_runs(const bpf_object* object, std::string_view ending = {}) {
  std::uint64_t missed = 0;
  bpf_program* program = nullptr;
  bpf_object__for_each_program(program, object) {
    bpf_prog_info info{};
    if (!place_of(bpf_program__section_name(program)).target.ends_with(ending)) continue;
    std::uint32_t size = sizeof(info);
    if (bpf_obj_get_info_by_fd(bpf_program__fd(program), &info, &size) == 0)
      missed += info.recursion_misses;
  }
  return missed;
}

class Ring final : public LiveSource {
 public:
  explicit Ring(Programs programs)
      : skeleton_(std::move(programs.skeleton)),
        hooks_(std::move(programs.hooks)),
        sees_raw_(has_hook(hooks_, "sk_alloc")),
        host_(read_host_facts()) {}

  base::Status start() {
    ring_.reset(
        ring_buffer__new(bpf_map__fd(skeleton_->maps.events), &Ring::on_record, this, nullptr));
    if (!ring_) {
      return Error{ErrorClass::kEnvironment,
                   "the ring buffer cannot be mapped; raise the memory limit of this process"};
    }
    losses_ = MappedArray(bpf_map__fd(skeleton_->maps.drops), KW_DROP_MAX);
    if (!losses_.ready()) {
      return Error{ErrorClass::kEnvironment,
                   std::string("the counters of losses cannot be mapped: ") + std::strerror(errno)};
    }
    note_path("/run/docker.sock");
    note_path("/var/run/docker.sock");
    note_path("/run/buildkit/buildkitd.sock");
    for (const auto pid : all_pids()) meet(pid);
    note_resolvers(base::clock_ns(CLOCK_BOOTTIME));
    if (auto attached = attach(); !attached) return attached;
    // Once more: a process that came between the first look and the hooks.
    for (const auto pid : all_pids()) meet(pid);
    return base::Done{};
  }

  base::Result<State> poll(int timeout_ms, const Handler& handler) override {
    handler_ = &handler;
    for (auto& event : backlog_) handler(std::move(event));
    backlog_.clear();
    records_ = 0;
    const int n = timeout_ms == 0 ? ring_buffer__consume(ring_.get())
                                  : ring_buffer__poll(ring_.get(), timeout_ms);
    if (n < 0 && n != -EINTR && n != kEnough) {
      return Error{ErrorClass::kOther,
                   std::string("reading the ring failed: ") + std::strerror(-n)};
    }
    const auto now = base::clock_ns(CLOCK_BOOTTIME);
    note_resolvers(now);
    if (records_ > 0) losses_due_ = std::min(losses_due_, losses_read_ + kLossesBusy);
    if (now >= losses_due_) report_losses(now);
    handler_ = nullptr;
    return State::kMore;
  }

  void drain(const Handler& handler) override {
    for (unsigned i = 0; i < kDrainPolls; ++i) {
      if (!poll(0, handler) || records_ < kPollRecords) break;
    }
    handler_ = &handler;
    report_losses(base::clock_ns(CLOCK_BOOTTIME));
    handler_ = nullptr;
  }

  int ready_fd() const override { return ring_buffer__epoll_fd(ring_.get()); }
  domain::TimeNs due() const override { return backlog_.empty() ? losses_due_ : 0; }
  const domain::HostFacts& host() const override { return host_; }
  const std::vector<Hook>& hooks() const override { return hooks_; }

 private:
  base::Status attach() {
    if (probes__attach(skeleton_.get()) != 0) {
      return Error{ErrorClass::kEnvironment,
                   "the programs cannot be attached to this kernel: " + last_libbpf_line()};
    }
    // Ends first: the end of a call whose begin was seen is not missed.
    for (const bool at_return : {true, false}) {
      if (auto attached = attach_kprobes(at_return); !attached) return attached;
    }
    return base::Done{};
  }

  base::Status attach_kprobes(bool at_return) {
    bpf_program* program = nullptr;
    bpf_object__for_each_program(program, skeleton_->obj) {
      const auto place = place_of(bpf_program__section_name(program));
      if (place.road != Road::kKprobe || place.at_return != at_return ||
          !bpf_program__autoload(program))
        continue;
      if (!kprobes_) kprobes_.emplace();
      if (auto attached = kprobes_->attach(program, place.target, at_return); !attached)
        return attached;
    }
    return base::Done{};
  }

  static int on_record(void* self, void* data, std::size_t size) {
    auto& source = *static_cast<Ring*>(self);
    ++source.records_;
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
      // busybox takes its applet's name at once.
      if (auto exe = exe_of(exec->process, Comm::kAny); !exe.empty())
        exec->process.exe = std::move(exe);
    }
    if (auto* exec = std::get_if<domain::ProcessExecuted>(&*event); exec != nullptr) {
      if (source.has_steps(exec->process.ppid)) read_layers(exec->process);
      source.note_engine(exec->process.pid, runs_steps(engine_of(exec->process.comm)));
    } else if (auto* gone = std::get_if<domain::ProcessExited>(&*event); gone != nullptr) {
      source.note_engine(gone->pid, false);
    } else if (auto* opened = std::get_if<domain::ConnOpened>(&*event); opened != nullptr) {
      // Its execution may have been lost.
      const bool engine = opened->engine == domain::EngineKind::kDocker ||
                          opened->engine == domain::EngineKind::kBuildkitd;
      if (engine && opened->engine_pid != 0) source.note_engine(opened->engine_pid, true);
    }
    if (auto* client = std::get_if<domain::ClientSeen>(&*event)) {
      client->process.exe = exe_of(client->process);
    }
    if (auto* answered = std::get_if<domain::DnsAnswered>(&*event)) {
      answered->configured = source.resolvers_.names(answered->resolver.ip, answered->time);
      // Where nobody looks any may be.
      answered->raw = answered->raw || !source.sees_raw_;
    }
    (*source.handler_)(std::move(*event));
    return source.records_ < kPollRecords ? 0 : kEnough;
  }

  // An engine with BuildKit: its runtimes run its steps.
  void note_engine(std::uint32_t pid, bool has_steps) {
    std::erase(with_steps_, pid);
    if (!has_steps) return;
    if (with_steps_.size() >= kMaxWithSteps) {
      with_steps_.pop_front();
      ++engines_refused_;
    }
    with_steps_.push_back(pid);
  }

  bool has_steps(std::uint32_t engine) const {
    return std::find(with_steps_.begin(), with_steps_.end(), engine) != with_steps_.end();
  }

  // What finds no room is told with the kernel side's own losses.
  void note(int map, const void* key, const void* value) {
    if (bpf_map_update_elem(map, key, value, BPF_ANY) != 0) ++engines_refused_;
  }

  void note_path(const std::string& path) {
    kw_path_key key{};
    const std::uint8_t one = 1;
    std::memcpy(key.data(), path.data(), std::min(path.size(), std::size_t{108}));
    if (key[0] == '@') key[0] = '\0';
    note(bpf_map__fd(skeleton_->maps.engine_paths), key.data(), &one);
  }

  void note_resolvers(domain::TimeNs now) {
    names_refused_ +=
        resolver_map_.update(bpf_map__fd(skeleton_->maps.host_resolvers), resolvers_, now);
  }

  // Engines, runtimes and what runs below them are followed from their first instant otherwise.
  void meet(std::uint32_t pid) {
    const int lineage = bpf_map__fd(skeleton_->maps.lineage);
    Lineage above, own;
    if (bpf_map_lookup_elem(lineage, &pid, &own) == 0) return;
    const auto kin = kin_of(pid);
    // A name that anything may have counts with its file only; of all others none is looked up.
    const bool common = is_itself(kin.comm) || kin.comm == "executor";
    const std::string exe = common ? exe_of(pid) : std::string();
    const bool rootless = is_rootless_podman(kin.comm, exe);
    const auto engine = rootless ? std::uint32_t{KW_ENGINE_PODMAN} : engine_of(kin.comm);
    const bool below = bpf_map_lookup_elem(lineage, &kin.ppid, &above) == 0;
    const bool builder = rootless || is_builder(kin.comm, exe);
    if (!below && !builder && !is_lineage_root(kin.comm)) return;
    auto process = process_of(pid);
    if (process.pid == 0) return;
    own.kin = above.builder != 0 ? pid : above.kin;
    own.builder = builder || (above.builder != 0 && is_itself(kin.comm)) ? 1 : 0;
    bpf_map_update_elem(lineage, &process.pid, &own, BPF_ANY);
    if (engine != KW_ENGINE_NONE) meet_engine(process.pid, engine, rootless);
    backlog_.emplace_back(
        domain::ProcessExecuted{base::clock_ns(CLOCK_BOOTTIME), std::move(process), true});
  }

  void meet_engine(std::uint32_t pid, std::uint32_t engine, bool rootless) {
    const std::uint8_t one = 1;
    auto listeners = listeners_of(pid);
    if (rootless) {  // the ports of its containers are forwarded by the same program
      listeners.tcp_ports.clear();
      std::erase_if(listeners.unix_paths, [](const auto& path) { return !is_podman_socket(path); });
    }
    if (engine == KW_ENGINE_PODMAN && listeners.unix_paths.empty() && listeners.tcp_ports.empty())
      return;
    note(bpf_map__fd(skeleton_->maps.engines), &pid, &engine);
    note_engine(pid, runs_steps(engine));
    for (const auto& path : listeners.unix_paths) note_path(path);
    for (const auto port : listeners.tcp_ports) {
      note(bpf_map__fd(skeleton_->maps.engine_ports), &port, &one);
    }
  }

  std::uint64_t missed(std::string_view ending = {}) const {
    return missed_runs(skeleton_->obj, ending) + (kprobes_ ? kprobes_->missed(ending) : 0);
  }

  void report_losses(domain::TimeNs now) {
    losses_read_ = now;
    losses_due_ = now + (records_ > 0 ? kLossesBusy : kLossesIdle);
    for (std::size_t cause = 0; cause < KW_DROP_MAX; ++cause) {
      const auto total = losses_.at(cause);
      if (total > drops_[cause]) {
        (*handler_)(domain::KernelLoss{now, kDropNames[cause], total - drops_[cause]});
        drops_[cause] = total;
      }
    }
    if (engines_refused_ > 0) {
      (*handler_)(domain::KernelLoss{now, "engines", engines_refused_});
      engines_refused_ = 0;
    }
    const auto all = missed();  // first: what is missed meanwhile is a packet's at most
    const auto packets = missed(kForwards);
    if (packets > missed_packets_)  // else tracefs told nothing
      names_refused_ += packets - std::exchange(missed_packets_, packets);
    if (names_refused_ > 0) {
      (*handler_)(domain::KernelLoss{now, "names", names_refused_});
      names_refused_ = 0;
    }
    if (all > packets && all - packets > missed_) {
      (*handler_)(domain::KernelLoss{now, "missed", all - packets - missed_});
      missed_ = all - packets;
    }
    if (malformed_ > 0) {
      (*handler_)(domain::KernelLoss{now, "malformed", malformed_});
      malformed_ = 0;
    }
  }

  using kw_path_key = std::array<char, 112>;
  std::unique_ptr<::probes, Programs::Free> skeleton_;
  std::vector<Hook> hooks_;
  bool sees_raw_ = false;           // sockets that send under any address are seen to be made
  std::optional<Kprobes> kprobes_;  // where some are in use
  std::unique_ptr<ring_buffer, RingFree> ring_;
  domain::HostFacts host_;
  HostResolvers resolvers_;
  ResolverMap resolver_map_;
  const Handler* handler_ = nullptr;
  std::vector<domain::Event> backlog_;
  std::array<std::uint64_t, KW_DROP_MAX> drops_{};
  MappedArray losses_;                    // by cause
  std::deque<std::uint32_t> with_steps_;  // engines with BuildKit, by pid, met last at the end
  domain::TimeNs losses_read_ = 0;
  domain::TimeNs losses_due_ = 0;
  unsigned records_ = 0;  // of this poll
  std::uint64_t malformed_ = 0;
  std::uint64_t engines_refused_ = 0;  // engines and listeners, for want of room
  std::uint64_t names_refused_ = 0;    // name servers of the host, for want of room
  std::uint64_t missed_ = 0;
  std::uint64_t missed_packets_ = 0;
};

}  // namespace

base::Result<std::unique_ptr<LiveSource>> open_live_source(HookChoice choice) {
  keep_libbpf_log();
  if (auto fit = preflight(); !fit) return fit.error();
  auto programs = open_programs(choice);
  if (!programs) return programs.error();
  if (auto loaded = load_programs(*programs); !loaded) return loaded.error();
  auto source = std::make_unique<Ring>(std::move(*programs));
  if (auto started = source->start(); !started) return started.error();
  return std::unique_ptr<LiveSource>(std::move(source));
}

}  // namespace kilnwatch::capture
