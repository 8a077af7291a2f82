// The answer of a DNS resolver (RFC 1035; HTTPS and SVCB: RFC 9460), read from one message that may
// be cut off anywhere.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace kilnwatch::protocol {

inline constexpr std::size_t kMaxDnsRecords = 64;   // of one answer; resolvers give some 20
inline constexpr std::size_t kMaxDnsPointers = 32;  // followed in one name; names have 1 to 3
inline constexpr std::size_t kMaxDnsName = 255;  // bytes of a name in a message (RFC 1035, 2.3.4)
inline constexpr std::size_t kMaxDnsHints = 16;  // addresses of one HTTPS or SVCB record

enum class DnsType : std::uint16_t { kA = 1, kCname = 5, kAaaa = 28, kSvcb = 64, kHttps = 65 };

// Names are in lower case, without the last dot; empty: it is no host's name.
struct DnsRecord {
  std::string owner;
  DnsType type = DnsType::kA;
  std::uint32_t ttl = 0;               // seconds
  std::string target;                  // of CNAME, HTTPS, SVCB; empty of the latter: its owner
  std::vector<std::string> addresses;  // text; of HTTPS and SVCB: where it hints that it is
};

struct DnsAnswer {
  std::string question;
  std::uint16_t question_type = 0;
  std::vector<DnsRecord> records;  // of its answer section, of the types above, in their order
  bool whole = false;              // the section was read to its end
  // Offset and length in the message of what was understood; ascending. What other records hold
  // (TXT, keys) must not be kept.
  std::vector<std::pair<std::size_t, std::size_t>> open;
  // Of that, the labels of names, each run of them with its length bytes, some more than once.
  std::vector<std::pair<std::size_t, std::size_t>> names;
};

// Nothing when the message is no response to one question.
std::optional<DnsAnswer> read_dns_answer(std::string_view message);

// To which addresses the question's own name leads, by aliases or straight, each once, sorted. What
// an answer tells of other names is left out: whoever serves one name may write there what he
// likes. Empty where the question is no host's name.
std::vector<std::string> addresses_of(const DnsAnswer& answer);

}  // namespace kilnwatch::protocol
