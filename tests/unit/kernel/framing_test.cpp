// The framing that runs in the kernel, on the host: what crosses the ring of a conversation, in any
// cut into socket calls.
#include <algorithm>
#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <catch2/generators/catch_generators_range.hpp>
#include <cstring>
#include <functional>
#include <random>
#include <string>
#include <vector>

#include "capture/live/head_automaton.h"
#include "framing_host.h"
#include "wire/events.h"

namespace {

struct Piece {
  std::uint64_t pos = 0;
  std::uint64_t span = 0;
  std::string bytes;
  std::uint32_t flags = 0;
};

class Kernel {
 public:
  explicit Kernel(bool midway = false, std::uint32_t engine = KW_ENGINE_DOCKER) {
    static const auto automaton = kilnwatch::capture::make_head_automaton();
    kw_host_load(automaton.data());
    kw_host_open(engine, midway ? 1 : 0, &Kernel::take, this);
  }
  Kernel(const Kernel&) = delete;
  Kernel& operator=(const Kernel&) = delete;

  using Cut = std::function<std::size_t(std::size_t)>;
  void read(const std::string& bytes, const Cut& cut) { move(KW_REQUEST, bytes, cut); }
  void write(const std::string& bytes, const Cut& cut) { move(KW_RESPONSE, bytes, cut); }
  void unseen(kw_direction direction, const std::string& bytes) {
    sent[direction] += bytes;
    kw_host_unseen(direction, bytes.size());
  }
  bool crossed(kw_direction direction, std::uint64_t pos) const {
    return pos < crossed_[direction].size() && crossed_[direction][pos];
  }
  std::size_t crossed(kw_direction direction) const {
    return static_cast<std::size_t>(
        std::count(crossed_[direction].begin(), crossed_[direction].end(), true));
  }
  // Every jump is marked as one on purpose.
  bool without_loss(kw_direction direction) const {
    std::uint64_t next = 0;
    for (const auto& piece : pieces[direction]) {
      if ((piece.flags & KW_F_LOST_BEFORE) != 0) return false;
      if (piece.pos != next && (piece.flags & KW_F_SKIPPED_BEFORE) == 0) return false;
      next = piece.pos + piece.span;
    }
    return true;
  }

  std::string sent[2];
  std::vector<Piece> pieces[2];

 private:
  void move(kw_direction direction, const std::string& bytes, const Cut& cut) {
    for (std::size_t done = 0; done < bytes.size();) {
      const auto n = cut(bytes.size() - done);
      // A buffer of the exact size: a look past the call is one past its end.
      const std::vector<char> call(bytes.begin() + static_cast<std::ptrdiff_t>(done),
                                   bytes.begin() + static_cast<std::ptrdiff_t>(done + n));
      sent[direction].append(call.data(), n);
      if (direction == KW_REQUEST)
        kw_host_read(call.data(), n);
      else
        kw_host_write(call.data(), n);
      done += n;
    }
  }

  static void take(void* self, const void* record) {
    auto& kernel = *static_cast<Kernel*>(self);
    const auto* data = static_cast<const kw_conn_data*>(record);
    kernel.pieces[data->direction].push_back(
        {data->pos, data->span, std::string(data->payload, data->captured), data->flags});
    const auto& piece = kernel.pieces[data->direction].back();
    if (kernel.sent[data->direction].compare(piece.pos, piece.bytes.size(), piece.bytes) != 0)
      FAIL("other bytes crossed than were moved");
    auto& crossed = kernel.crossed_[data->direction];
    crossed.resize(std::max<std::size_t>(crossed.size(), piece.pos + piece.bytes.size()));
    std::fill_n(crossed.begin() + static_cast<std::ptrdiff_t>(piece.pos), piece.bytes.size(), true);
  }

