// BuildKit over gRPC, after an upgrade of a connection of the engine.
#include <algorithm>
#include <catch2/catch_test_macros.hpp>
#include <random>

#include "engine/buildkit/grpc_conversation.h"
#include "harness/buildkit.h"
#include "harness/facts.h"
#include "harness/file_sync.h"
#include "harness/http2.h"
#include "harness/recorded.h"

using namespace kilnwatch;
using namespace kilnwatch::test;
using domain::Direction;

namespace {

const std::string kSolvePath = "/moby.buildkit.v1.Control/Solve";
const std::string kStatusPath = "/moby.buildkit.v1.Control/Status";
const std::string kBridgePath = "/moby.buildkit.v1.frontend.LLBBridge/Solve";
const std::string kRef = "abcdefghijklmnopqrstuvwxy";
const std::string kConfig = "sha256:" + std::string(64, 'c');
const std::string kManifest = "sha256:" + std::string(64, 'd');
const std::string kRun = "[2/2] RUN wget http://a/kw-canary-arg";
const std::string kUpgrade =
    "POST /grpc HTTP/1.1\r\nHost: \r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n";
const std::string kSwitched =
    "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n";

void pair(engine::buildkit::Pair& to, const std::string& key, const std::string& value) {
  to.set_key(key);
  to.set_value(value);
}

engine::buildkit::ControlSolveRequest solve(const std::string& ref = kRef) {
  engine::buildkit::ControlSolveRequest request;
  request.set_ref(ref);
  request.set_session("sessionsessionsessionsess");
  pair(*request.add_frontend_attrs(), "filename", "Dockerfile.evil");
  pair(*request.add_frontend_attrs(), "target", "final");
  pair(*request.add_frontend_attrs(), "context", "https://me:kw-canary-url@git/x.git");
  pair(*request.add_frontend_attrs(), "force-network-mode", "host");
  pair(*request.add_frontend_attrs(), "build-arg:TOKEN", "kw-canary-arg");
  pair(*request.add_frontend_attrs(), "label:x", "kw-canary-label");
  request.add_entitlements("security.insecure");
  pair(*request.add_exporter_attrs_deprecated(), "name", "evil:1,evil:2");
  auto& exporter = *request.add_exporters();
  exporter.set_type("moby");
  pair(*exporter.add_attrs(), "name", "evil:1,evil:2");
  pair(*exporter.add_attrs(), "other", "kw-canary-attr");
  return request;
}

std::string solved() {
  engine::buildkit::ControlSolveResponse response;
  pair(*response.add_exporter_response(), "containerimage.digest", kManifest);
  pair(*response.add_exporter_response(), "containerimage.config.digest", kConfig);
  pair(*response.add_exporter_response(), "buildx.build.ref", "kw-canary-response");
  return response.SerializeAsString();
}

std::string status_request(const std::string& ref = kRef) {
  engine::buildkit::StatusRequest request;
  request.set_ref(ref);
  return request.SerializeAsString();
}

std::string ask(std::uint32_t stream, const std::string& path, const std::string& message) {
  return call(stream, path) + data(stream, grpc_message(message), h2::kEndStream);
}

// A call of the bridge, for a build.
std::string bridge(std::uint32_t stream, const std::string& message,
                   const std::string& ref = kRef) {
  return frame(h2::Type::kHeaders, h2::kEndHeaders, stream,
               literals({{":method", "POST"},
                         {":path", kBridgePath},
                         {"buildkit-controlapi-buildid", ref}})) +
         data(stream, grpc_message(message), h2::kEndStream);
}

std::vector<Turn> upgraded(std::vector<Turn> rest) {
  std::vector<Turn> turns{asks(kUpgrade), answers(kSwitched + settings()), asks(client_start())};
  turns.insert(turns.end(), rest.begin(), rest.end());
  return turns;
}

std::vector<Turn> whole_build() {
  return upgraded(
      {asks(ask(1, kSolvePath, solve().SerializeAsString())),
       asks(ask(3, kStatusPath, status_request())),
       answers(answer(3) + data(3, grpc_message(Status().vertex(kRun, 1000).bytes()))),
       answers(data(3, grpc_message(Status().log(kRun, 1500, "kw-canary-log").bytes()))),
       answers(data(3, grpc_message(Status().vertex(kRun, 1000, 2000).bytes())) + trailers(3, "0")),
       answers(answer(1) + data(1, grpc_message(solved())) + trailers(1, "0"))});
}

std::vector<std::string> checked(const std::vector<Turn>& turns) {
  const auto output = converse(turns, whole());
  const auto texts = fact_texts(output);
  CHECK(fact_texts(converse(turns, single())) == texts);
  for (unsigned seed = 0; seed < 10; ++seed)
    CHECK(fact_texts(converse(turns, random_split(seed))) == texts);
  CHECK(apart(output.safe));
  for (const auto& text : texts) CHECK(text.find("canary") == std::string::npos);
  for (const auto& range : output.safe) CHECK(range.bytes.find("canary") == std::string::npos);
  CHECK(fact_texts(converse(recorded(turns, output), whole())) == texts);
  return texts;
}

std::size_t count(const std::vector<std::string>& texts, const std::string& lead) {
  return static_cast<std::size_t>(std::count_if(
      texts.begin(), texts.end(), [&](const auto& text) { return text.starts_with(lead); }));
}

}  // namespace

