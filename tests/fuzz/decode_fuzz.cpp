// One record of the ring.
#include "decode/decode.h"
#include "fuzz/fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace kilnwatch;
  const auto event = decode::decode({reinterpret_cast<const std::byte*>(data), size});
  if (!event) return 0;
  if (const auto* bytes = std::get_if<domain::ConnData>(&*event))
    fuzz::promise(bytes->bytes.size() <= size, "a payload is no longer than its record");
  return 0;
}
