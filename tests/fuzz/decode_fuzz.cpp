// One record of the ring.
#include "decode/decode.h"

#include <cstring>
#include <vector>

#include "fuzz/fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace kilnwatch;
  const auto* first = reinterpret_cast<const std::byte*>(data);
  std::vector<std::byte> record(first, first + size);
  // Of this version, whichever the wire has by now: any other is refused at once.
  const auto version = static_cast<std::uint16_t>(decode::wire_version());
  if (size >= sizeof(version)) std::memcpy(record.data(), &version, sizeof(version));
  const auto event = decode::decode(record);
  if (!event) return 0;
  if (const auto* bytes = std::get_if<domain::ConnData>(&*event))
    fuzz::promise(bytes->bytes.size() <= size, "a payload is no longer than its record");
  if (const auto* bytes = std::get_if<domain::DnsAnswered>(&*event))
    fuzz::promise(bytes->bytes.size() <= size, "an answer is no longer than its record");
  if (const auto* bytes = std::get_if<domain::DnsBytes>(&*event))
    fuzz::promise(bytes->bytes.size() <= size, "what was read is no longer than its record");
  return 0;
}