TEST_CASE("A build over gRPC from its request to its image") {
  const auto texts = checked(whole_build());
  for (const auto& text : texts) UNSCOPED_INFO(text);
  REQUIRE(count(texts, "requested") == 1);
  CHECK(texts[0].find("https://***@git/x.git|Dockerfile.evil|") != std::string::npos);
  const auto tags = texts[0].find("evil:1");
  REQUIRE(tags != std::string::npos);
  CHECK(texts[0].find("evil:1", tags + 1) == std::string::npos);
  CHECK(texts[0].find("evil:2") != std::string::npos);
  CHECK(texts[0].find("TOKEN") != std::string::npos);
  CHECK(texts[0].find("host") != std::string::npos);
  CHECK(texts[0].find("security.insecure") != std::string::npos);
  CHECK(texts[0].find(kRef) != std::string::npos);
  CHECK(count(texts, "vertex") == 2);
  CHECK(count(texts, "image") == 2);
  CHECK(count(texts, "blind") == 0);
  CHECK(texts.back().starts_with("ended 7.1 1 0"));
}

TEST_CASE("Builds that fail, are cancelled or vanish with their connection") {
  const auto begin = asks(ask(1, kSolvePath, solve().SerializeAsString()));
  CHECK(checked(upgraded({begin, answers(answer(1) + trailers(1, "2"))}))
            .back()
            .starts_with("ended 7.1 2"));
  CHECK(checked(upgraded({begin, asks(frame(h2::Type::kReset, 0, 1, big_endian(8, 4)))}))
            .back()
            .starts_with("ended 7.1 4"));
  CHECK(checked(upgraded({begin})).back().starts_with("ended 7.1 4"));
}

TEST_CASE("A request that says it builds nothing is told once something shows that it does") {
  auto question = solve();
  pair(*question.add_frontend_attrs(), "requestid", "frontend.outline");
  auto own = solve();
  own.set_internal(true);
  const std::string frontend = Status::part(2, "dockerfile.v0");
  const std::string asks_only =
      Status::part(3, Status::part(1, "requestid") + Status::part(2, "kw-canary"));
  const auto after = [](const engine::buildkit::ControlSolveRequest& request,
                        std::vector<Turn> turns) {
    turns.insert(turns.begin(), asks(ask(1, kSolvePath, request.SerializeAsString())));
    turns.push_back(answers(answer(1) + data(1, grpc_message("")) + trailers(1, "0")));
    return count(checked(upgraded(turns)), "requested");
  };
  for (auto request : {question, own}) {
    CHECK(after(request, {}) == 0);
    CHECK(after(request, {asks(bridge(3, frontend + asks_only))}) == 0);
    CHECK(after(request, {asks(bridge(3, frontend))}) == 1);
    CHECK(after(request, {asks(bridge(3, asks_only + Status::part(1, "x")))}) == 1);
    CHECK(after(request, {asks(ask(3, kStatusPath, status_request())),
                          answers(answer(3) +
                                  data(3, grpc_message(Status().vertex(kRun, 1).bytes())))}) == 1);
    request.set_frontend("gateway.v0");
    CHECK(after(request, {}) == 1);
  }
}

