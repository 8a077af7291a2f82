#include "engine/docker/build_trace.h"

#include "base/base64.h"

namespace kilnwatch::engine::docker {
namespace {

constexpr std::string_view kLead = R"({"id":"moby.buildkit.trace","aux":")";
constexpr std::string_view kTail = "\"}";

}  // namespace

bool BuildTrace::is_trace(std::string_view line) { return line.starts_with(kLead); }

BuildTrace::Read BuildTrace::read(const Line& line, domain::TimeNs time, domain::CallId call,
                                  std::vector<domain::ApiFact>& facts) {
  spoke_ = true;
  const auto text = line.bytes.substr(kLead.size());
  const auto end = text.find('"');
  const auto tail = end == text.npos ? std::string_view() : text.substr(end);
  bool whole = false;
  const std::string message = base::from_base64(text.substr(0, end), &whole);
  whole = whole && line.whole && tail.starts_with(kTail);
  std::string masked = buildkit::masked_status(message, secrets_);
  Read read;
  read.whole = status_.read(masked, whole, time, call, facts);
  if (whole && masked.size() == message.size()) {
    read.safe = std::string(kLead) + base::to_base64(masked) + std::string(kTail) +
                std::string(tail.substr(kTail.size()).find_first_not_of("\r\n") == tail.npos
                                ? tail.substr(kTail.size())
                                : std::string_view());
  } else {
    // Whole groups of three bytes; the last one may end in bytes that are not to be told.
    const auto size = std::min((masked.size() + 2) / 3 * 3, message.size() / 3 * 3);
    masked.resize(size, '\0');
    read.safe = std::string(kLead) + base::to_base64(masked);
  }
  return read;
}

}  // namespace kilnwatch::engine::docker
