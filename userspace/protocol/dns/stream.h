// DNS over TCP: one direction's messages, each behind its length in two bytes (RFC 1035, 4.2.2).
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace kilnwatch::protocol {

inline constexpr std::size_t kMaxDnsMessage =
    4096;  // of one message; the rest of it is passed over

class DnsStream {
 public:
  // Messages that end in these bytes, in their order; of a longer one its first kMaxDnsMessage.
  std::vector<std::string> read(std::string_view bytes);
  // Bytes that were not seen, so many: a message that they are part of is told up to them. Where
  // they hide a length, nothing more is understood.
  std::vector<std::string> pass(std::uint64_t count);

  bool lost() const { return lost_; }
  bool idle() const { return length_bytes_ == 0 && !lost_; }  // between two messages
  std::uint64_t cut() const { return cut_; }                  // messages that were told in part

 private:
  void end(std::vector<std::string>& out);
  std::string message_;
  std::size_t length_bytes_ = 0;  // of the length, that were read
  std::size_t left_ = 0;  // so far of the length, then bytes of the message that are to come
  bool part_ = false;     // some of the message is left out
  bool lost_ = false;
  std::uint64_t cut_ = 0;
};

}  // namespace kilnwatch::protocol
