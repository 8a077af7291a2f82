#include "app/shared_baseline.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "app/log.h"
#include "base/fd.h"
#include "fleet/dialer.h"
#include "tracker/ident.h"
#include "tracker/images.h"

namespace kilnwatch::app {
namespace {

constexpr std::size_t kMaxPassword = 4096;  // bytes of the file
constexpr std::uint64_t kSecond = 1'000'000'000;
constexpr std::uint64_t kComplainEvery = 3600 * kSecond;

base::Error refused(const std::string& file, const std::string& why) {
  return {base::ErrorClass::kUsage, "baseline.password_file: " + file + " " + why};
}

std::uint64_t random_number() {
  std::uint64_t number = 0;
  (void)!::getrandom(&number, sizeof(number), 0);  // cannot fail for so few bytes
  return number;
}

// No blank in it.
std::string plain(std::string name) {
  for (char& c : name) {
    if (static_cast<unsigned char>(c) <= ' ') c = '_';
  }
  return name.empty() ? "-" : name.substr(0, 253);
}

std::uint64_t seconds_of(const std::optional<domain::TimeNs>& span, domain::TimeNs standard) {
  return span.value_or(standard) / kSecond;
}

std::string remedy_of(const std::string& refusal) {
  if (refusal == "OOM") return "raise its maxmemory: what is not taught waits for it";
  if (refusal == "NOAUTH") return "name a password with 'password_file: PATH'";
  if (refusal == fleet::kWrongType || refusal == fleet::kTooLarge)
    return "what lies under a key of kilnwatch:* there is no sensor's; remove it with `kilnwatch "
           "baseline forget ADDRESS PORT [NAME] --scope fleet`";
  return "the user needs +getex, +get and +set on kilnwatch:*";
}

constexpr domain::TimeNs kKeep = baseline::kExpireAfter * kSecond;

base::Result<fleet::Login> login_of(const policy::SharedStore& store) {
  fleet::Login login{store.user, {}, store.url.database};
  if (!store.password_file.empty()) {
    auto password = read_password(store.password_file);
    if (!password) return password.error();
    login.password = std::move(*password);
  } else if (const char* given = std::getenv(kPasswordVariable); given != nullptr) {
    login.password = given;
  }
  if (!login.user.empty() && login.password.empty()) {
    return base::Error{base::ErrorClass::kUsage,
                       "baseline.user: there is no password for it; name a file with "
                       "'password_file: PATH', or set " +
                           std::string(kPasswordVariable)};
  }
  return login;
}

// Null: plain.
base::Result<std::unique_ptr<fleet::TlsContext>> tls_of(const policy::SharedStore& store) {
  if (!store.url.tls) return std::unique_ptr<fleet::TlsContext>();
  auto made = fleet::TlsContext::make({store.ca_file, store.cert_file, store.key_file});
  if (!made) return made.error();
  return std::make_unique<fleet::TlsContext>(std::move(*made));
}

}  // namespace

base::Result<std::string> read_password(const std::string& file) {
  const base::Fd fd(::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  struct stat info {};
  if (!fd || ::fstat(fd.get(), &info) != 0)
    return refused(file, std::string("cannot be opened (") + std::strerror(errno) +
                             "); write the password into it, for the sensor's user to read");
  if (!S_ISREG(info.st_mode)) return refused(file, "is no regular file; name one");
  if ((info.st_mode & (S_IROTH | S_IWOTH | S_IWGRP)) != 0)
    return refused(file, "can be read by anybody, or written by others; `chmod 600` it");
  std::array<char, kMaxPassword + 1> buffer{};
  const ssize_t n = ::read(fd.get(), buffer.data(), buffer.size());
  if (n < 0) return refused(file, std::string("cannot be read (") + std::strerror(errno) + ")");
  std::string password(buffer.data(), static_cast<std::size_t>(n));
  while (password.ends_with('\n') || password.ends_with('\r')) password.pop_back();
  if (password.size() > kMaxPassword || password.find('\n') != password.npos)
    return refused(file, "holds more than a line; write nothing but the password into it");
  if (password.empty()) return refused(file, "is empty; write the password into it");
  return password;
}

base::Status check_shared(const policy::Policy& policy) {
  if (!policy.store) return base::Done{};
  if (const auto access = access_of(*policy.store); !access) return access.error();
  return base::Done{};
}

Asker asker_of(baseline::SqliteStore& local, const std::string& host) {
  constexpr std::uint64_t kPositive = ~std::uint64_t{0} >> 1;  // as SQLite keeps numbers
  const std::uint64_t fresh = random_number() & kPositive;
  const auto kept = local.sensor(fresh);
  if (!kept) {
    say(Level::kWarning, kept.error().message +
                             " (this sensor has another number after a restart: what it taught "
                             "the fleet may count as others' then)");
  }
  return {fmt::format("{:016x}", kept ? *kept : fresh), host};
}

Asker asker_of(const domain::HostFacts& recorded) {
  return {tracker::short_hash("replay|" + recorded.machine_id + "|" + recorded.boot_id),
          recorded.name};
}

base::Result<Access> access_of(const policy::SharedStore& store) {
  auto login = login_of(store);
  if (!login) return login.error();
  auto tls = tls_of(store);
  if (!tls) return tls.error();
  return Access{{store.url.host, store.url.port},
                std::move(*login),
                std::make_unique<fleet::SocketDialer>(store.url.host, std::move(*tls))};
}

base::Result<std::unique_ptr<fleet::Shared>> open_shared(const policy::Policy& policy,
                                                         const Asker& asker) {
  if (!policy.store) return std::unique_ptr<fleet::Shared>();
  auto access = access_of(*policy.store);
  if (!access) return access.error();
  fleet::Settings settings;
  settings.server = std::move(access->server);
  settings.login = std::move(access->login);
  settings.sensor = asker.sensor;
  settings.host = plain(asker.host);
  settings.teaches = asker.teaches;
  settings.destination_seconds = seconds_of(policy.expire_after, kKeep);
  settings.image_seconds = seconds_of(policy.deploy_window, tracker::kDeployWindow);
  return std::make_unique<fleet::Shared>(std::move(access->dialer), std::move(settings));
}

void apply(const policy::Policy& policy, fleet::Shared& shared) {
  shared.keep_for(seconds_of(policy.expire_after, kKeep),
                  seconds_of(policy.deploy_window, tracker::kDeployWindow));
}

void SharedNews::look(std::uint64_t now) {
  const auto state = shared_.state();
  if (state.away && !away_)
    say(Level::kWarning,
        "the shared baseline " + server_ + " is away: " + state.fault +
            "; this host's own decides, and what it learns is brought there later");
  if (!state.away && state.reached && (away_ || !reached_))
    say(Level::kInfo, "the shared baseline " + server_ + " is reached");
  reached_ = reached_ || state.reached;
  away_ = state.away;
  if (!state.refusal.empty() && state.refusal != refusal_)
    say(Level::kWarning, "the shared baseline " + server_ + " refuses commands (" + state.refusal +
                             "); " + remedy_of(state.refusal));
  refusal_ = state.refusal;
  if (state.capped == capped_ || (capped_ != 0 && now - capped_at_ < kComplainEvery)) return;
  say(Level::kWarning,
      fmt::format("{} destinations or images were not taught to the fleet so far: one host may "
                  "teach {} of each in an hour, and they stay new to the others",
                  state.capped, fleet::kTaughtPerHour));
  capped_ = state.capped;
  capped_at_ = now;
}

void SharedNews::end(std::chrono::milliseconds patience) {
  shared_.stop(patience);
  const auto stats = shared_.stats();
  const auto& done = stats.exchange;
  const bool lost = done.waiting + done.crowded + done.refused + stats.crowded > 0;
  say(lost ? Level::kWarning : Level::kInfo,
      fmt::format("shared baseline {}: {} asked, {} known, {} taught, {} after it was away, {} "
                  "beyond what a host may teach; {} decided without its answer; not brought there: "
                  "{} waiting, {} for want of room, {} refused; {} bytes",
                  server_, done.asked, done.known, done.taught, done.reconciled, done.capped,
                  stats.late, done.waiting, done.crowded + stats.crowded, done.refused,
                  stats.bytes));
}

}  // namespace kilnwatch::app