  std::vector<bool> crossed_[2];
};

Kernel::Cut whole() {
  return [](std::size_t left) { return std::min<std::size_t>(left, 32'768); };
}
Kernel::Cut single() {
  return [](std::size_t) { return std::size_t{1}; };
}
Kernel::Cut random_cut(unsigned seed, unsigned most) {
  return [random = std::mt19937(seed), most](std::size_t left) mutable {
    return std::min<std::size_t>(left, 1 + random() % most);
  };
}

Kernel::Cut any_cut() {
  const int kind = GENERATE(range(0, 12));
  INFO("cut " << kind);
  if (kind == 0) return whole();
  if (kind == 1) return single();
  return random_cut(static_cast<unsigned>(kind), kind < 7 ? 40 : 20'000);
}

std::string frame(std::uint8_t type, std::uint32_t stream, const std::string& payload) {
  std::string out;
  for (int shift : {16, 8, 0}) out += static_cast<char>(payload.size() >> shift);
  out += static_cast<char>(type);
  out += '\0';
  for (int shift : {24, 16, 8, 0}) out += static_cast<char>(stream >> shift);
  return out + payload;
}

const std::string kPreface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const std::string kUpgrade =
    "POST /grpc HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n";
const std::string kSwitched =
    "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n";
constexpr std::size_t kFrameSize = 16'384;

// A request with a body of `size` bytes on a stream, and what must cross of it.
struct Frames {
  std::string bytes;
  std::vector<std::pair<std::size_t, std::size_t>> must;  // begin, end

  void add(std::uint8_t type, std::uint32_t stream, const std::string& payload, std::size_t cross) {
    must.emplace_back(bytes.size(), bytes.size() + 9 + std::min(cross, payload.size()));
    bytes += frame(type, stream, payload);
  }
  void call(std::uint32_t stream, std::size_t size, std::size_t prefix, std::size_t each) {
    add(1, stream, std::string(60, 'h'), 60);
    for (std::size_t done = 0; done < size; done += kFrameSize) {
      const std::string data(std::min(kFrameSize, size - done), static_cast<char>('a' + stream));
      add(0, stream, data, std::max(prefix > done ? prefix - done : 0, each));
    }
  }
};

void check_crossed(const Kernel& kernel, kw_direction direction, std::size_t begin,
                   const Frames& frames) {
  for (const auto& [from, to] : frames.must) {
    for (auto pos = from; pos < to; pos += pos + 1 < to && to - pos > 64 ? 61 : 1) {
      if (!kernel.crossed(direction, begin + pos)) {
        FAIL("byte " << pos << " of the frames did not cross");
      }
    }
  }
}

}  // namespace

TEST_CASE("After an upgrade frames are followed: small ones whole, of DATA a prefix") {
  const auto cut = any_cut();
  Kernel kernel;
  kernel.read(kUpgrade, cut);
  // Go writes a response head in pieces (net/http Response.Write).
  kernel.write(kSwitched.substr(0, 34), whole());
  kernel.write(kSwitched.substr(34), cut);
  Frames asked;
  asked.bytes = kPreface;
  asked.must.emplace_back(0, kPreface.size());
  asked.add(4, 0, std::string(18, 's'), 18);
  asked.call(1, 300'000, KW_BODY_PREFIX, 0);
  asked.add(8, 0, std::string(4, 'w'), 4);
  asked.call(3, 40, 40, 0);
  Frames told;
  told.add(4, 0, "", 0);
  told.call(1, KW_RESPONSE_FULL + 100'000, KW_RESPONSE_FULL, 512);
  told.call(3, 40, 40, 0);
  kernel.read(asked.bytes, cut);
  kernel.write(told.bytes, cut);

  check_crossed(kernel, KW_REQUEST, kUpgrade.size(), asked);
  check_crossed(kernel, KW_RESPONSE, kSwitched.size(), told);
  CHECK(kernel.without_loss(KW_REQUEST));
  CHECK(kernel.without_loss(KW_RESPONSE));
  CHECK(kernel.crossed(KW_REQUEST) < KW_BODY_PREFIX + 1500);
  CHECK(kw_host_drops(KW_DROP_FRAMING) == 0);
}

TEST_CASE("HTTP/2 without an upgrade is known by its preface") {
  const auto cut = any_cut();
  Kernel kernel;
  Frames asked;
  asked.bytes = kPreface;
  asked.add(4, 0, std::string(18, 's'), 18);
  asked.call(1, 200'000, KW_BODY_PREFIX, 0);
  asked.call(3, 10, 10, 0);
  kernel.read(asked.bytes, cut);
  check_crossed(kernel, KW_REQUEST, 0, asked);
  CHECK(kernel.without_loss(KW_REQUEST));
  Frames told;
  told.add(4, 0, "", 0);
  told.call(1, 2000, 2000, 512);
  kernel.write(told.bytes, cut);
  check_crossed(kernel, KW_RESPONSE, 0, told);
  CHECK(kernel.without_loss(KW_RESPONSE));
}

TEST_CASE("A request that only begins like the preface hides none behind it") {
  Kernel kernel;
  const std::string odd = "PRI /x HTTP/1.1\r\nHost: x\r\n\r\n";
  const std::string build = "POST /build HTTP/1.1\r\nHost: x\r\n\r\n";
  SECTION("in one call") { kernel.read(odd + build, whole()); }
  SECTION("in calls of their own") {
    kernel.read(odd, GENERATE(0, 1) == 0 ? whole() : single());
    kernel.read(build, whole());
  }
  for (std::size_t i = 0; i < build.size(); ++i) CHECK(kernel.crossed(KW_REQUEST, odd.size() + i));
}

TEST_CASE("After an upgrade to anything else nothing crosses") {
  const bool midway = GENERATE(false, true);
  Kernel kernel(midway);
  kernel.read("POST /containers/x/attach HTTP/1.1\r\nHost: x\r\nUpgrade: tcp\r\n\r\n", any_cut());
  kernel.write("HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: tcp\r\nX: h2c\r\n\r\n",
               whole());
  const auto before = kernel.crossed(KW_REQUEST);
  kernel.read(kPreface + frame(4, 0, ""), whole());
  kernel.write(std::string(100'000, 'x'), whole());
  CHECK(kernel.crossed(KW_REQUEST) == before);
  CHECK(kernel.crossed(KW_RESPONSE) < 2000);
}

TEST_CASE("A conversation met midway is taken up where a call begins with a frame") {
  Kernel kernel(true);
  kernel.read(std::string(5000, 'x'), whole());
  CHECK(kernel.crossed(KW_REQUEST) == 0);
  Frames asked;
  asked.call(7, 100'000, KW_BODY_PREFIX, 0);
  asked.add(6, 0, std::string(8, 'p'), 8);
  kernel.read(asked.bytes, whole());
  REQUIRE_FALSE(kernel.pieces[KW_REQUEST].empty());
  CHECK((kernel.pieces[KW_REQUEST].front().flags & KW_F_AT_HEAD) != 0);
  CHECK((kernel.pieces[KW_REQUEST].front().flags & KW_F_LOST_BEFORE) != 0);
  check_crossed(kernel, KW_REQUEST, 5000, asked);

  kernel.write(std::string(3000, 'y'), whole());
  CHECK(kernel.crossed(KW_RESPONSE) == 0);
  Frames told;
  told.call(7, 50'000, 50'000, 0);
  kernel.write(told.bytes, whole());
  check_crossed(kernel, KW_RESPONSE, 3000, told);

  SECTION("and is HTTP/1 again where a call begins with a method") {
    kernel.read(std::string(9, '\xff'), whole());
    const std::string build = "POST /build HTTP/1.1\r\nHost: x\r\n\r\n";
    const auto at = kernel.sent[KW_REQUEST].size();
    kernel.read(build, whole());
    CHECK(kernel.crossed(KW_REQUEST, at + build.size() - 1));
    kernel.write("HTTP/1.1 200 OK\r\n\r\n", whole());
    CHECK(kernel.crossed(KW_RESPONSE, kernel.sent[KW_RESPONSE].size() - 1));
  }
}

TEST_CASE("Bytes that were moved unseen within a payload lose no frame after it") {
  Kernel kernel;
  kernel.read(kPreface + frame(4, 0, ""), whole());
  const auto data = frame(0, 1, std::string(10'000, 'd'));
  kernel.read(data.substr(0, 100), whole());
  kernel.unseen(KW_REQUEST, data.substr(100, 5000));
  kernel.read(data.substr(5100), whole());
  Frames next;
  next.call(3, 100, 100, 0);
  const auto at = kernel.sent[KW_REQUEST].size();
  kernel.read(next.bytes, any_cut());
  check_crossed(kernel, KW_REQUEST, at, next);
  CHECK_FALSE(kernel.without_loss(KW_REQUEST));
}

TEST_CASE("After a full ring the next frame is marked: its reader knows no place any more") {
  Kernel kernel;
  kernel.read(kPreface, whole());
  const auto lost = frame(1, 1, std::string(60, 'h'));
  SECTION("whole frames") {
    kw_host_fill_ring(1);
    kernel.read(lost, whole());
  }
  SECTION("the header of one") {
    kw_host_fill_ring(1);
    kernel.read(lost.substr(0, 9), whole());
    kernel.read(lost.substr(9), whole());
  }
  const auto at = kernel.sent[KW_REQUEST].size();
  kernel.read(frame(1, 3, std::string(60, 'h')), whole());
  const auto& last = kernel.pieces[KW_REQUEST].back();
  CHECK(last.pos == at);
  CHECK((last.flags & KW_F_AT_HEAD) != 0);
  CHECK(kw_host_drops(KW_DROP_RING) == 1);
  kernel.read(frame(1, 5, std::string(60, 'h')), whole());
  CHECK((kernel.pieces[KW_REQUEST].back().flags & KW_F_AT_HEAD) == 0);
}

TEST_CASE("Frames of a type that nobody knows, and the reserved bit, are passed over") {
  const auto cut = any_cut();
  Kernel kernel;
  Frames asked;
  asked.bytes = kPreface;
  // Its payload begins like a frame that would swallow what follows.
  asked.add(0x20, 0, frame(0, 1, "").replace(0, 3, std::string("\x0f\xff\xff", 3)), 100);
  asked.add(1, 0x80000001, std::string(60, 'h'), 60);
  asked.call(3, 100, 100, 0);
  kernel.read(asked.bytes, cut);
  check_crossed(kernel, KW_REQUEST, 0, asked);
  CHECK(kernel.without_loss(KW_REQUEST));
  CHECK(kw_host_drops(KW_DROP_FRAMING) == 0);
}

TEST_CASE("Requests over HTTP/1 are framed in any cut") {
  const auto cut = any_cut();
  Kernel kernel;
  std::vector<std::pair<std::size_t, std::size_t>> heads;
  std::string bytes;
  const auto head = [&](const std::string& text) {
    heads.emplace_back(bytes.size(), bytes.size() + text.size());
    bytes += text;
  };
  head("POST /build HTTP/1.1\r\nContent-Length: 200000\r\n\r\n");
  bytes += std::string(200'000, 'b');
  head("POST /build?t=x HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n");
  for (int i = 0; i < 20; ++i) bytes += "1388;a=b\r\n" + std::string(5000, 'c') + "\r\n";
  bytes += "0\r\nTrailer: x\r\n\r\n";
  head("GET /info HTTP/1.1\r\nHost: x\r\n\r\n");
  kernel.read(bytes, cut);
  for (const auto& [from, to] : heads) {
    for (auto pos = from; pos < to; ++pos) REQUIRE(kernel.crossed(KW_REQUEST, pos));
  }
  CHECK(kernel.without_loss(KW_REQUEST));
  CHECK(kernel.crossed(KW_REQUEST) < 2 * KW_BODY_PREFIX + 10'000);
}

TEST_CASE("containerd is read from its preface on, and its answers by a prefix of each stream") {
  const auto cut = any_cut();
  Kernel kernel(false, KW_ENGINE_CONTAINERD);
  Frames told;
  told.add(4, 0, std::string(6, 's'), 6);  // gRPC's server says the first word
  kernel.write(told.bytes, cut);
  Frames asked;
  asked.bytes = kPreface;
  asked.must.emplace_back(0, kPreface.size());
  asked.add(4, 0, std::string(18, 's'), 18);
  asked.call(1, 300'000, KW_BODY_PREFIX, 0);
  asked.call(3, 40, 40, 0);
  kernel.read(asked.bytes, cut);
  const auto before = told.bytes.size();
  Frames answers;
  answers.call(1, 300'000, KW_BODY_PREFIX, 0);
  answers.call(3, 40, 40, 0);
  kernel.write(answers.bytes, cut);

  check_crossed(kernel, KW_REQUEST, 0, asked);
  check_crossed(kernel, KW_RESPONSE, 0, told);
  check_crossed(kernel, KW_RESPONSE, before, answers);
  CHECK(kernel.without_loss(KW_REQUEST));
  CHECK(kernel.without_loss(KW_RESPONSE));
  CHECK(kernel.crossed(KW_REQUEST) < KW_BODY_PREFIX + 1500);
  CHECK(kernel.crossed(KW_RESPONSE) < KW_BODY_PREFIX + 1500);
  CHECK(kw_host_drops(KW_DROP_FRAMING) == 0);
}

TEST_CASE("buildkitd is read from its preface on, and its answers as those of dockerd") {
  const auto cut = any_cut();
  Kernel kernel(false, KW_ENGINE_BUILDKITD);
  Frames first;
  first.add(4, 0, std::string(6, 's'), 6);
  kernel.write(first.bytes, cut);
  Frames asked;
  asked.bytes = kPreface;
  asked.must.emplace_back(0, kPreface.size());
  asked.add(4, 0, std::string(18, 's'), 18);
  asked.call(1, 300'000, KW_BODY_PREFIX, 0);  // a session with a context in it
  asked.call(3, 40, 40, 0);
  kernel.read(asked.bytes, cut);
  Frames told;
  told.call(5, KW_RESPONSE_FULL + 100'000, KW_RESPONSE_FULL, 512);
  told.call(3, 40, 40, 0);
  kernel.write(told.bytes, cut);

  check_crossed(kernel, KW_REQUEST, 0, asked);
  check_crossed(kernel, KW_RESPONSE, 0, first);
  check_crossed(kernel, KW_RESPONSE, first.bytes.size(), told);
  CHECK(kernel.without_loss(KW_REQUEST));
  CHECK(kernel.without_loss(KW_RESPONSE));
  CHECK(kernel.crossed(KW_REQUEST) < KW_BODY_PREFIX + 1500);
  CHECK(kw_host_drops(KW_DROP_FRAMING) == 0);
}

TEST_CASE("Engines are known by their whole name") {
  CHECK(kw_host_engine_of("dockerd") == KW_ENGINE_DOCKER);
  CHECK(kw_host_engine_of("containerd") == KW_ENGINE_CONTAINERD);
  CHECK(kw_host_engine_of("buildkitd") == KW_ENGINE_BUILDKITD);
  for (const char* other : {"buildkit", "buildkitd2", "buildkit-runc", "containerd-shim", "docker",
                            "dockerd-x", "podman", ""})
    CHECK(kw_host_engine_of(other) == KW_ENGINE_NONE);
}

TEST_CASE("What an engine of HTTP/2 serves besides its API is left alone, and is no loss") {
  const auto engine = GENERATE(KW_ENGINE_CONTAINERD, KW_ENGINE_BUILDKITD);
  const std::string first =
      GENERATE(as<std::string>{}, std::string("\x00\x00\x00\x12\x00\x00\x00\x01\x01\x00", 10),
               "POST /exec/abc HTTP/1.1\r\n\r\n", "\x16\x03\x01\x02");
  Kernel kernel(false, engine);
  kernel.read(first, whole());
  for (int i = 0; i < 20; ++i) {
    kernel.read(frame(4, 0, "") + std::string(5000, 'x'), whole());
    kernel.write("HTTP/1.1 200 OK\r\n\r\n" + std::string(5000, 'y'), whole());
  }
  CHECK(kernel.pieces[KW_REQUEST].empty());
  CHECK(kernel.pieces[KW_RESPONSE].empty());
  CHECK(kw_host_drops(KW_DROP_FRAMING) == 0);
}

TEST_CASE("A conversation of HTTP/2 only that was open before is never one of HTTP/1") {
  Kernel kernel(true, GENERATE(KW_ENGINE_CONTAINERD, KW_ENGINE_BUILDKITD));
  kernel.read("POST /x HTTP/1.1\r\n\r\n", whole());
  CHECK(kernel.pieces[KW_REQUEST].empty());
  Frames asked;
  asked.call(7, 100, 100, 0);
  const auto at = kernel.sent[KW_REQUEST].size();
  kernel.read(asked.bytes, whole());
  check_crossed(kernel, KW_REQUEST, at, asked);
  Frames told;
  told.call(7, 100, 100, 0);
  kernel.write(told.bytes, whole());
  check_crossed(kernel, KW_RESPONSE, 0, told);
}
