// The front of a build context: unpacking, tar, Dockerfile.
#include "engine/docker/dockerfile.h"
#include "fuzz/fuzz.h"
#include "protocol/tar/tar.h"
#include "protocol/unpack/unpack.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace kilnwatch;
  constexpr std::size_t kLimit = 1 << 18;
  const auto front = fuzz::text(data, size);
  const auto archive = protocol::unpack_front(front, kLimit);
  fuzz::promise(archive.size() <= kLimit, "the output limit holds");
  for (const auto* name : {"Dockerfile", "dockerfile", "d/X"}) {
    const auto member = protocol::find_tar_member(archive, name);
    if (!member) continue;
    fuzz::promise(member->header < member->content && member->content <= archive.size() &&
                      member->size <= archive.size() - member->content,
                  "a member lies in its archive");
    engine::docker::parse_dockerfile(
        std::string_view(archive).substr(member->content, member->size));
  }
  const auto parsed = engine::docker::parse_dockerfile(front);
  fuzz::promise(parsed.instructions.size() <= engine::docker::kMaxInstructions, "limits hold");
  return 0;
}
