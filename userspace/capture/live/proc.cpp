#include "capture/live/proc.h"

#include <sys/stat.h>
#include <unistd.h>

#include <charconv>
#include <climits>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>
#include <system_error>

#include "base/secrets.h"
#include "base/text.h"

namespace kilnwatch::capture {
namespace fs = std::filesystem;
namespace {

constexpr std::size_t kSmallFile = std::size_t{64} << 10;
constexpr std::uint64_t kNanosPerTick = 10'000'000;  // USER_HZ is 100 on every Linux ABI we run on

std::uint32_t number(std::string_view text, int base = 10) {
  std::uint32_t value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value, base);
  return value;
}

std::string field(const std::string& status, const std::string& name) {
  const auto at = status.find("\n" + name + ":\t");
  if (at == std::string::npos) return {};
  const auto begin = at + name.size() + 3;
  return status.substr(begin, status.find_first_of("\t\n", begin) - begin);
}

std::string proc(std::uint32_t pid, const char* leaf) {
  return "/proc/" + std::to_string(pid) + "/" + leaf;
}

std::set<std::string> socket_inodes(std::uint32_t pid) {
  std::set<std::string> inodes;
  std::error_code error;
  for (fs::directory_iterator it(proc(pid, "fd"), error), end; !error && it != end;
       it.increment(error)) {
    std::error_code link_error;
    const auto target = fs::read_symlink(it->path(), link_error).string();
    if (!link_error && target.starts_with("socket:[")) {
      inodes.insert(target.substr(8, target.size() - 9));
    }
  }
  return inodes;
}

std::vector<std::string> words(const std::string& line) {
  std::istringstream in(line);
  std::vector<std::string> out;
  for (std::string word; in >> word;) out.push_back(word);
  return out;
}

}  // namespace

std::string read_small_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::string text(kSmallFile, '\0');
  in.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(in.gcount()));
  return text;
}

std::string exe_of(std::uint32_t pid) {
  char target[PATH_MAX];
  const auto n = ::readlink(proc(pid, "exe").c_str(), target, sizeof(target));
  return n > 0 ? std::string(target, static_cast<std::size_t>(n)) : std::string();
}

std::string exe_of(const domain::Process& seen, Comm comm) {
  auto exe = exe_of(seen.pid);
  // Behind the link: what is still so now was so then.
  const auto stat = read_small_file(proc(seen.pid, "stat"));
  const auto open = stat.find('('), close = stat.rfind(')');
  if (open == std::string::npos || close == std::string::npos) return {};
  const auto fields = words(stat.substr(close + 1));
  if (fields.size() < 20) return {};
  if (comm == Comm::kSame && stat.substr(open + 1, close - open - 1) != seen.comm) return {};
  const auto start = std::strtoull(fields[19].c_str(), nullptr, 10);
  return start == seen.start / kNanosPerTick ? exe : std::string();
}

std::vector<std::uint32_t> all_pids() {
  std::vector<std::uint32_t> pids;
  std::error_code error;
  for (fs::directory_iterator it("/proc", error), end; !error && it != end; it.increment(error)) {
    if (const auto pid = number(it->path().filename().string()); pid != 0) pids.push_back(pid);
  }
  return pids;
}

Kin kin_of(std::uint32_t pid) {
  // "PID (NAME) STATE PPID …"; a name may hold blanks and parentheses.
  const auto stat = read_small_file(proc(pid, "stat"));
  const auto open = stat.find('('), close = stat.rfind(')');
  if (open == std::string::npos || close == std::string::npos || close + 4 > stat.size()) return {};
  return {number(std::string_view(stat).substr(close + 4)),
          stat.substr(open + 1, close - open - 1)};
}

domain::Process process_of(std::uint32_t pid) {
  domain::Process process;
  const auto status = "\n" + read_small_file(proc(pid, "status"));
  const auto stat = read_small_file(proc(pid, "stat"));
  const auto after_name = stat.rfind(')');
  if (after_name == std::string::npos) return process;
  const auto fields = words(stat.substr(after_name + 1));
  if (fields.size() < 20) return process;
  process.pid = pid;
  process.ppid = number(fields[1]);
  process.start = std::strtoull(fields[19].c_str(), nullptr, 10) * kNanosPerTick;
  process.uid = number(field(status, "Uid"));
  process.comm = field(status, "Name");
  process.exe = exe_of(pid);
  if (const auto uid = read_small_file(proc(pid, "loginuid")); !uid.empty()) {
    process.loginuid = number(uid);
  }
  process.args = base::mask_args(base::split_nul(read_small_file(proc(pid, "cmdline"))));
  const auto cgroups = "\n" + read_small_file(proc(pid, "cgroup"));
  if (const auto at = cgroups.find("\n0::/"); at != std::string::npos) {
    process.cgroup.path = cgroups.substr(at + 5, cgroups.find('\n', at + 1) - at - 5);
    struct stat info {};
    if (::stat(("/sys/fs/cgroup/" + process.cgroup.path).c_str(), &info) == 0) {
      process.cgroup.id = info.st_ino;
    }
  }
  return process;
}

Listeners listeners_of(std::uint32_t pid) {
  // __SO_ACCEPTCON in the flags column of /proc/net/unix; 0A is TCP_LISTEN in /proc/net/tcp.
  constexpr std::uint32_t kAccepting = 0x10000;
  Listeners out;
  const auto inodes = socket_inodes(pid);
  std::ifstream unix_table(proc(pid, "net/unix"));
  for (std::string line; std::getline(unix_table, line);) {
    const auto columns = words(line);
    if (columns.size() >= 8 && (number(columns[3], 16) & kAccepting) != 0 &&
        inodes.contains(columns[6])) {
      out.unix_paths.push_back(columns[7]);
    }
  }
  for (const char* table : {"net/tcp", "net/tcp6"}) {
    std::ifstream tcp(proc(pid, table));
    for (std::string line; std::getline(tcp, line);) {
      const auto columns = words(line);
      if (columns.size() >= 10 && columns[3] == "0A" && inodes.contains(columns[9])) {
        const auto colon = columns[1].rfind(':');
        out.tcp_ports.push_back(
            static_cast<std::uint16_t>(number(columns[1].substr(colon + 1), 16)));
      }
    }
  }
  return out;
}

}  // namespace kilnwatch::capture