TEST_CASE("A call of the bridge is for the build that its header names") {
  auto first = solve(), second = solve("bbbbbbbbbbbbbbbbbbbbbbbbb");
  first.set_internal(true);
  second.set_internal(true);
  const std::vector<Turn> both{asks(ask(1, kSolvePath, first.SerializeAsString())),
                               asks(ask(3, kSolvePath, second.SerializeAsString()))};
  const auto after = [&](const std::string& call) {
    auto turns = both;
    turns.push_back(asks(call));
    return checked(upgraded(turns));
  };
  const auto frontend = Status::part(2, "dockerfile.v0");
  const auto named = after(bridge(5, frontend, second.ref()));
  REQUIRE(count(named, "requested") == 1);
  CHECK(std::ranges::any_of(named, [&](const auto& text) {
    return text.starts_with("requested") && text.find(second.ref()) != std::string::npos;
  }));
  CHECK(count(named, "blind") == 0);
  // The client chooses its reference.
  auto longer = solve(std::string(60, 'r'));
  longer.set_internal(true);
  CHECK(count(checked(upgraded({asks(ask(1, kSolvePath, longer.SerializeAsString())),
                                asks(bridge(3, frontend, longer.ref()))})),
              "requested") == 1);
  CHECK(count(after(bridge(5, frontend, "unheard")), "blind") == 1);
  // BuildKit would serve none without it: the header was lost.
  const auto unnamed = after(ask(5, kBridgePath, frontend));
  CHECK(count(unnamed, "requested") == 0);
  CHECK(count(unnamed, "blind") == 2);
}

TEST_CASE("Of a request that is cut it is not assumed that it builds") {
  const auto cut = [](engine::buildkit::ControlSolveRequest request, bool front_only) {
    auto bytes = grpc_message(request.SerializeAsString());
    bytes.resize(front_only ? 5 + 2 + kRef.size() : bytes.size() - 1);
    return checked(upgraded({asks(call(1, kSolvePath) + data(1, bytes, h2::kEndStream))}));
  };
  CHECK(count(cut(solve(), true), "requested") == 0);
  CHECK(count(cut(solve(), true), "blind") == 1);
  auto padded = solve();
  padded.mutable_session()->append(8192, 's');
  CHECK(count(cut(padded, true), "requested") == 1);
  CHECK(count(cut(solve(), false), "requested") == 1);
  CHECK(count(cut(solve(), false), "blind") == 1);
}

TEST_CASE("Other calls are no build, and nothing of them is kept") {
  CHECK(checked(
            upgraded({asks(ask(1, "/moby.buildkit.v1.Control/ListWorkers", "kw-canary")),
                      answers(answer(1) + data(1, grpc_message("kw-canary")) + trailers(1, "0"))}))
            .empty());
}

TEST_CASE("A path is what it means, not how it is written") {
  for (const std::string path :
       {"/moby.buildkit.v1.Control/%53olve", "/moby.buildkit.v1.Control/Solve?x"}) {
    CHECK(count(checked(upgraded({asks(ask(1, path, solve().SerializeAsString()))})),
                "requested") == 1);
  }
}

