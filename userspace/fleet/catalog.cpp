#include "fleet/catalog.h"

#include <poll.h>

#include <algorithm>
#include <set>
#include <unordered_map>
#include <utility>

#include "base/clock.h"

namespace kilnwatch::fleet {
namespace {

// Keys of one look, and their values: well below what one reply may be.
constexpr const char* kPage = "250";
constexpr std::string_view kFirst = "0";

base::Error fault(const std::string& why) { return {base::ErrorClass::kEnvironment, why}; }

// One node, asked and waited for.
class Dialogue {
 public:
  Dialogue(Dialer& dialer, const Node& node, const Login& login)
      : client_(dialer, node, login, 1) {}

  // Of all of them, in their order. `slot`: of their key, in a cluster whose nodes are not known.
  base::Result<std::vector<Reply>> ask(const std::vector<std::string>& commands, Slot slot = 0) {
    std::unordered_map<Client::Tag, std::size_t> asked;
    std::vector<Reply> replies(commands.size());
    for (std::size_t n = 0; n < commands.size(); ++n) {
      if (!client_.send(++last_, slot, commands[n], now())) return away();
      asked[last_] = n;
    }
    while (!asked.empty()) {
      client_.run(now());
      for (auto& done : client_.take()) {
        const auto at = asked.find(done.tag);
        if (at == asked.end()) continue;
        if (!done.reply) return away();
        replies[at->second] = std::move(*done.reply);
        asked.erase(at);
      }
      if (!asked.empty()) wait();
    }
    return replies;
  }

 private:
  static TimeNs now() { return base::clock_ns(CLOCK_BOOTTIME); }
  base::Error away() const {
    return fault("it does not answer" + (client_.fault().empty() ? "" : ": " + client_.fault()));
  }
  void wait() {
    std::vector<pollfd> ends;
    client_.waits_for(ends);
    const TimeNs at = now(), due = client_.due(at);
    const TimeNs left = due > at ? std::min(due - at, kSecondNs) : 0;
    (void)::poll(ends.data(), ends.size(), static_cast<int>(left / kMillisecond) + 1);
  }
  Client client_;
  Client::Tag last_ = 0;
};

base::Error refused(const Reply& reply, const char* rights =
                                            "+scan, +get and +ttl on kilnwatch:*, in a cluster "
                                            "+cluster|slots") {
  return fault("it refuses (" + error_code(reply) + "); the user needs " + rights);
}

}  // namespace

Teacher teacher_of(std::string_view value) {
  const auto first = std::min(value.find(' '), value.size());
  const auto second = std::min(value.find(' ', first + 1), value.size());
  Teacher out;
  if (first < value.size()) out.host = value.substr(first + 1, second - first - 1);
  if (second < value.size()) out.build = value.substr(second + 1);
  if (out.build == "-") out.build.clear();
  return out;
}

// Its masters; of a server that is no cluster the server itself.
base::Result<std::vector<Node>> Catalog::nodes() {
  Dialogue dialogue(dialer_, server_, login_);
  auto replies = dialogue.ask({command({"CLUSTER", "SLOTS"})});
  if (!replies) return replies.error();
  Slots slots;
  slots.learn(replies->front(), server_);
  std::set<Node> found;
  for (unsigned slot = 0; slot < kSlots; ++slot) {
    if (const Node* node = slots.find(static_cast<Slot>(slot))) found.insert(*node);
  }
  if (found.empty()) found.insert(server_);
  return std::vector<Node>(found.begin(), found.end());
}

base::Result<Reply> Catalog::write(const std::string& key, const std::string& text) {
  Dialogue dialogue(dialer_, server_, login_);
  auto replies = dialogue.ask({text}, slot_of(key));
  if (!replies) return replies.error();
  Reply& reply = replies->front();
  if (reply.kind == Reply::Kind::kError) return refused(reply, "+set and +unlink on kilnwatch:*");
  return std::move(reply);
}

base::Status Catalog::add(const std::string& key, const std::string& value, std::uint64_t seconds) {
  const auto reply = write(key, command({"SET", key, value, "EX", std::to_string(seconds)}));
  if (!reply) return reply.error();
  return base::Done{};
}

base::Result<bool> Catalog::forget(const std::string& key) {
  const auto reply = write(key, command({"UNLINK", key}));
  if (!reply) return reply.error();
  return reply->number > 0;
}

base::Status Catalog::each(std::string_view prefix, const Each& each) {
  const auto all = nodes();
  if (!all) return all.error();
  for (const Node& node : *all) {
    if (auto done = each_of(node, prefix, each); !done) return done;
  }
  return base::Done{};
}

base::Status Catalog::each_of(const Node& node, std::string_view prefix, const Each& each) {
  Dialogue dialogue(dialer_, node, login_);
  std::string cursor(kFirst);
  const std::string pattern = std::string(prefix) + "*";
  do {
    auto page = dialogue.ask({command({"SCAN", cursor, "MATCH", pattern, "COUNT", kPage})});
    if (!page) return page.error();
    const Reply& found = page->front();
    if (found.kind == Reply::Kind::kError) return refused(found);
    if (found.items.size() != 2) return fault("it answers what was not asked");
    cursor = found.items[0].text;
    std::vector<std::string> commands;
    for (const Reply& key : found.items[1].items) {
      commands.push_back(command({"GET", key.text}));
      commands.push_back(command({"TTL", key.text}));
    }
    const auto values = dialogue.ask(commands);
    if (!values) return values.error();
    for (std::size_t n = 0; n < found.items[1].items.size(); ++n) {
      const std::string& key = found.items[1].items[n].text;
      const Reply &value = (*values)[2 * n], &left = (*values)[2 * n + 1];
      // Of another kind: no sensor wrote it. It is shown, so that it can be forgotten.
      const bool foreign = value.is_error(kWrongType);
      if (value.kind == Reply::Kind::kError && !foreign) return refused(value);
      if (left.kind == Reply::Kind::kError) return refused(left);
      const bool there = value.kind == Reply::Kind::kText || foreign;
      if (!there || !key.starts_with(prefix)) continue;  // gone meanwhile
      const auto seconds = static_cast<std::uint64_t>(std::max<std::int64_t>(left.number, 0));
      if (auto done = each({key.substr(prefix.size()), foreign ? "" : value.text, seconds}); !done)
        return done;
    }
  } while (cursor != kFirst);
  return base::Done{};
}

}  // namespace kilnwatch::fleet
