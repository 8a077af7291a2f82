#include "stream/assembler.h"

#include <catch2/catch_test_macros.hpp>
#include <limits>
#include <random>
#include <string>
#include <vector>

namespace kilnwatch {
namespace {

using domain::ConnData;
using domain::Direction;

// What came out, one word per call: q or r for the direction, position and bytes of data ("!" at a
// head, "^" at the start of a call), "-n" skipped, "?n" lost.
class Log final : public stream::StreamSink {
 public:
  void data(const domain::Chunk& chunk) override {
    add(chunk.direction) += std::to_string(chunk.pos) + ":" + std::string(chunk.bytes) +
                            (chunk.at_head ? "!" : "") + (chunk.call_start ? "^" : "");
  }
  void skip(Direction direction, domain::TimeNs, std::uint64_t count) override {
    add(direction) += "-" + std::to_string(count);
  }
  void gap(Direction direction, domain::TimeNs, std::uint64_t count) override {
    add(direction) += "?" + std::to_string(count);
  }
  std::string text;

 private:
  std::string& add(Direction direction) {
    if (!text.empty()) text += ' ';
    return text += direction == Direction::kRequest ? 'q' : 'r';
  }
};

struct Record : ConnData {
  Record(std::uint64_t at, const std::string& text, Direction to = Direction::kRequest) {
    pos = at;
    bytes = text;
    span = static_cast<std::uint32_t>(text.size());
    direction = to;
  }
  Record&& stands_for(std::uint32_t n) && {
    span = n;
    return std::move(*this);
  }
  Record&& skipped() && {
    skipped_before = true;
    return std::move(*this);
  }
  Record&& lost() && {
    lost_before = true;
    return std::move(*this);
  }
  Record&& head() && {
    at_head = true;
    return std::move(*this);
  }
};

std::string run(const std::vector<Record>& records, bool midway = false) {
  stream::Assembler assembler(midway);
  Log log;
  for (const Record& record : records) assembler.add(record, log);
  return log.text;
}

TEST_CASE("records in order, both directions interleaved") {
  CHECK(run({Record(0, "GET ").head(), Record(0, "HTTP", Direction::kResponse), Record(4, "/"),
             Record(4, "/1.1", Direction::kResponse)}) == "q0:GET !^ r0:HTTP^ q4:/^ r4:/1.1^");
}

TEST_CASE("what was handed on is not handed on again") {
  CHECK(run({Record(0, "abcd"), Record(0, "abcd")}) == "q0:abcd^");
  CHECK(run({Record(0, "abcd"), Record(2, "cdef").head()}) == "q0:abcd^ q4:ef");
  CHECK(run({Record(0, "abcdef"), Record(2, "cd")}) == "q0:abcdef^");
  // The overlap reaches into the part that was left in the kernel.
  CHECK(run({Record(0, "abcd"), Record(2, "cd").stands_for(10)}) == "q0:abcd^ q-8");
}

TEST_CASE("a jump is a gap unless it was on purpose") {
  CHECK(run({Record(0, "ab"), Record(5, "cd")}) == "q0:ab^ q?3 q5:cd^");
  CHECK(run({Record(0, "ab"), Record(5, "cd").skipped()}) == "q0:ab^ q-3 q5:cd^");
  CHECK(run({Record(0, "ab"), Record(5, "cd").skipped().lost()}) == "q0:ab^ q?3 q5:cd^");
  CHECK(run({Record(7, "x")}) == "q?7 q7:x^");
  CHECK(run({Record(0, "ab"), Record(9, "x", Direction::kResponse)}) == "q0:ab^ r?9 r9:x^");
}

TEST_CASE("a mark without a jump says nothing") {
  CHECK(run({Record(0, "ab"), Record(2, "cd").skipped()}) == "q0:ab^ q2:cd^");
  CHECK(run({Record(0, "ab"), Record(2, "cd").lost()}) == "q0:ab^ q2:cd^");
}

TEST_CASE("a record stands for more than it carries") {
  CHECK(run({Record(0, "ab").stands_for(10), Record(10, "cd")}) == "q0:ab^ q-8 q10:cd^");
  CHECK(run({Record(0, "").stands_for(4), Record(4, "x")}) == "q-4 q4:x^");
  CHECK(run({Record(0, "")}).empty());
}

TEST_CASE("midway: what came before the first record of each direction is no gap") {
  CHECK(run({Record(700, "ab"), Record(900, "x", Direction::kResponse), Record(703, "d")}, true) ==
        "q700:ab^ r900:x^ q?1 q703:d^");
}

TEST_CASE("the highest positions") {
  constexpr auto kEnd = std::numeric_limits<std::uint64_t>::max();
  const std::string gap = std::to_string(kEnd - 4);
  CHECK(run({Record(kEnd - 4, "abcd"), Record(kEnd - 4, "abcd"), Record(kEnd - 2, "cd")}) ==
        "q?" + gap + " q" + gap + ":abcd^");
  CHECK(run({Record(kEnd - 4, "ab").stands_for(4), Record(kEnd, "")}, true) ==
        "q" + gap + ":ab^ q-2");
}

// Bytes as they come out: '.' for each one skipped, '?' for each one lost.
class Joined final : public stream::StreamSink {
 public:
  void data(const domain::Chunk& chunk) override {
    auto& side = text[static_cast<std::size_t>(chunk.direction)];
    CHECK(chunk.pos == side.size());
    side += chunk.bytes;
  }
  void skip(Direction direction, domain::TimeNs, std::uint64_t count) override {
    text[static_cast<std::size_t>(direction)].append(count, '.');
  }
  void gap(Direction direction, domain::TimeNs, std::uint64_t count) override {
    text[static_cast<std::size_t>(direction)].append(count, '?');
  }
  std::string text[2];
};

TEST_CASE("any split of two streams comes out as the same bytes") {
  const std::string sent[2] = {"POST /build HTTP/1.1\r\nHost: kiln\r\n\r\nabcdefgh",
                               "HTTP/1.1 200 OK\r\n\r\n{\"stream\":\"Step 1/3\"}"};
  for (unsigned seed = 0; seed < 200; ++seed) {
    std::mt19937 random(seed);
    const std::size_t most = seed == 0 ? 1 : 1 + seed % 17;
    stream::Assembler assembler(false);
    Joined joined;
    std::size_t at[2] = {0, 0};
    while (at[0] < sent[0].size() || at[1] < sent[1].size()) {
      const std::size_t side = at[0] == sent[0].size()   ? 1
                               : at[1] == sent[1].size() ? 0
                                                         : random() & 1;
      // Some records begin in what was seen, as after a repeated read.
      const std::size_t back = seed % 3 == 2 ? std::min<std::size_t>(at[side], random() % 4) : 0;
      const std::size_t from = at[side] - back;
      const std::string piece = sent[side].substr(from, back + 1 + random() % most);
      assembler.add(Record(from, piece, static_cast<Direction>(side)), joined);
      at[side] = from + piece.size();
    }
    CHECK(joined.text[0] == sent[0]);
    CHECK(joined.text[1] == sent[1]);
  }
}

TEST_CASE("every byte of a stream is handed on, skipped or lost, whatever is missing") {
  const std::string sent = "0123456789abcdefghijklmnopqrstuvwxyz";
  for (unsigned seed = 0; seed < 300; ++seed) {
    std::mt19937 random(seed);
    stream::Assembler assembler(false);
    Joined joined;
    std::string expected;
    for (std::size_t at = 0; at < sent.size();) {
      Record record(at, sent.substr(at, 1 + random() % 5));
      at += record.bytes.size();
      if (random() % 4 == 0) record.bytes.resize(random() % (record.bytes.size() + 1));
      if (random() % 4 == 0) continue;
      expected.append(record.pos - expected.size(), '?');
      expected += record.bytes + std::string(record.span - record.bytes.size(), '.');
      assembler.add(record, joined);
    }
    CHECK(joined.text[0] == expected);
  }
}

}  // namespace
}  // namespace kilnwatch
