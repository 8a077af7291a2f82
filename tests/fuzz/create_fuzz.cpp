// The JSON body of a create request, also as its answer.
#include "engine/docker/container.h"
#include "fuzz/fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace kilnwatch;
  const auto json = fuzz::text(data, size);
  engine::docker::parse_create(json);
  engine::docker::created_id(json);
  const auto masked = engine::docker::masked_create(json);
  fuzz::promise(masked.size() == json.size(), "masks keep the length");
  for (std::size_t i = 0; i < masked.size(); ++i)
    fuzz::promise(masked[i] == json[i] || masked[i] == '*', "masks only put stars");
  return 0;
}
