// Servers that are not there: what they say is scripted, or they keep keys as a real one does.
#pragma once

#include <poll.h>

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "fleet/reply.h"
#include "fleet/transport.h"

namespace kilnwatch::test {

using Words = std::vector<std::string>;

inline std::string status(const std::string& text) { return "+" + text + "\r\n"; }
inline std::string fault(const std::string& text) { return "-" + text + "\r\n"; }
inline std::string nothing() { return "$-1\r\n"; }
inline std::string bulk(const std::string& text) {
  return "$" + std::to_string(text.size()) + "\r\n" + text + "\r\n";
}

// One server. Commands come in whatever pieces, replies leave in pieces of `piece` bytes.
struct FakeServer {
  // What it says to a command; nothing: not a word.
  std::function<std::optional<std::string>(const Words&)> says;
  std::map<std::string, std::string> keys;
  std::vector<Words> heard;  // without greetings
  int greetings = 0;
  bool up = true;         // false: nobody answers the knock
  bool refuses = false;   // the knock is refused
  bool hangs_up = false;  // at the next look
  std::size_t piece = ~std::size_t{0};
  int connections = 0;

  std::string answer(const Words& words) {
    const bool greeting = words[0] == "HELLO";
    greetings += greeting ? 1 : 0;
    if (!greeting) heard.push_back(words);
    if (says) {
      const auto said = says(words);
      return said ? *said : "";
    }
    return keep(words);
  }
  std::string keep(const Words& words) {
    const std::string& name = words[0];
    if (name == "GETEX" || name == "GET") {
      const auto at = keys.find(words[1]);
      return at == keys.end() ? nothing() : bulk(at->second);
    }
    if (name == "SET") {
      const bool only_new = words.size() > 3 && words[3] == "NX";
      if (only_new && keys.contains(words[1])) return nothing();
      keys[words[1]] = words[2];
      return status("OK");
    }
    return status("OK");
  }
};

class FakeTransport final : public fleet::Transport {
 public:
  explicit FakeTransport(FakeServer& server) : server_(server) { ++server_.connections; }
  int fd() const override { return -1; }
  short events() const override { return 0; }
  base::Result<bool> connect() override {
    if (server_.refuses) return over("it cannot be reached (refused)");
    return server_.up;
  }
  base::Result<std::size_t> write(std::string_view bytes) override {
    const std::size_t n = std::min(bytes.size(), server_.piece);
    in_.append(bytes.substr(0, n));
    while (const auto words = next_command()) out_ += server_.answer(*words);
    return n;
  }
  base::Result<std::size_t> read(std::span<char> into) override {
    if (server_.hangs_up) return over("it closed the connection");
    const std::size_t n = std::min({out_.size(), into.size(), server_.piece});
    out_.copy(into.data(), n);
    out_.erase(0, n);
    return n;
  }

 private:
  static base::Error over(const char* why) { return {base::ErrorClass::kEnvironment, why}; }
  // "*2\r\n$3\r\nGET\r\n$1\r\nk\r\n"
  std::optional<Words> next_command() {
    std::size_t at = 0;
    const auto number = [&](char mark) -> std::optional<std::size_t> {
      const auto end = in_.find("\r\n", at);
      if (end == in_.npos || in_[at] != mark) return std::nullopt;
      const std::size_t value = std::stoul(in_.substr(at + 1, end - at - 1));
      at = end + 2;
      return value;
    };
    const auto count = number('*');
    if (!count) return std::nullopt;
    Words words;
    for (std::size_t i = 0; i < *count; ++i) {
      const auto size = number('$');
      if (!size || in_.size() < at + *size + 2) return std::nullopt;
      words.push_back(in_.substr(at, *size));
      at += *size + 2;
    }
    in_.erase(0, at);
    return words;
  }
  FakeServer& server_;
  std::string in_, out_;
};

struct FakeDialer final : fleet::Dialer {
  std::map<fleet::Node, FakeServer> servers;
  std::vector<fleet::Node> dialled;
  base::Result<std::unique_ptr<fleet::Transport>> dial(const fleet::Node& node) override {
    dialled.push_back(node);
    const auto at = servers.find(node);
    if (at == servers.end())
      return base::Error{base::ErrorClass::kEnvironment, "its name is not found"};
    return std::unique_ptr<fleet::Transport>(std::make_unique<FakeTransport>(at->second));
  }
};

}  // namespace kilnwatch::test