TEST_CASE("Of header fields only what is known to be no secret is kept") {
  const auto secret = frame(h2::Type::kHeaders, h2::kEndHeaders, 1,
                            literals({{":method", "POST"},
                                      {":path", kSolvePath},
                                      {"content-type", "application/grpc"},
                                      {"x-foo", "kw-canary-field"},
                                      {"authorization", "kw-canary-auth"}}));
  const auto details = frame(h2::Type::kHeaders, h2::kEndHeaders | h2::kEndStream, 1,
                             literals({{"grpc-status", "2"},
                                       {"grpc-message", "kw-canary-message"},
                                       {"grpc-status-details-bin", "kw-canary-details"}}));
  CHECK(count(checked(upgraded({asks(secret + data(1, grpc_message(solve().SerializeAsString()),
                                                   h2::kEndStream)),
                                answers(answer(1) + details)})),
              "ended 7.1 2") == 1);
}

TEST_CASE("Answers without anything that was asked are said to be a blind spot, once") {
  std::vector<Turn> turns{asks(kUpgrade), answers(kSwitched + settings())};
  for (int i = 0; i < 3; ++i)
    turns.push_back(answers(answer(1) + data(1, grpc_message(std::string(200, 'x')))));
  const auto output = converse(turns, whole());
  CHECK(count(fact_texts(output), "blind") >= 1);
}

TEST_CASE("A connection that was open before the sensor is read where the kernel marks a frame") {
  domain::ConnOpened opened;
  opened.conn = 7;
  opened.midway = true;
  const auto conversation = engine::make_conversation(opened);
  engine::Output output;
  const auto bytes = ask(9, kSolvePath, solve().SerializeAsString());
  conversation->gap(Direction::kRequest, 1000, 500, output);
  conversation->data({Direction::kRequest, 1000, 500, bytes, true, true}, output);
  CHECK(count(fact_texts(output), "requested 7.0") == 1);
}

TEST_CASE("A build whose status was asked for before the sensor is told by what its answer says") {
  const std::string ping = frame(h2::Type::kPing, 0, 0, std::string(8, 'p'));
  const auto told = [&](const std::string& message) {
    domain::ConnOpened opened;
    opened.conn = 7;
    opened.midway = true;
    const auto conversation = engine::make_conversation(opened);
    engine::Output output;
    conversation->gap(Direction::kResponse, 1000, 160, output);
    conversation->gap(Direction::kRequest, 1000, 500, output);
    conversation->data({Direction::kRequest, 1000, 500, ping, true, true}, output);
    conversation->data({Direction::kResponse, 1000, 160, ping, true, true}, output);
    const auto bytes = data(31, grpc_message(message));
    conversation->data({Direction::kResponse, 1001, 160 + ping.size(), bytes, false, true}, output);
    return fact_texts(output);
  };
  auto texts = told(Status().log(kRun, 500, "kw-canary-output").bytes());
  CHECK(count(texts, "requested 7.0") == 1);
  CHECK(count(texts, "blind") >= 1);
  texts = told(Status().vertex(kRun, 1000).bytes());
  CHECK(count(texts, "vertex 7.0") == 1);
  // Other answers say nothing of a build.
  CHECK(count(told(solved()), "requested") == 0);
  CHECK(count(told(""), "requested") == 0);
  CHECK(count(told(Status::part(1, Status::part(1, "file"))), "requested") == 0);
}

