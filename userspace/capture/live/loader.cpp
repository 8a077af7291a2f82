#include "capture/live/loader.h"

#include <bpf/btf.h>
#include <bpf/libbpf.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "capture/live/head_automaton.h"
#include "capture/live/kernel_version.h"
#include "capture/live/libbpf_log.h"
#include "capture/live/probe.h"
#include "capture/live/routes.h"
#include "probes.skel.h"

namespace kilnwatch::capture {

using base::Error;
using base::ErrorClass;

namespace {

struct BtfFree {
  void operator()(btf* types) const { btf__free(types); }
};

}  // namespace

void Programs::Free::operator()(::probes* opened) const { probes__destroy(opened); }

base::Result<Programs> open_programs(HookChoice choice) {
  const std::unique_ptr<btf, BtfFree> types(btf__load_vmlinux_btf());
  if (!types || libbpf_get_error(types.get()) != 0) {
    return Error{ErrorClass::kEnvironment,
                 "the BTF of this kernel (/sys/kernel/btf/vmlinux) cannot be understood; run a "
                 "kernel built with CONFIG_DEBUG_INFO_BTF, and mount /sys"};
  }
  Programs out;
  out.skeleton.reset(probes__open());
  if (!out.skeleton) {
    return Error{ErrorClass::kOther,
                 "the built-in programs cannot be opened: " + last_libbpf_line()};
  }
  out.hooks = choose_hooks(*out.skeleton, types.get(), choice, read_host_facts().kernel);
  use_hooks(*out.skeleton, out.hooks);
  return out;
}

base::Status load_programs(Programs& programs) {
  const auto automaton = make_head_automaton();
  std::copy(automaton.begin(), automaton.end(),
            const_cast<std::uint16_t*>(&programs.skeleton->rodata->head_automaton[0]));
  *const_cast<std::uint8_t*>(&programs.skeleton->rodata->keeps_cpu) =
      lets_programs_keep_cpu(read_host_facts().kernel) ? 1 : 0;
  *const_cast<std::uint32_t*>(&programs.skeleton->rodata->host_net) = host_network();
  const int error = probes__load(programs.skeleton.get());
  if (error == 0) return base::Done{};
  if (error == -EPERM || error == -EACCES) {
    return Error{ErrorClass::kEnvironment,
                 "this kernel forbids to load eBPF programs (a container without them, or a "
                 "security module); run the sensor on the host"};
  }
  return Error{ErrorClass::kEnvironment,
               "this kernel refuses a program (" + std::string(std::strerror(-error)) +
                   "); `kilnwatch doctor` says what is missing: " + last_libbpf_line()};
}

}  // namespace kilnwatch::capture
