#include "fleet/shared.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <functional>

#include "base/clock.h"

namespace kilnwatch::fleet {
namespace {

TimeNs steady() { return base::clock_ns(CLOCK_BOOTTIME); }

void ring(const base::Fd& event) {
  const std::uint64_t one = 1;
  (void)!::write(event.get(), &one, sizeof(one));  // cannot fail: the counter is far from its end
}

void hush(const base::Fd& event) {
  std::uint64_t rung = 0;
  (void)!::read(event.get(), &rung, sizeof(rung));
}

base::Fd bell() { return base::Fd(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)); }

}  // namespace

Shared::Shared(std::unique_ptr<Dialer> dialer, Settings settings)
    : dialer_(std::move(dialer)),
      settings_(std::move(settings)),
      destination_seconds_(settings_.destination_seconds),
      image_seconds_(settings_.image_seconds),
      work_(bell()),
      ready_(bell()) {
  // Every signal belongs to the thread that made us.
  sigset_t all, before;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);
  thread_ = std::thread([this] { work(); });
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

Job Shared::question(Job::Kind kind, const std::string& key, const std::string& build) const {
  Job job;
  job.kind = kind;
  job.key = kDestination + key;
  job.value = value_of(build);
  job.seconds = destination_seconds_;
  return job;
}

Fleet::Ticket Shared::ask(const std::string& key, const std::string& build,
                          const std::string& name) {
  return submit(
      question(Job::Kind::kAsk, key, build), true,
      name.empty() ? std::nullopt : std::optional(question(Job::Kind::kAskName, name, build)));
}

void Shared::touch(const std::string& key, const std::string& build) {
  Job job;
  job.key = kDestination + key;
  {
    const std::lock_guard lock(mutex_);
    if (is_sent(job.key, steady())) return;
  }
  job.value = value_of(build);
  job.seconds = destination_seconds_;
  (void)submit(std::move(job), false);
}

Fleet::Ticket Shared::ask_image(const std::string& id) {
  Job job;
  job.kind = Job::Kind::kAskImage;
  job.key = kImage + id;
  return submit(std::move(job), true);
}

void Shared::share_image(const std::string& id, const std::string& note) {
  Job job;
  job.kind = Job::Kind::kShareImage;
  job.key = kImage + id;
  job.value = note.substr(0, kMaxNote);
  job.seconds = image_seconds_;
  (void)submit(std::move(job), false);
}

// "SENSOR HOST BUILD".
std::string Shared::value_of(const std::string& build) const {
  return settings_.sensor + " " + settings_.host + " " + (build.empty() ? "-" : build);
}

bool Shared::is_sent(const std::string& key, TimeNs now) {
  const auto found = sent_.find(key);
  return found != sent_.end() && now < found->second;
}

// False: there is no room.
bool Shared::queue(Job job) {
  if (inbox_.size() >= kMaxInbox || job.key.size() > kMaxName || end_) {
    ++stats_.crowded;
    return false;
  }
  if (job.kind == Job::Kind::kAsk || job.kind == Job::Kind::kTouch) {
    // It is there to spare commands: what it forgets is told once more.
    if (sent_.size() >= kMaxSent) sent_.clear();
    sent_[job.key] = steady() + job.seconds * kSecondNs / kTouchPart;
  }
  if (inbox_.empty()) ring(work_);
  inbox_.push_back(std::move(job));
  return true;
}

Fleet::Ticket Shared::submit(Job job, bool question, const std::optional<Job>& of_name) {
  const std::lock_guard lock(mutex_);
  const Ticket ticket = question ? last_ += 2 : 0;
  job.ticket = ticket;
  const bool decides = job.kind == Job::Kind::kAsk;
  if (!queue(std::move(job))) return 0;
  if (!question) return 0;
  Asked& asked = asked_[ticket];
  asked.decides = decides;
  if (!of_name) return ticket;
  Job second = *of_name;
  second.ticket = ticket | kOfName;
  if (queue(std::move(second))) ++asked.left;
  return ticket;
}

std::optional<Answer> Shared::take(Ticket ticket) {
  const std::lock_guard lock(mutex_);
  const auto found = asked_.find(ticket);
  if (found == asked_.end()) return Answer{};
  if (found->second.left > 0) return std::nullopt;
  Answer answer = std::move(found->second.answer);
  if (found->second.decides && answer.kind == Answer::Kind::kNone) ++stats_.late;
  asked_.erase(found);
  return answer;
}