TEST_CASE("A recording can be met midway as the conversation itself, between pings and windows") {
  const std::string ping = frame(h2::Type::kPing, h2::kAck, 0, std::string(8, 'p'));
  const std::string window = frame(h2::Type::kWindowUpdate, 0, 0, std::string("\0\0\1\0", 4));
  std::vector<Turn> turns =
      upgraded({asks(ask(1, kSolvePath, solve().SerializeAsString())),
                asks(ask(3, kStatusPath, status_request())), answers(answer(3))});
  const std::size_t before = turns.size();
  for (std::uint64_t time = 1000; time < 1003; ++time) {
    turns.push_back(asks(window + ping + window));
    turns.push_back(answers(data(3, grpc_message(Status().vertex(kRun, time).bytes()))));
    turns.push_back(answers(ping));
  }
  const auto kept = recorded(turns, converse(turns, whole()));
  REQUIRE(kept.size() == turns.size());  // whole: no turn was cut into what is kept and what is not
  const auto late = [before](const std::vector<Turn>& all) {
    domain::ConnOpened opened;
    opened.conn = 7;
    opened.midway = true;
    const auto conversation = engine::make_conversation(opened);
    engine::Output output;
    std::uint64_t pos[2] = {0, 0};
    for (std::size_t i = 0; i < all.size(); ++i) {
      auto& at = pos[static_cast<std::size_t>(all[i].direction)];
      if (i >= before)
        conversation->data({all[i].direction, 1000, at, all[i].bytes, i == before, true}, output);
      at += all[i].bytes.size();
    }
    return fact_texts(output);
  };
  CHECK(count(late(turns), "requested 7.0") == 1);
  CHECK(late(kept) == late(turns));
}

