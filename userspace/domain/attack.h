// The techniques of MITRE ATT&CK (Enterprise) that reasons name.
#pragma once

#include <algorithm>
#include <array>
#include <string_view>

namespace kilnwatch::domain {

struct KnownTechnique {
  std::string_view id;
  std::string_view name;
  // As up to version 18, where a technique has several the one that is meant here. Version 19 has
  // split defense-evasion; a configuration gives others (policy: attack.tactics).
  std::string_view tactic;
};

inline constexpr std::array kTechniques = {
    KnownTechnique{"T1059.004", "Unix Shell", "execution"},
    KnownTechnique{"T1071", "Application Layer Protocol", "command-and-control"},
    KnownTechnique{"T1095", "Non-Application Layer Protocol", "command-and-control"},
    KnownTechnique{"T1105", "Ingress Tool Transfer", "command-and-control"},
    KnownTechnique{"T1133", "External Remote Services", "initial-access"},
    KnownTechnique{"T1140", "Deobfuscate/Decode Files or Information", "defense-evasion"},
    KnownTechnique{"T1189", "Drive-by Compromise", "initial-access"},
    KnownTechnique{"T1204.003", "Malicious Image", "execution"},
    KnownTechnique{"T1496", "Resource Hijacking", "impact"},
    KnownTechnique{"T1552.005", "Cloud Instance Metadata API", "credential-access"},
    KnownTechnique{"T1609", "Container Administration Command", "execution"},
    KnownTechnique{"T1610", "Deploy Container", "execution"},
    KnownTechnique{"T1611", "Escape to Host", "privilege-escalation"},
    KnownTechnique{"T1612", "Build Image on Host", "defense-evasion"},
};

// Null: none of ours.
inline const KnownTechnique* technique_of(std::string_view id) {
  const auto* const found = std::find_if(kTechniques.begin(), kTechniques.end(),
                                         [id](const auto& known) { return known.id == id; });
  return found == kTechniques.end() ? nullptr : found;
}

}  // namespace kilnwatch::domain
