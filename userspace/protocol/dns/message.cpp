#include "protocol/dns/message.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <set>
#include <utility>

#include "base/host_name.h"

namespace kilnwatch::protocol {
namespace {

constexpr std::size_t kHead = 12;
constexpr std::uint8_t kResponse = 0x80;  // QR
constexpr std::uint8_t kOpcode = 0x78;    // 0: a standard query
constexpr std::size_t kMaxLabel = 63;
constexpr std::uint8_t kPointer = 0xc0;
constexpr std::uint16_t kInternet = 1;
constexpr std::uint16_t kIpv4Hint = 4;  // RFC 9460, 14.3.2
constexpr std::uint16_t kIpv6Hint = 6;

std::string text_of(std::string_view address) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  const bool v4 = address.size() == 4;
  constexpr std::string_view kMapped("\0\0\0\0\0\0\0\0\0\0\xff\xff", 12);
  const bool mapped = !v4 && address.starts_with(kMapped);
  if (mapped) address.remove_prefix(kMapped.size());
  ::inet_ntop(v4 || mapped ? AF_INET : AF_INET6, address.data(), text.data(), text.size());
  return text.data();
}

// Reads forward up to an end; whatever lies beyond it makes it `cut`, and reads as nothing. What is
// read is understood, unless it is skipped.
class Reader {
 public:
  explicit Reader(std::string_view message)
      : bytes_(message), open_(message.size(), false), end_(message.size()) {}

  bool cut() const { return cut_; }
  std::size_t at() const { return at_; }
  bool done() const { return at_ == end_; }

  std::uint32_t number(std::size_t width) {
    std::uint32_t value = 0;
    for (const char c : take(width)) value = value << 8 | static_cast<std::uint8_t>(c);
    return value;
  }
  std::string_view take(std::size_t count) {
    if (!room(count)) return {};
    mark(at_, count);
    at_ += count;
    return bytes_.substr(at_ - count, count);
  }
  void skip(std::size_t count) {
    if (room(count)) at_ += count;
  }
  // The name that stands here. A pointer leads to what was before only, so that each name has an
  // end (RFC 1035, 4.1.4). Empty: no host's.
  std::string name() {
    std::string text;
    bool host = true;
    std::size_t run = at_;  // of labels that stand one behind another
    std::size_t from = at_;
    std::size_t pointers = 0;
    const auto over = [&](bool good) {
      if (from > run) names_.emplace_back(run, from - run);
      if (!good) lack();
      return good;
    };
    for (;;) {
      if (from >= end_) return over(false), "";
      const std::size_t length = byte(from);
      const std::size_t size = length >= kPointer ? 2 : 1 + length;
      const bool fits = (length <= kMaxLabel || length >= kPointer) && from + size <= end_;
      mark(from, fits ? size : 1);
      if (!fits) return over(false), "";
      if (length >= kPointer) {
        over(true);
        const std::size_t to = (length & ~std::size_t{kPointer}) << 8 | byte(from + 1);
        if (pointers == 0) at_ = from + size;
        if (to >= run || ++pointers > kMaxDnsPointers) return lack(), "";
        from = run = to;
        continue;
      }
      if (length == 0) break;
      const auto label = bytes_.substr(from + 1, length);
      from += size;
      if (!text.empty()) text += '.';
      text += label;
      if (text.size() + 2 > kMaxDnsName) return over(false), "";
      // A dot within a label would make another name of it.
      host = host && label.find('.') == label.npos;
    }
    over(true);
    if (pointers == 0) at_ = from + 1;
    return host ? base::host_name(text) : std::string{};
  }

  // What follows belongs to a part of this length. False: the part is not all there.
  bool enter(std::size_t length) {
    if (!room(length)) return false;
    end_ = at_ + length;
    return true;
  }
  // Behind the part, however far it was read; what was wrong in it stays in it.
  void leave() {
    at_ = end_;
    end_ = bytes_.size();
    cut_ = false;
  }

  void tell(DnsAnswer& answer) const {
    for (std::size_t i = 0; i < open_.size(); ++i) {
      if (!open_[i]) continue;
      if (i > 0 && open_[i - 1]) {
        ++answer.open.back().second;
      } else {
        answer.open.emplace_back(i, 1);
      }
    }
    answer.names = names_;
  }