TEST_CASE(
    "How a build goes is told from where the sensor began, though its client was silent then") {
  const std::string ping = frame(h2::Type::kPing, 0, 0, std::string(8, 'p'));
  const auto vertex = data(31, grpc_message(Status().vertex(kRun, 1000).bytes()));
  const auto log = data(31, grpc_message(Status().log(kRun, 1500, "kw-canary-output").bytes()));
  struct Piece {
    Direction direction;
    std::string bytes;
    std::uint64_t left_out = 0;
    bool mark = false;
  };
  const auto told = [](const std::vector<Piece>& pieces, std::size_t size) {
    domain::ConnOpened opened;
    opened.conn = 7;
    opened.midway = true;
    const auto conversation = engine::make_conversation(opened);
    engine::Output output;
    std::uint64_t pos[2] = {0, 0};
    for (const auto& [direction, bytes, left_out, mark] : pieces) {
      auto& at = pos[static_cast<std::size_t>(direction)];
      for (std::size_t done = 0; done < bytes.size();) {
        const auto n =
            std::min(done == 0 ? std::max<std::size_t>(size, 9) : size, bytes.size() - done);
        const auto safe = at;
        conversation->data({direction, 1000, at, std::string_view(bytes).substr(done, n),
                            mark && done == 0, done == 0},
                           output);
        // What may still be told of waits in a recording.
        if (direction == Direction::kResponse && output.facts.empty() && bytes[0] == 0)
          CHECK(conversation->settled(direction) <= safe);
        at += n;
        done += n;
      }
      if (left_out > 0) conversation->skip(direction, 1000, left_out, output);
      at += left_out;
    }
    conversation->close(2000, output);
    for (const auto& range : output.safe) CHECK(range.bytes.find("canary") == std::string::npos);
    return fact_texts(output);
  };
  const Piece marked{Direction::kRequest, ping, 0, true};
  for (const std::size_t size : {1, 7, 100'000}) {
    for (const auto& before : std::vector<std::vector<Piece>>{
             {{Direction::kResponse, vertex}, {Direction::kResponse, log}},
             {{Direction::kResponse, vertex + log}},
             // As in a recording, which keeps nothing of what a ping carries.
             {{Direction::kResponse, ping.substr(0, 9), 8}, {Direction::kResponse, vertex}},
             {{Direction::kRequest, "in the midst of it"}, {Direction::kResponse, vertex}}}) {
      auto pieces = before;
      pieces.push_back(marked);
      pieces.push_back({Direction::kResponse, log});
      const auto texts = told(pieces, size);
      CHECK(count(texts, "requested 7.0") == 1);
      CHECK(count(texts, "vertex 7.0") == 1);
      CHECK(count(texts, "blind") >= 1);
      // Nobody speaks HTTP/2 there.
      CHECK(told(before, size).empty());
    }
    // No frames, one that was not seen whole, more than is kept.
    for (const auto& before : std::vector<std::vector<Piece>>{
             {{Direction::kResponse, vertex + "output" + vertex}},
             {{Direction::kResponse, vertex, 5}, {Direction::kResponse, vertex}},
             {{Direction::kResponse, vertex}, {Direction::kResponse, std::string(20'000, 'x')}}}) {
      auto pieces = before;
      pieces.push_back(marked);
      CHECK(count(told(pieces, size), "vertex") == 0);
    }
  }
}

TEST_CASE("Two builds on one connection keep apart") {
  const std::string other = "zyxwvutsrqponmlkjihgfedcb";
  const auto texts = checked(upgraded(
      {asks(ask(1, kSolvePath, solve().SerializeAsString()) +
            ask(3, kSolvePath, solve(other).SerializeAsString())),
       asks(ask(5, kStatusPath, status_request(other)) + ask(7, kStatusPath, status_request())),
       answers(answer(5) + data(5, grpc_message(Status().vertex("[2/2] RUN b", 1).bytes())) +
               answer(7) + data(7, grpc_message(Status().vertex("[2/2] RUN a", 1).bytes()))),
       answers(answer(1) + trailers(1, "0")), answers(answer(3) + trailers(3, "2"))}));
  CHECK(count(texts, "vertex 7.1") == 1);
  CHECK(count(texts, "vertex 7.2") == 1);
  CHECK(count(texts, "ended 7.1 1") == 1);
  CHECK(count(texts, "ended 7.2 2") == 1);
}

TEST_CASE("Calls that push out the status of a build are told") {
  std::string many;
  for (std::uint32_t n = 0; n < engine::buildkit::kMaxWatches; ++n)
    many += ask(5 + 2 * n, kStatusPath, status_request("zyxwvutsrqponmlkjihgfedcb"));
  const auto texts = checked(upgraded({asks(ask(1, kSolvePath, solve().SerializeAsString())),
                                       asks(ask(3, kStatusPath, status_request())), asks(many)}));
  CHECK(count(texts, "blind") == 1);
}

TEST_CASE("The status of a build that was asked for elsewhere is told as one met midway") {
  const auto texts = checked(upgraded(
      {asks(ask(1, kStatusPath, status_request())),
       answers(answer(1) + data(1, grpc_message(Status().vertex("[2/2] RUN a", 1).bytes())) +
               trailers(1, "0"))}));
  CHECK(count(texts, "requested 7.1") == 1);
  CHECK(count(texts, "blind") == 1);
  CHECK(count(texts, "ended") == 1);
}

TEST_CASE("A request that is larger than what crosses the ring is told as far as it goes") {
  auto request = solve();
  auto bytes = request.SerializeAsString();
  const std::string rest = Status::part(12, std::string(50'000, 'x'));
  std::vector<Turn> turns{
      asks(call(1, kSolvePath)),
      asks(frame(h2::Type::kData, h2::kEndStream, 1, grpc_message(bytes + rest))
               .substr(0, 9 + 5 + 2000)),
      {Direction::kRequest, grpc_message(bytes + rest).substr(5 + 2000), Turn::Kind::kSkip}};
  const auto texts = checked(upgraded(turns));
  CHECK(count(texts, "requested 7.1") == 1);
  CHECK(count(texts, "blind") == 1);
}

TEST_CASE("Lost bytes are said, and what follows is read where the kernel found a frame") {
  auto turns = upgraded({asks(ask(1, kSolvePath, solve().SerializeAsString()))});
  turns.push_back({Direction::kRequest, std::string(40, 'x'), Turn::Kind::kGap});
  const auto texts = fact_texts(converse(turns, whole()));
  CHECK(count(texts, "requested 7.1") == 1);
}

namespace {

// A session whose client has a Dockerfile of that text, sent in parts of `size` bytes.
std::vector<Turn> session(const std::string& text, std::size_t size, const std::string& folder) {
  std::vector<Turn> turns{
      asks("POST /session HTTP/1.1\r\nX-Docker-Expose-Session-Uuid: abcdefghijklmnopqrstuvwxy\r\n"
           "X-Docker-Expose-Session-Sharedkey: kw-canary-shared\r\nUpgrade: h2c\r\n\r\n"),
      answers(kSwitched + client_start() + ask_folder(1, folder)),
      asks(settings() + answer(1) +
           data(1, stat("Dockerfile") + stat("Dockerfile.dockerignore") + stat("folder", true) +
                       packet(0, {}))),
      answers(data(1, packet(1, 1)) + data(1, packet(1, 0)))};
  turns.push_back(asks(data(1, packet(2, 1, Status::part(4, "kw-canary-ignored")) + packet(2, 1))));
  for (std::size_t at = 0; at < text.size(); at += size) {
    const auto part = packet(2, 0, Status::part(4, text.substr(at, size)));
    // A message may go over several frames.
    turns.push_back(
        asks(data(1, part.substr(0, part.size() / 2)) + data(1, part.substr(part.size() / 2))));
  }
  turns.push_back(asks(data(1, packet(2, 0))));
  return turns;
}

}  // namespace

TEST_CASE("The Dockerfile of a build is read out of its client's session") {
  const std::string text = "FROM alpine:3\nRUN curl -u me:kw-canary http://a\n";
  for (const std::size_t size : {std::size_t{7}, text.size()}) {
    const auto turns = session(text, size, "dockerfile");
    const auto output = converse(turns, whole());
    const auto texts = fact_texts(output);
    REQUIRE(texts.size() == 2);
    CHECK(texts[0] == "session abcdefghijklmnopqrstuvwxy");
    CHECK(texts[1].starts_with("fetched session:abcdefghijklmnopqrstuvwxy|"));
    INFO(texts[1]);
    CHECK(texts[1].find("alpine:3") != std::string::npos);
    CHECK(texts[1].find("RUN curl -u me:*** http://a") != std::string::npos);
    for (unsigned seed = 0; seed < 10; ++seed)
      CHECK(fact_texts(converse(turns, random_split(seed))) == texts);
    CHECK(fact_texts(converse(turns, single())) == texts);
    CHECK(apart(output.safe));
    CHECK(texts[1].find("canary") == std::string::npos);
    for (const auto& range : output.safe) CHECK(range.bytes.find("canary") == std::string::npos);
    const auto again = fact_texts(converse(recorded(turns, output), whole()));
    REQUIRE(again.size() == 2);
    CHECK(again[1].find("RUN curl -u me:*** http://a") != std::string::npos);
  }
}

TEST_CASE("Of the other folders of a session nothing is read") {
  const auto turns = session("FROM a\nRUN kw-canary-file\n", 100, "context");
  const auto output = converse(turns, whole());
  CHECK(fact_texts(output) == std::vector<std::string>{"session abcdefghijklmnopqrstuvwxy"});
  for (const auto& range : output.safe) CHECK(range.bytes.find("canary") == std::string::npos);
}

TEST_CASE("A file of a session that was not seen whole is not told") {
  auto turns = session("FROM alpine:3\nRUN a\n", 7, "dockerfile");
  turns[6].kind = Turn::Kind::kSkip;
  CHECK(facts_of<domain::ContextFetched>(converse(turns, whole())).empty());
}

TEST_CASE("Whatever follows an upgrade, nothing but facts comes of it") {
  for (unsigned seed = 0; seed < 200; ++seed) {
    std::mt19937 random(seed);
    auto turns = seed % 2 == 0 ? whole_build() : session("FROM alpine:3\n", 3, "dockerfile");
    for (int i = 0; i < 5; ++i) {
      auto& turn = turns[2 + random() % (turns.size() - 2)];
      if (turn.bytes.empty()) continue;
      const auto at = random() % turn.bytes.size();
      if (random() % 2 == 0)
        turn.bytes[at] = static_cast<char>(random());
      else
        turn.kind = random() % 2 == 0 ? Turn::Kind::kGap : Turn::Kind::kSkip;
    }
    const auto output = converse(turns, random_split(seed));
    CHECK(apart(output.safe));
  }
}
