#include "app/alert_queue.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <string_view>
#include <utility>

namespace kilnwatch::app {
namespace {

// Breaks the writing thread out of a write(2) that a stalled reader holds; it does nothing else.
constexpr int kBreakOut = SIGUSR1;
constexpr std::chrono::milliseconds kBreakOutAgain(10);  // the signal may come just before write(2)

void nothing(int) {}

void ring(int event) {
  const std::uint64_t one = 1;
  (void)!::write(event, &one, sizeof(one));  // cannot fail: the counter is far from its end
}

}  // namespace

AlertQueue::AlertQueue(int fd, LossNotice notice, Limits limits)
    : fd_(fd),
      notice_(std::move(notice)),
      limits_(limits),
      work_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
      failed_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  struct sigaction action {};
  action.sa_handler = nothing;
  ::sigaction(kBreakOut, &action, nullptr);
  // Every other signal belongs to the thread that made us.
  sigset_t all, before;
  ::sigfillset(&all);
  ::sigdelset(&all, kBreakOut);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);
  thread_ = std::thread([this] { write_alerts(); });
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

void AlertQueue::push(std::string encoded) {
  {
    const std::lock_guard lock(mutex_);
    bytes_ += encoded.size();
    queue_.push_back(std::move(encoded));
    while (queue_.size() > limits_.alerts || bytes_ > limits_.bytes) {
      bytes_ -= queue_.front().size();
      queue_.pop_front();
      ++not_told_;
      ++lost_;
    }
  }
  ring(work_.get());
}

void AlertQueue::stop(std::chrono::milliseconds patience) {
  if (!thread_.joinable()) return;
  {
    std::unique_lock lock(mutex_);
    stopping_ = true;
    ring(work_.get());
    over_changed_.wait_for(lock, patience, [this] { return over_; });
    abandon_ = true;
    while (!over_) {
      ::pthread_kill(thread_.native_handle(), kBreakOut);
      over_changed_.wait_for(lock, kBreakOutAgain);
    }
  }
  thread_.join();
  lost_ += queue_.size();
  queue_.clear();
  bytes_ = 0;
}

void AlertQueue::write_alerts() {
  for (;;) {
    std::string next;
    std::uint64_t missing = 0;
    {
      std::unique_lock lock(mutex_);
      if (abandon_ || error_ != 0 || (queue_.empty() && not_told_ == 0 && stopping_)) {
        over_ = true;
        over_changed_.notify_all();
        return;
      }
      missing = std::exchange(not_told_, 0);
      if (missing == 0 && !queue_.empty()) {
        next = std::move(queue_.front());
        queue_.pop_front();
        bytes_ -= next.size();
      }
    }
    if (missing != 0) {
      write(notice_(missing));  // the lost ones are counted already
    } else if (next.empty()) {
      wait_for_work();
    } else if (!write(next)) {
      ++lost_;
    }
  }
}

void AlertQueue::wait_for_work() {
  // Events of a descriptor that nothing is asked of: its other end is gone.
  std::array<pollfd, 2> ends{{{work_.get(), POLLIN, 0}, {fd_, 0, 0}}};
  if (::poll(ends.data(), ends.size(), -1) < 0) return;
  if ((ends[1].revents & (POLLERR | POLLHUP)) != 0) return fail(EPIPE);
  std::uint64_t rung = 0;
  (void)!::read(work_.get(), &rung, sizeof(rung));
}

bool AlertQueue::write(const std::string& bytes) {
  for (std::string_view rest = bytes; !rest.empty();) {
    if (abandon_) return false;
    const auto n = ::write(fd_, rest.data(), rest.size());
    if (n >= 0) {
      rest.remove_prefix(static_cast<std::size_t>(n));
    } else if (errno == EAGAIN) {  // someone made it non-blocking
      pollfd room{fd_, POLLOUT, 0};
      (void)::poll(&room, 1, -1);
    } else if (errno != EINTR) {
      fail(errno);
      return false;
    }
  }
  return true;
}

void AlertQueue::fail(int error) {
  error_ = error;
  ring(failed_.get());
}

}  // namespace kilnwatch::app
