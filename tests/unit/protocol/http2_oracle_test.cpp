// Conversations of nghttp2's client and server: what each side understood of the other, we do too.
#include <algorithm>
#include <catch2/catch_test_macros.hpp>
#include <iterator>
#include <random>
#include <string>
#include <vector>

#include "harness/nghttp2_peers.h"
#include "protocol/http2/connection.h"
#include "protocol/http2/frame_rules.h"

using namespace kilnwatch::test;
namespace grpc = kilnwatch::protocol::grpc;
namespace h2 = kilnwatch::protocol::http2;

namespace {

struct Call {
  h2::Sender from;
  std::string bytes;
};

struct Talk {
  std::vector<Call> calls;
  Understood said[2];  // by the client, by the server
};

// printable: values are letters and digits.
Talk talk(unsigned seed, bool printable = false) {
  std::mt19937 random(seed);
  Peer client(false, seed + 1, printable);
  Peer server(true, seed + 2, printable);
  Talk out;
  for (int round = 0; round < 40; ++round) {
    // Right before it is sent, so that no peer ignores what the other one has not yet heard of.
    for (auto n = round > 0 ? random() % 3 : 0; n > 0; --n) client.act(random);
    for (const auto& bytes : client.send()) {
      out.calls.push_back({h2::Sender::kConnector, bytes});
      REQUIRE(server.receive(bytes));
    }
    for (auto n = round > 0 ? random() % 3 : 0; n > 0; --n) server.act(random);
    for (const auto& bytes : server.send()) {
      out.calls.push_back({h2::Sender::kAcceptor, bytes});
      REQUIRE(client.receive(bytes));
    }
  }
  out.said[0] = server.understood;
  out.said[1] = client.understood;
  return out;
}

struct Log final : h2::ConnectionSink {
  Understood said[2];
  std::size_t unknown = 0;  // fields

  void plain(h2::Sender, std::uint64_t, std::string_view) override {}
  void synced(h2::Sender, h2::Sync) override {}
  void headers(const h2::Stream& s, h2::Sender from, const h2::HeaderBlock& block) override {
    auto text = std::to_string(s.id) + " headers";
    for (const auto& field : block.list.fields) {
      unknown += field.name_known && field.value_known ? 0 : 1;
      text += " " + (field.name_known ? field.name : "?") + "=";
      text += field.value_known ? field.value : "?";
    }
    of(from).events.push_back(std::move(text));
  }
  void trailers(const h2::Stream& s, h2::Sender from, const h2::HeaderBlock& block) override {
    headers(s, from, block);
  }
  void headers_unknown(const h2::Stream&, h2::Sender, std::string_view reason) override {
    FAIL(reason);
  }
  void message(const h2::Stream&, h2::Sender, const grpc::Message&) override { FAIL("a message"); }
  void message_skipped(const h2::Stream&, h2::Sender, const grpc::Skipped&) override {
    FAIL("a message");
  }
  void body(const h2::Stream& s, h2::Sender from, std::uint64_t, std::string_view bytes) override {
    of(from).bodies[s.id] += bytes;
  }
  void body_hole(const h2::Stream& s, h2::Sender from, std::uint64_t count) override {
    of(from).bodies[s.id].append(count, '?');
  }
  void end(const h2::Stream& s, h2::Sender from) override {
    of(from).events.push_back(std::to_string(s.id) + " end");
  }
  void reset(const h2::Stream& s, h2::Sender from, std::uint32_t code) override {
    of(from).events.push_back(std::to_string(s.id) + " reset " + std::to_string(code));
  }
  void dropped(const h2::Stream&) override { FAIL("a stream was dropped"); }
  void go_away(h2::Sender from, std::uint32_t, std::uint32_t code) override {
    of(from).events.push_back("goodbye " + std::to_string(code));
  }
  void broken(h2::Sender, std::string_view reason) override { FAIL(reason); }

 private:
  Understood& of(h2::Sender from) { return said[static_cast<std::size_t>(from)]; }
};

// Where the payloads of DATA frames stand in what one side sent.
class DataPlaces : public h2::FrameSink {
 public:
  bool within(std::uint64_t pos) const {
    const auto after =
        std::upper_bound(places_.begin(), places_.end(), pos,
                         [](std::uint64_t at, const auto& place) { return at < place.first; });
    return after != places_.begin() && pos < std::prev(after)->second;
  }
  void preface(std::uint64_t) override {}
  void found() override {}
  void frame(const h2::FrameHeader& header, std::uint64_t pos, std::string_view) override {
    const std::uint64_t pad = header.has(h2::kPadded) ? 1 : 0;
    if (header.type == h2::Type::kData)
      places_.push_back({pos + h2::kFrameHeader + pad, pos + h2::kFrameHeader + header.length});
  }
  void payload(std::uint64_t, std::string_view) override {}
  void payload_hole(std::uint64_t) override {}
  void frame_end() override {}
  void violation(const h2::FrameHeader&, std::string_view reason) override { FAIL(reason); }
  void broken(std::string_view reason) override { FAIL(reason); }

