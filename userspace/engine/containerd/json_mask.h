// JSON of which only what is looked at may be recorded.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace kilnwatch::engine::containerd {

// Of equal length: keys stay that are in `keys`, strings whose innermost key is in `values`, as far
// as they are no secrets by their looks; numbers and words, too. All else becomes stars. `keys`
// must hold all of `values`.
std::string masked_json(std::string_view text, std::span<const std::string_view> keys,
                        std::span<const std::string_view> values);

}  // namespace kilnwatch::engine::containerd
