// What a client sent first on a TLS connection.
#include <string>

#include "base/host_name.h"
#include "fuzz/fuzz.h"
#include "protocol/tls/client_hello.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace kilnwatch;
  const auto text = fuzz::text(data, size);
  const auto hello = protocol::read_client_hello(text);
  if (!hello) return 0;
  fuzz::promise(hello->server_name.size() <= base::kMaxHostName, "a name is a name");
  std::string kept(text.size(), '*');
  std::size_t end = 0;
  for (const auto& [at, length] : hello->open) {
    fuzz::promise(at >= end && at + length <= text.size(), "ranges ascend within the text");
    end = at + length;
    kept.replace(at, length, text, at, length);
  }
  const auto again = protocol::read_client_hello(kept);
  fuzz::promise(again && again->server_name == hello->server_name &&
                    again->encrypted == hello->encrypted && again->whole == hello->whole,
                "what is kept reads the same");
  return 0;
}
