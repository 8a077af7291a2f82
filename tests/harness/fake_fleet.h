// A fleet without a server: what it is asked, and what the test has it answer.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "fleet/fleet.h"

namespace kilnwatch::test {

struct FakeFleet final : fleet::Fleet {
  using Kind = fleet::Answer::Kind;
  std::vector<std::string> asked, touched, images, dropped;
  std::map<std::string, std::string> shared;  // images: what is said of them
  std::map<Ticket, std::string> tickets;      // what was asked
  std::map<Ticket, fleet::Answer> answers;    // ready to be taken
  Ticket last = 0;
  bool waited = false;

  Ticket ask(const std::string& key, const std::string&, const std::string& name) override {
    asked.push_back(name.empty() ? key : key + " / " + name);
    tickets[++last] = key;
    return last;
  }
  void touch(const std::string& key, const std::string&) override { touched.push_back(key); }
  Ticket ask_image(const std::string& id) override {
    images.push_back(id);
    tickets[++last] = id;
    return last;
  }
  void share_image(const std::string& id, const std::string& note) override { shared[id] = note; }
  std::optional<fleet::Answer> take(Ticket ticket) override {
    const auto at = answers.find(ticket);
    if (at == answers.end()) return std::nullopt;
    return std::exchange(at->second, {});
  }
  void drop(Ticket ticket) override { dropped.push_back(tickets.at(ticket)); }
  void wait(std::chrono::milliseconds) override { waited = true; }
};

}  // namespace kilnwatch::test
