// A request target, then (after a NUL) a multipart body.
#include "engine/docker/mask.h"
#include "engine/docker/route.h"
#include "fuzz/fuzz.h"
#include "protocol/url/url.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace kilnwatch;
  const auto all = fuzz::text(data, size);
  const auto target = all.substr(0, all.find('\0'));
  const auto route = engine::docker::route_of("POST", target);
  const auto tags = route.query.all("t", 10);
  fuzz::promise(tags.size() <= 10, "no more than asked for");
  fuzz::promise(tags.empty() || route.query.first("t") == tags.front(),
                "first is the first of all");
  if (route.kind == engine::docker::Kind::kBuild) {
    fuzz::promise(route.path.ends_with("/build") && route.path.find("//") == route.path.npos,
                  "a build's path is clean");
  }
  const auto masked = engine::docker::masked_pairs(target);
  fuzz::promise(masked.size() == target.size(), "masks keep the length");
  for (std::size_t i = 0; i < masked.size(); ++i)
    fuzz::promise(masked[i] == target[i] || masked[i] == '*', "masks only put stars");
  engine::docker::safe_reference(target);
  if (target.size() < all.size()) {
    const auto body = all.substr(target.size() + 1);
    for (const auto& [name, value] :
         protocol::parse_multipart("multipart/form-data; boundary=b", body))
      fuzz::promise(name.size() + value.size() <= body.size(), "parts stand in the body");
  }
  return 0;
}