 private:
  std::vector<std::pair<std::uint64_t, std::uint64_t>> places_;
};

// Pieces of up to `most` bytes; `hide` in 8 of those within DATA are not seen.
Log listen(const Talk& talk, std::mt19937& random, std::size_t most, unsigned hide) {
  DataPlaces places[2];
  h2::FrameParser parsers[2] = {{false, places[0]}, {false, places[1]}};
  Log log;
  h2::Connection connection({}, log);
  std::uint64_t next[2] = {0, 0};
  for (const auto& call : talk.calls) {
    const auto i = static_cast<std::size_t>(call.from);
    parsers[i].feed(next[i], call.bytes, true);
    for (std::size_t at = 0; at < call.bytes.size();) {
      auto n = std::min<std::size_t>(1 + random() % most, call.bytes.size() - at);
      const bool hidden = random() % 8 < hide && places[i].within(next[i]);
      if (hidden) {
        n = 1;
        while (at + n < call.bytes.size() && places[i].within(next[i] + n)) ++n;
        connection.hole(call.from, n);
      } else {
        connection.feed(call.from, next[i], call.bytes.substr(at, n), at == 0);
      }
      at += n;
      next[i] += n;
    }
  }
  CHECK(log.unknown == 0);
  CHECK(connection.counters().frames_stray == 0);
  CHECK(connection.counters().violations == 0);
  CHECK(connection.counters().fields_dropped == 0);
  return log;
}

bool fits(const std::string& seen, const std::string& sent) {
  if (seen.size() != sent.size()) return false;
  for (std::size_t i = 0; i < seen.size(); ++i) {
    if (seen[i] != '?' && seen[i] != sent[i]) return false;
  }
  return true;
}

}  // namespace

TEST_CASE("Conversations of nghttp2 are understood as its peers do") {
  std::size_t events = 0;
  std::size_t resets = 0;
  for (unsigned seed = 0; seed < 25; ++seed) {
    const auto said = talk(1000 * seed);
    std::mt19937 random(seed);
    for (const std::size_t most : {std::size_t{1}, std::size_t{50}, std::size_t{1} << 20}) {
      const auto log = listen(said, random, most, 0);
      for (std::size_t i = 0; i < 2; ++i) {
        REQUIRE(log.said[i].events == said.said[i].events);
        REQUIRE(log.said[i].bodies == said.said[i].bodies);
      }
    }
    for (const auto& side : said.said) {
      events += side.events.size();
      for (const auto& event : side.events) resets += event.find(" reset ") != event.npos ? 1 : 0;
    }
  }
  CHECK(events > 2000);
  CHECK(resets > 20);
}

TEST_CASE("Data that stays in the kernel takes nothing else with it") {
  for (unsigned seed = 0; seed < 25; ++seed) {
    const auto said = talk(1000 * seed + 7);
    std::mt19937 random(seed);
    const auto log = listen(said, random, 200, 4);
    for (std::size_t i = 0; i < 2; ++i) {
      REQUIRE(log.said[i].events == said.said[i].events);
      REQUIRE(log.said[i].bodies.size() == said.said[i].bodies.size());
      for (const auto& [id, body] : said.said[i].bodies)
        REQUIRE(fits(log.said[i].bodies.at(id), body));
    }
  }
}

namespace {

// "?" of ours stands for anything.
bool may_be(const std::string& ours, const std::string& theirs) {
  std::size_t o = 0;
  std::size_t t = 0;
  while (o < ours.size() && t < theirs.size()) {
    if (ours[o] != '?') {
      if (ours[o++] != theirs[t++]) return false;
      continue;
    }
    ++o;
    const char stop = o < ours.size() ? ours[o] : '\0';  // '=' or ' '
    while (t < theirs.size() && theirs[t] != stop) ++t;
  }
  if (o + 1 == ours.size() && ours[o] == '?') ++o;  // an empty value
  return o == ours.size() && t == theirs.size();
}

std::vector<std::string> headers_of(const Understood& said) {
  std::vector<std::string> out;
  for (const auto& event : said.events) {
    if (event.find(" headers") != event.npos) out.push_back(event);
  }
  return out;
}

}  // namespace

TEST_CASE("From the middle of a conversation on nothing is understood wrong") {
  std::size_t told = 0;
  std::size_t unknown = 0;
  for (unsigned seed = 0; seed < 60; ++seed) {
    const auto said = talk(1000 * seed + 11, true);
    Log log;
    h2::Connection connection({.midway = true}, log);
    std::uint64_t next[2] = {0, 0};
    for (auto i = said.calls.size() / 3; i < said.calls.size(); ++i) {
      const auto& call = said.calls[i];
      auto& pos = next[static_cast<std::size_t>(call.from)];
      connection.feed(call.from, pos, call.bytes, true);
      pos += call.bytes.size();
    }
    for (std::size_t i = 0; i < 2; ++i) {
      const auto ours = headers_of(log.said[i]);
      const auto theirs = headers_of(said.said[i]);
      REQUIRE(ours.size() <= theirs.size());
      for (std::size_t k = 1; k <= ours.size(); ++k)
        REQUIRE(may_be(ours[ours.size() - k], theirs[theirs.size() - k]));
      told += ours.size();
    }
    unknown += log.unknown;
  }
  CHECK(told > 1000);
  CHECK(unknown > 100);
}
