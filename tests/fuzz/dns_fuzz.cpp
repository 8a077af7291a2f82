// What a resolver answered, as one message and as the stream of a TCP connection.
#include <algorithm>
#include <string>
#include <vector>

#include "base/host_name.h"
#include "fuzz/fuzz.h"
#include "protocol/dns/message.h"
#include "protocol/dns/stream.h"

namespace {

using namespace kilnwatch;

void read_message(std::string_view text) {
  const auto answer = protocol::read_dns_answer(text);
  if (!answer) return;
  fuzz::promise(answer->question.size() <= base::kMaxHostName, "a name is a name");
  fuzz::promise(answer->records.size() <= protocol::kMaxDnsRecords, "records are bounded");
  for (const auto& record : answer->records)
    fuzz::promise(record.addresses.size() <= protocol::kMaxDnsHints, "addresses are bounded");
  std::string kept(text.size(), '*');
  std::size_t end = 0;
  for (const auto& [at, length] : answer->open) {
    fuzz::promise(at >= end && length > 0 && at + length <= text.size(),
                  "ranges ascend within the text");
    end = at + length;
    kept.replace(at, length, text, at, length);
  }
  for (const auto& [at, length] : answer->names)
    fuzz::promise(at + length <= text.size() && kept.substr(at, length) == text.substr(at, length),
                  "names are open");
  const auto again = protocol::read_dns_answer(kept);
  fuzz::promise(again && again->question == answer->question && again->whole == answer->whole &&
                    again->open == answer->open &&
                    protocol::addresses_of(*again) == protocol::addresses_of(*answer),
                "what is kept reads the same");
}

void read_stream(std::string_view text) {
  protocol::DnsStream whole, pieces;
  const auto all = whole.read(text);
  std::vector<std::string> some;
  fuzz::Pieces sizes(text);
  for (auto left = text; !left.empty();) {
    const auto size = sizes.next(1, left.size());
    for (auto& message : pieces.read(left.substr(0, size))) some.push_back(std::move(message));
    left.remove_prefix(size);
  }
  fuzz::promise(all == some && whole.cut() == pieces.cut(), "pieces make no difference");
  for (const auto& message : all) {
    fuzz::promise(message.size() <= protocol::kMaxDnsMessage, "messages are bounded");
    read_message(message);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  read_message(fuzz::text(data, size));
  read_stream(fuzz::text(data, size));
  return 0;
}
