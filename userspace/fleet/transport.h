// One connection to a server, whatever it runs over. Nothing here waits.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"

namespace kilnwatch::fleet {

struct Node {
  std::string host;  // name or address
  std::uint16_t port = 0;
  auto operator<=>(const Node&) const = default;
};

class Transport {
 public:
  virtual ~Transport() = default;
  virtual int fd() const = 0;
  // What it waits for itself, as of poll(2): a handshake may have to write to read on.
  virtual short events() const = 0;
  // Goes on with it. True: from now on bytes can be sent.
  virtual base::Result<bool> connect() = 0;
  // How many bytes were taken, or came; 0: none now. An error: it is over.
  virtual base::Result<std::size_t> write(std::string_view bytes) = 0;
  virtual base::Result<std::size_t> read(std::span<char> into) = 0;
};

class Dialer {
 public:
  virtual ~Dialer() = default;
  virtual base::Result<std::unique_ptr<Transport>> dial(const Node& node) = 0;
};

}  // namespace kilnwatch::fleet
