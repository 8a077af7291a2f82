// What a device of the host gives to a container that may use it. Pure.
#pragma once

#include <string>

namespace kilnwatch::detect {

enum class Gives {
  kNothing,  // graphics, sound, serial lines, /dev/fuse, /dev/kvm
  kReads,    // what the host keeps secret
  kTakes,    // the host
};

// As domain::ContainerCreated::devices has them: "/dev/sda:rwm" or "b 8:0 rwm".
Gives device_gives(const std::string& device);

}  // namespace kilnwatch::detect
