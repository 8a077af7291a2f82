// What of a BuildKit build's texts is secret. BuildKit puts the values of build arguments in the
// place of their names before it calls a vertex by its instruction (dockerfile2llb: processCmdEnv).
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace kilnwatch::engine::buildkit {

// A shorter value would be found in words that have nothing to do with it, and hide them.
inline constexpr std::size_t kMinSecretValue = 4;
inline constexpr std::size_t kMaxSecretValues = 128;  // each is searched for in every text

class StepSecrets {
 public:
  // Until then, and where some values are not known, any word may be one.
  void know(std::vector<std::string> values);

  // A vertex's name, of equal length. Where values are not known, all behind the verb goes; what
  // never holds one stays: an image's name, BuildKit's own words.
  std::string masked_name(std::string_view name) const;
  // The id of a status, an error.
  std::string masked_text(std::string_view text) const;

  std::size_t held_bytes() const;

 private:
  bool known_ = false;
  std::vector<std::string> values_;
};

}  // namespace kilnwatch::engine::buildkit