void Shared::drop(Ticket ticket) {
  const std::lock_guard lock(mutex_);
  stats_.late += asked_.erase(ticket);
}

void Shared::wait(std::chrono::milliseconds patience) {
  const auto end = std::chrono::steady_clock::now() + patience;
  std::unique_lock lock(mutex_);
  answered_.wait_until(lock, end, [this] {
    return std::all_of(asked_.begin(), asked_.end(),
                       [](const auto& one) { return one.second.left == 0; });
  });
}

void Shared::keep_for(std::uint64_t destination_seconds, std::uint64_t image_seconds) {
  destination_seconds_ = destination_seconds;
  image_seconds_ = image_seconds;
}

void Shared::stop(std::chrono::milliseconds patience) {
  if (!thread_.joinable()) return;
  {
    const std::lock_guard lock(mutex_);
    end_ = std::chrono::steady_clock::now() + patience;
  }
  ring(work_);
  thread_.join();
}

void Shared::heard() { hush(ready_); }

Shared::State Shared::state() const {
  const std::lock_guard lock(mutex_);
  return state_;
}

SharedStats Shared::stats() const {
  const std::lock_guard lock(mutex_);
  SharedStats out = stats_;
  out.exchange.waiting += inbox_.size();
  return out;
}

// False: it is time to end.
bool Shared::take_inbox(Exchange& exchange) {
  std::vector<Job> jobs;
  std::optional<std::chrono::steady_clock::time_point> end;
  {
    const std::lock_guard lock(mutex_);
    jobs.swap(inbox_);
    stats_.exchange.waiting += jobs.size();  // until the exchange's own figure has them
    end = end_;
  }
  for (Job& job : jobs) exchange.submit(std::move(job));
  return !end || (!exchange.is_idle() && std::chrono::steady_clock::now() < *end);
}

void Shared::publish(Exchange& exchange, const Client& client, TimeNs now) {
  auto posted = exchange.take();
  const auto forgotten = exchange.forgotten();
  bool news = false;
  {
    const std::lock_guard lock(mutex_);
    for (auto& one : posted) {
      const auto at = asked_.find(one.ticket & ~kOfName);
      if (at == asked_.end()) continue;  // too late
      Answer& answer = at->second.answer;
      if ((one.ticket & kOfName) != 0) {
        answer.known_name = one.answer.kind == Answer::Kind::kKnown;
      } else {
        one.answer.known_name = answer.known_name;
        answer = std::move(one.answer);
      }
      --at->second.left;
      news = news || at->second.left == 0;
    }
    for (const auto& key : forgotten) {
      if (const auto at = sent_.find(key); at != sent_.end()) at->second = now + kTryAgain;
    }
    stats_.exchange = exchange.stats();
    stats_.bytes = client.bytes();
    stats_.logins = client.logins();
    news = news || state_.away != client.is_away() || state_.refusal != exchange.refusal() ||
           state_.reached != (client.logins() > 0);
    state_ = {client.is_away(), client.logins() > 0, client.fault(), exchange.refusal(),
              stats_.exchange.capped};
  }
  if (!news) return;
  ring(ready_);
  answered_.notify_all();
}

void Shared::work() {
  Client client(*dialer_, settings_.server, settings_.login,
                std::hash<std::string>{}(settings_.sensor));
  Exchange exchange(client, settings_.sensor, Quota(settings_.taught_per_hour), settings_.teaches);
  client.reach(steady());  // what is wrong is told before it is needed
  for (bool go_on = true; go_on;) {
    go_on = take_inbox(exchange);
    exchange.run(steady());
    publish(exchange, client, steady());
    if (!go_on) break;
    std::vector<pollfd> ends{{work_.get(), POLLIN, 0}};
    client.waits_for(ends);
    const TimeNs now = steady();
    TimeNs due = exchange.due(now);
    {
      const std::lock_guard lock(mutex_);
      if (!inbox_.empty()) due = now;
      // The end is looked for now and then, once it was asked for.
      if (end_) due = std::min(due, now + 10 * kMillisecond);
    }
    constexpr TimeNs kLongest = 3600 * kSecondNs;
    // Rounded up: a deadline that is met early is met again and again.
    const TimeNs left = due > now ? std::min(due - now, kLongest) : 0;
    const auto wait = static_cast<int>((left + kMillisecond - 1) / kMillisecond);
    (void)::poll(ends.data(), ends.size(), wait);
    hush(work_);
  }
}

}  // namespace kilnwatch::fleet
