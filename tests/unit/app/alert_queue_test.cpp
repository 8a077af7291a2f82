// The queue against readers that are slow, stalled or gone. Runs under preset `tsan` too.
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <array>
#include <catch2/catch_test_macros.hpp>
#include <chrono>
#include <csignal>
#include <string>
#include <thread>

#include "app/alert_queue.h"

using namespace kilnwatch;
using namespace std::chrono_literals;

namespace {

struct Pipe {
  base::Fd reader, writer;
  Pipe() {
    std::signal(SIGPIPE, SIG_IGN);
    std::array<int, 2> ends{};
    REQUIRE(::pipe2(ends.data(), O_CLOEXEC) == 0);
    reader = base::Fd(ends[0]);
    writer = base::Fd(ends[1]);
  }
  void shrink() { ::fcntl(writer.get(), F_SETPIPE_SZ, 4096); }
};

std::string read_all(int fd) {
  std::string all;
  std::array<char, 4096> buffer{};
  for (;;) {
    const auto n = ::read(fd, buffer.data(), buffer.size());
    if (n <= 0) return all;
    all.append(buffer.data(), static_cast<std::size_t>(n));
  }
}

std::string notice(std::uint64_t count) { return "lost " + std::to_string(count) + "\n"; }

std::string line(int n, std::size_t size = 0) {
  std::string text = "alert " + std::to_string(n);
  if (text.size() < size) text.append(size - text.size(), '.');
  return text + "\n";
}

}  // namespace

TEST_CASE("Alerts come out whole and in order while they are pushed") {
  Pipe pipe;
  std::string expected;
  std::string got;
  std::thread reader([&] { got = read_all(pipe.reader.get()); });
  {
    app::AlertQueue queue(pipe.writer.get(), notice);
    for (int i = 0; i < 5000; ++i) {
      expected += line(i);
      queue.push(line(i));
    }
    queue.stop(20s);
    CHECK(queue.error() == 0);
    CHECK(queue.lost() == 0);
  }
  pipe.writer.reset();
  reader.join();
  CHECK(got == expected);
}

TEST_CASE("A stalled reader costs the oldest alerts, never the pusher's time") {
  Pipe pipe;
  pipe.shrink();
  app::AlertQueue queue(pipe.writer.get(), notice, {10, 1u << 20});
  const auto began = std::chrono::steady_clock::now();
  for (int i = 0; i < 1000; ++i) queue.push(line(i, 1000));
  CHECK(std::chrono::steady_clock::now() - began < 2s);
  // At most what the pipe, the queue and the write in progress hold is left.
  CHECK(queue.lost() >= 980);
  std::string got;
  std::thread reader([&] { got = read_all(pipe.reader.get()); });
  queue.stop(20s);
  const auto lost = queue.lost();
  pipe.writer.reset();
  reader.join();
  CHECK(got.ends_with(line(999, 1000)));
  // The notices stand where the lost ones would have been, and add up to what was lost.
  std::uint64_t told = 0;
  int kept = 0;
  for (std::size_t at = 0; at < got.size();) {
    const auto end = got.find('\n', at);
    REQUIRE(end != std::string::npos);
    const auto text = got.substr(at, end - at);
    if (text.starts_with("lost ")) {
      told += std::stoull(text.substr(5));
    } else {
      CHECK(std::stoi(text.substr(6)) == kept + static_cast<int>(told));
      ++kept;
    }
    at = end + 1;
  }
  CHECK(told == lost);
  CHECK(told + static_cast<std::uint64_t>(kept) == 1000);
}

TEST_CASE("The bytes of the queue are bounded as well as its alerts") {
  Pipe pipe;
  pipe.shrink();
  app::AlertQueue queue(pipe.writer.get(), notice, {1000, 50'000});
  for (int i = 0; i < 100; ++i) queue.push(line(i, 10'000));
  CHECK(queue.lost() >= 93);
  CHECK(queue.lost() <= 96);
}

TEST_CASE("The end waits for a stalled reader no longer than it was told to") {
  Pipe pipe;
  pipe.shrink();
  app::AlertQueue queue(pipe.writer.get(), notice);
  for (int i = 0; i < 100; ++i) queue.push(line(i, 1000));
  const auto began = std::chrono::steady_clock::now();
  queue.stop(200ms);
  const auto took = std::chrono::steady_clock::now() - began;
  CHECK(took >= 200ms);
  CHECK(took < 3s);
  CHECK(queue.error() == 0);
  CHECK(queue.lost() >= 95);
  CHECK(queue.lost() <= 97);
}

TEST_CASE("A reader that goes away is noticed without an alert") {
  Pipe pipe;
  app::AlertQueue queue(pipe.writer.get(), notice);
  pipe.reader.reset();
  pollfd failed{queue.failed_fd(), POLLIN, 0};
  REQUIRE(::poll(&failed, 1, 5000) == 1);
  CHECK(queue.error() == EPIPE);
  queue.push(line(1));
  queue.stop(0ms);
  CHECK(queue.lost() == 1);
}

TEST_CASE("A full disk ends the writing") {
  const base::Fd full(::open("/dev/full", O_WRONLY | O_CLOEXEC));
  REQUIRE(full);
  app::AlertQueue queue(full.get(), notice);
  queue.push(line(1));
  pollfd failed{queue.failed_fd(), POLLIN, 0};
  REQUIRE(::poll(&failed, 1, 5000) == 1);
  CHECK(queue.error() == ENOSPC);
  queue.stop(5s);
  CHECK(queue.lost() == 1);
}
