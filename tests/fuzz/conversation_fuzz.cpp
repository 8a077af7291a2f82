// A conversation as a sequence of operations. The first byte: met midway or not (1), podman's (2),
// containerd's (4), else dockerd's. Then each operation: one byte (0 asks, 1 answers, 2/3 the same
// left in the kernel, 4/5 lost, 6 close, 7 asks at a head), a length of two bytes (least
// significant first) and, for data, that many bytes.
#include <algorithm>
#include <memory>
#include <vector>

#include "fuzz/fuzz.h"
#include "harness/facts.h"

namespace {

using namespace kilnwatch;
using domain::Direction;

constexpr char kCanary[] = "kilncanary";
// What a socket call begins with tells where a lost conversation goes on: the first piece holds it.
constexpr std::size_t kFirstPiece = 24;

struct Operation {
  unsigned kind = 0;
  std::size_t count = 0;
  std::string_view bytes;
};

std::vector<Operation> operations(fuzz::Reader& input) {
  std::vector<Operation> out;
  while (!input.empty()) {
    Operation op;
    op.kind = input.byte() & 7U;
    op.count = input.byte();
    op.count |= std::size_t{input.byte()} << 8;
    if (op.kind < 2 || op.kind == 7) {
      op.bytes = input.take(op.count);
      op.count = op.bytes.size();
    }
    if (op.count > 0 || op.kind == 6) out.push_back(op);
  }
  return out;
}

class Run {
 public:
  Run(const std::vector<Operation>& operations, unsigned flags, fuzz::Pieces* pieces)
      : pieces_(pieces), frames_only_((flags & 12U) != 0) {
    domain::ConnOpened opened;
    opened.midway = (flags & 1U) != 0;
    opened.engine = (flags & 2U) != 0 ? domain::EngineKind::kPodman : domain::EngineKind::kDocker;
    if (frames_only_)
      opened.engine =
          (flags & 4U) != 0 ? domain::EngineKind::kContainerd : domain::EngineKind::kBuildkitd;
    conversation_ = engine::make_conversation(opened);
    static const std::string kAsk = std::string("GET /_ping?token=") + kCanary +
                                    " HTTP/1.1\r\nAuthorization: " + kCanary + "\r\nA: b\r\n " +
                                    kCanary + "\r\n\r\n";
    static const std::string kAnswer = std::string("HTTP/1.1 200 OK\r\nSet-Cookie: ") + kCanary +
                                       "\r\nContent-Length: 10\r\n\r\n" + kCanary;
    if (!frames_only_) {
      data({7, kAsk.size(), kAsk});
      data({1, kAnswer.size(), kAnswer});
    }
    for (const auto& op : operations) {
      if (op.kind == 6) break;
      if (op.kind < 2 || op.kind == 7)
        data(op);
      else
        hole(op);
    }
    conversation_->close(2, output_);
    check();
  }
  const engine::Output& output() const { return output_; }

 private:
  static Direction side(unsigned kind) {
    return kind == 7 || kind % 2 == 0 ? Direction::kRequest : Direction::kResponse;
  }
  std::string& seen(Direction direction) { return seen_[static_cast<std::size_t>(direction)]; }

  void data(const Operation& op) {
    const auto direction = side(op.kind);
    for (std::size_t at = 0; at < op.bytes.size();) {
      const auto left = op.bytes.size() - at;
      const auto n = pieces_ == nullptr ? left : pieces_->next(at == 0 ? kFirstPiece : 1, left);
      const auto piece = op.bytes.substr(at, n);
      conversation_->data(
          {direction, 1, seen(direction).size(), piece, at == 0 && op.kind == 7, at == 0}, output_);
      seen(direction) += piece;
      at += n;
      settle(direction);
    }
  }
  void hole(const Operation& op) {
    const auto direction = side(op.kind);
    if (op.kind < 4)
      conversation_->skip(direction, 1, op.count, output_);
    else
      conversation_->gap(direction, 1, op.count, output_);
    seen(direction).append(op.count, kHole);
    settle(direction);
  }
  void settle(Direction direction) {
    const auto now = conversation_->settled(direction);
    auto& before = settled_[static_cast<std::size_t>(direction)];
    fuzz::promise(now >= before && now <= seen(direction).size(),
                  "settled grows up to what was seen");
    before = now;
  }
  void check() {
    fuzz::promise(test::apart(output_.safe), "no byte is vouched for twice");
    for (const auto& range : output_.safe) {
      const auto& bytes = seen(range.direction);
      fuzz::promise(range.pos + range.bytes.size() <= bytes.size(), "vouched bytes were seen");
      for (std::size_t i = 0; i < range.bytes.size(); ++i) {
        const char byte = range.bytes[i];
        // Of a message what is not looked at is zero, as long as it was (engine/wire.h).
        const bool blank = frames_only_ && (byte == '\0' || byte == '\x80');
        fuzz::promise(byte == bytes[range.pos + i] || byte == '*' || blank,
                      "vouched bytes are as seen, or masked");
      }
    }
    fuzz::promise(test::everything(output_).find(kCanary) == std::string::npos, "no canary leaves");
  }

  static constexpr char kHole = '\1';
  fuzz::Pieces* pieces_;
  bool frames_only_;  // an engine of HTTP/2 only
  std::unique_ptr<engine::Conversation> conversation_;
  engine::Output output_;
  std::string seen_[2];
  std::uint64_t settled_[2] = {0, 0};
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto all = fuzz::text(data, size);
  if (all.find(kCanary) != all.npos) return 0;
  fuzz::Reader input(all);
  const unsigned flags = input.byte();
  const auto list = operations(input);
  const Run whole(list, flags, nullptr);
  fuzz::Pieces pieces(all);
  const Run cut(list, flags, &pieces);
  const auto one = test::fact_texts(whole.output());
  const auto other = test::fact_texts(cut.output());
  if (one != other) {
    for (const auto& fact : one) std::fprintf(stderr, "whole: %s\n", fact.c_str());
    for (const auto& fact : other) std::fprintf(stderr, "cut:   %s\n", fact.c_str());
  }
  fuzz::promise(one == other, "any cut tells the same");
  return 0;
}
