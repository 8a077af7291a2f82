#include "capture/live/kprobes.h"

#include <bpf/libbpf.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <linux/perf_event.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "base/clock.h"
#include "base/fd.h"
#include "base/text.h"
#include "capture/live/proc.h"
#include "capture/live/tracefs.h"

namespace kilnwatch::capture {

using base::Error;
using base::ErrorClass;

namespace {

constexpr const char* kGroup = "kilnwatch";

const std::string& tracefs() {
  static const std::string place = ::access("/sys/kernel/tracing/kprobe_events", F_OK) == 0
                                       ? "/sys/kernel/tracing"
                                       : "/sys/kernel/debug/tracing";
  return place;
}

// One command for kprobe_events. Returns 0, or the error's number.
int command(const std::string& line) {
  // Never O_TRUNC: it would remove everybody's probes.
  const base::Fd file(
      ::open((tracefs() + "/kprobe_events").c_str(), O_WRONLY | O_APPEND | O_CLOEXEC));
  if (!file) return errno;
  return ::write(file.get(), line.data(), line.size()) < 0 ? errno : 0;
}

int add(const std::string& name, const std::string& function, bool at_return) {
  const auto kind = at_return ? fmt::format("r{}", kReturnsAtOnce) : std::string("p");
  return command(fmt::format("{}:{}/{} {}\n", kind, kGroup, name, function));
}

void remove(const std::string& event) { command(fmt::format("-:{}\n", event)); }

// Files of tracefs are made as they are read, a page at a time.
std::string read_whole(const std::string& path) {
  const base::Fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  std::string text;
  std::string page(4096, '\0');
  for (ssize_t n = 1; file && n > 0;) {
    n = ::read(file.get(), page.data(), page.size());
    if (n > 0) text.append(page, 0, static_cast<std::size_t>(n));
  }
  return text;
}

// Names of events are unique on the host, whichever container a sensor is in.
std::string fresh_prefix() { return fmt::format("kw_{:x}_", base::clock_ns(CLOCK_BOOTTIME)); }

}  // namespace

void Kprobes::LinkFree::operator()(bpf_link* link) const { bpf_link__destroy(link); }

// What a sensor that was killed left behind holds memory; the probes of one that lives cannot be
// removed (EBUSY).
Kprobes::Kprobes() : prefix_(fresh_prefix()) {
  for (const auto& event : events_in(read_whole(tracefs() + "/kprobe_events"), kGroup)) {
    remove(event);
  }
}

Kprobes::~Kprobes() {
  links_.clear();
  for (const auto& [name, number] : events_) remove(std::string(kGroup) + "/" + name);
}

bool Kprobes::possible() { return ::access((tracefs() + "/kprobe_events").c_str(), W_OK) == 0; }

bool Kprobes::can_probe(const std::string& function) {
  const auto name = fresh_prefix() + "trial";
  if (add(name, function, false) != 0) return false;
  remove(std::string(kGroup) + "/" + name);
  return true;
}

base::Result<std::uint64_t> Kprobes::event_of(const std::string& function, bool at_return) {
  const auto name = prefix_ + (at_return ? "r_" : "p_") + function;
  if (const auto known = events_.find(name); known != events_.end()) return known->second;
  const int error = add(name, function, at_return);
  if (error == ENOENT && !possible()) {
    return Error{ErrorClass::kEnvironment,
                 "kprobes are needed on this kernel, and tracefs is not there; mount it on "
                 "/sys/kernel/tracing (mount -t tracefs tracefs /sys/kernel/tracing)"};
  }
  if (error != 0) {
    return Error{ErrorClass::kEnvironment,
                 fmt::format("this kernel takes no kprobe at {} ({}); run as root, on a kernel "
                             "built with CONFIG_KPROBE_EVENTS",
                             function, std::strerror(error))};
  }
  auto& number = events_[name];
  number = std::strtoull(
      read_small_file(fmt::format("{}/events/{}/{}/id", tracefs(), kGroup, name)).c_str(), nullptr,
      10);
  return number;
}

base::Status Kprobes::attach(const bpf_program* program, const std::string& function,
                             bool at_return) {
  const auto event = event_of(function, at_return);
  if (!event) return event.error();
  perf_event_attr attr{};
  attr.type = PERF_TYPE_TRACEPOINT;
  attr.size = sizeof(attr);
  attr.config = *event;
  // Of all processes; the program runs on every CPU, whichever is named.
  base::Fd opened(
      static_cast<int>(::syscall(SYS_perf_event_open, &attr, -1, 0, -1, PERF_FLAG_FD_CLOEXEC)));
  bpf_link* link = opened ? bpf_program__attach_perf_event(program, opened.get()) : nullptr;
  if (link == nullptr || libbpf_get_error(link) != 0) {
    return Error{ErrorClass::kEnvironment, fmt::format("the program for {} cannot be attached ({})",
                                                       function, std::strerror(errno))};
  }
  opened.release();  // the link's
  links_.emplace_back(link);
  return base::Done{};
}

std::uint64_t Kprobes::missed(std::string_view ending) const {
  return events_.empty() ? 0
                         : missed_in(read_whole(tracefs() + "/kprobe_profile"), prefix_, ending);
}

}  // namespace kilnwatch::capture
