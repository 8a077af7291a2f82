// One direction of HTTP/1: the first byte says which one, a second one how the sink answers heads.
// However the bytes are cut, the callbacks are the same.
#include <string>

#include "fuzz/fuzz.h"
#include "protocol/http1/parser.h"

namespace {

using namespace kilnwatch;

struct Log final : protocol::MessageSink {
  explicit Log(unsigned answers) : answers_(answers) {}
  void line(protocol::Line kind, std::uint64_t pos, std::string_view raw) override {
    text += "L" + std::to_string(static_cast<int>(kind)) + "@" + std::to_string(pos) + ":";
    text += raw;
    told(pos, raw.size());
  }
  protocol::Body head(protocol::Head head) override {
    text += "H" + head.first + " " + head.second;
    for (const auto& [name, value] : head.fields) text += "|" + name + "=" + value;
    const auto answer = answers_ >> (heads_++ % 4 * 2) & 3U;
    return answer == 1   ? protocol::Body::kNone
           : answer == 2 ? protocol::Body::kTunnel
                         : protocol::Body::kFramed;
  }
  void body(std::uint64_t pos, std::string_view bytes) override {
    if (!in_body_) text += "B";
    text += bytes;
    in_body_ = true;
    told(pos, bytes.size());
    in_body_ = true;
  }
  void end() override {
    in_body_ = false;
    text += "E";
  }
  void broken(std::string_view reason) override { text += "!" + std::string(reason); }

  std::string text;

 private:
  void told(std::uint64_t pos, std::size_t size) {
    fuzz::promise(pos >= next_, "places ascend");
    next_ = pos + size;
    in_body_ = false;
  }
  unsigned answers_;
  unsigned heads_ = 0;
  std::uint64_t next_ = 0;
  bool in_body_ = false;
};

std::string read(bool response, unsigned answers, std::string_view bytes, fuzz::Pieces* pieces) {
  Log log(answers);
  protocol::Parser parser(response, log);
  for (std::size_t at = 0; at < bytes.size();) {
    const auto n = pieces == nullptr ? bytes.size() : pieces->next(1, bytes.size() - at);
    parser.feed(at, bytes.substr(at, n));
    at += n;
    fuzz::promise(parser.untold(at) <= at, "what is untold was seen");
  }
  parser.finish();
  return log.text;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::Reader input(fuzz::text(data, size));
  const bool response = (input.byte() & 1U) != 0;
  const auto answers = input.byte();
  const auto bytes = input.rest();
  const auto whole = read(response, answers, bytes, nullptr);
  fuzz::Pieces pieces(bytes);
  fuzz::promise(read(response, answers, bytes, &pieces) == whole, "any cut reads the same");
  return 0;
}