 private:
  std::uint8_t byte(std::size_t at) const { return static_cast<std::uint8_t>(bytes_[at]); }
  void mark(std::size_t at, std::size_t count) {
    std::fill_n(open_.begin() + static_cast<std::ptrdiff_t>(at), count, true);
  }
  void lack() {
    cut_ = true;
    at_ = end_;
  }
  bool room(std::size_t count) {
    if (!cut_ && end_ - at_ >= count) return true;
    lack();
    return false;
  }

  std::string_view bytes_;
  std::vector<bool> open_;
  std::vector<std::pair<std::size_t, std::size_t>> names_;
  std::size_t at_ = 0;
  std::size_t end_ = 0;
  bool cut_ = false;
};

void read_address(Reader& reader, std::size_t width, DnsRecord& record) {
  const auto address = reader.take(width);
  if (!reader.cut()) record.addresses.push_back(text_of(address));
}

// Priority, target, parameters: a key, a length and a value each (RFC 9460, 2.2).
void read_service(Reader& reader, DnsRecord& record) {
  reader.number(2);
  record.target = reader.name();
  while (!reader.done()) {
    const auto key = reader.number(2);
    std::size_t left = reader.number(2);
    const std::size_t width = key == kIpv4Hint ? 4 : key == kIpv6Hint ? 16 : 0;
    for (; width != 0 && left >= width && record.addresses.size() < kMaxDnsHints; left -= width) {
      read_address(reader, width, record);
      if (reader.cut()) return;
    }
    reader.skip(left);
  }
}

// False: nothing of the record is known.
bool read_record(Reader& reader, DnsRecord& record) {
  record.owner = reader.name();
  const auto type = static_cast<std::uint16_t>(reader.number(2));
  const auto net = reader.number(2);
  record.ttl = reader.number(4);
  const std::size_t length = reader.number(2);
  if (!reader.enter(length)) return false;
  record.type = static_cast<DnsType>(type);
  bool known = net == kInternet;
  if (known && record.type == DnsType::kA) {
    read_address(reader, 4, record);
  } else if (known && record.type == DnsType::kAaaa) {
    read_address(reader, 16, record);
  } else if (known && record.type == DnsType::kCname) {
    record.target = reader.name();
  } else if (known && (record.type == DnsType::kHttps || record.type == DnsType::kSvcb)) {
    read_service(reader, record);
  } else {
    known = false;
  }
  known = known && !reader.cut() && reader.done();
  reader.leave();
  return known;
}

}  // namespace

std::optional<DnsAnswer> read_dns_answer(std::string_view message) {
  if (message.size() < kHead) return std::nullopt;
  Reader reader(message);
  reader.number(2);
  const auto flags = reader.number(2) >> 8;
  const auto questions = reader.number(2);
  const auto answers = reader.number(2);
  reader.number(4);
  if ((flags & kResponse) == 0 || (flags & kOpcode) != 0 || questions != 1) return std::nullopt;
  DnsAnswer answer;
  answer.question = reader.name();
  answer.question_type = static_cast<std::uint16_t>(reader.number(2));
  const auto net = reader.number(2);
  if (reader.cut() || net != kInternet) answer.question.clear();
  std::uint32_t read = 0;
  for (; read < answers && read < kMaxDnsRecords && !reader.cut(); ++read) {
    DnsRecord record;
    if (read_record(reader, record)) answer.records.push_back(std::move(record));
  }
  answer.whole = !reader.cut() && read == answers;
  reader.tell(answer);
  return answer;
}

std::vector<std::string> addresses_of(const DnsAnswer& answer) {
  if (answer.question.empty()) return {};
  // Aliases may stand in any order: each round finds one more name, or is the last.
  std::set<std::string> own = {answer.question};
  for (std::size_t before = 0; before != own.size();) {
    before = own.size();
    for (const DnsRecord& record : answer.records) {
      if (!record.target.empty() && own.contains(record.owner)) own.insert(record.target);
    }
  }
  std::set<std::string> addresses;
  for (const DnsRecord& record : answer.records) {
    if (own.contains(record.owner))
      addresses.insert(record.addresses.begin(), record.addresses.end());
  }
  return {addresses.begin(), addresses.end()};
}

}  // namespace kilnwatch::protocol
