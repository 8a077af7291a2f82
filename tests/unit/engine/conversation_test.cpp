#include <catch2/catch_test_macros.hpp>

#include "harness/conversation.h"
#include "harness/facts.h"
#include "harness/recorded.h"

using namespace kilnwatch;
using namespace kilnwatch::test;
using domain::Direction;

namespace {

using Turns = std::vector<Turn>;

const std::string kBuild = "POST /build?remote=http://a/ HTTP/1.1\r\nHost: x\r\n\r\n";
const std::string kPing = "GET /_ping HTTP/1.1\r\nHost: x\r\n\r\n";
const std::string kPong = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nOK";

// Facts without their connection, the same for every split.
std::vector<std::string> told(const std::vector<Turn>& turns, bool midway = false,
                              bool close = true) {
  const auto texts = fact_texts(converse(turns, whole(), close, midway));
  if (!midway) {  // a conversation met midway is found again at starts of calls
    CHECK(fact_texts(converse(turns, single(), close)) == texts);
    for (unsigned seed = 0; seed < 10; ++seed)
      CHECK(fact_texts(converse(turns, random_split(seed), close)) == texts);
  }
  return texts;
}

std::size_t count(const std::vector<std::string>& texts, const std::string& lead) {
  std::size_t n = 0;
  for (const auto& text : texts) n += text.starts_with(lead) ? 1 : 0;
  return n;
}

std::vector<Turn> operator+(std::vector<Turn> a, const std::vector<Turn>& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

const std::vector<Turn> kWholeBuild{
    asks(kBuild), answers(kChunkedOk), answers(stream("Step 1/1 : FROM a")),
    answers(stream("Successfully built aaaaaaaaaaaa\\n")), answers("0\r\n\r\n")};

// All of a build was told, none lost, as call `number`.
void check_whole(const std::vector<std::string>& texts, int number) {
  const auto n = std::to_string(number);
  CHECK(count(texts, "requested 7." + n) == 1);
  CHECK(count(texts, "step 7." + n) == 1);
  CHECK(count(texts, "ended 7." + n + " 1 200") == 1);
}

}  // namespace

TEST_CASE("Calls on one connection are told apart") {
  const auto texts = told(Turns{asks(kPing), answers(kPong)} + kWholeBuild +
                          Turns{asks("HEAD /_ping HTTP/1.1\r\n\r\n"),
                                answers("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n")} +
                          kWholeBuild);
  check_whole(texts, 1);
  check_whole(texts, 3);
  CHECK(count(texts, "blind") == 0);
}

TEST_CASE("Hijacked connections are raw in both directions") {
  for (const std::string request :
       {"POST /v1.41/exec/abc/start HTTP/1.1\r\nContent-Type: application/json\r\nContent-Length: "
        "2\r\n\r\n{}",
        "POST /containers/x/attach?stream=1 HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: "
        "tcp\r\n\r\n",
        "GET /containers/x/attach/ws HTTP/1.1\r\nUpgrade: websocket\r\n\r\n",
        "POST /session HTTP/1.1\r\nUpgrade: h2c\r\n\r\n"}) {
    for (const std::string answer :
         {"HTTP/1.1 101 UPGRADED\r\nUpgrade: tcp\r\n\r\n",
          "HTTP/1.1 200 OK\r\nContent-Type: application/vnd.docker.raw-stream\r\n\r\n",
          "HTTP/1.1 200 OK\r\nContent-Type: application/vnd.docker.multiplexed-stream\r\n\r\n"}) {
      if (request.starts_with("POST /session") && !answer.starts_with("HTTP/1.1 101")) continue;
      const auto texts =
          told(Turns{asks(request), answers(answer), asks(kBuild), answers(kChunkedOk),
                     answers(stream("Step 1/1 : FROM a")), loses(Direction::kRequest, 5),
                     loses(Direction::kResponse, 5), asks(kBuild)});
      CHECK(texts.empty());
    }
  }
}

TEST_CASE("Logs of the same type are not hijacked, nor is a detached exec") {
  check_whole(
      told(Turns{asks("GET /containers/x/logs HTTP/1.1\r\n\r\n"),
                 answers("HTTP/1.1 200 OK\r\nContent-Type: application/vnd.docker.raw-stream\r\n"
                         "Transfer-Encoding: chunked\r\n\r\n" +
                         chunk("text") + "0\r\n\r\n")} +
           kWholeBuild),
      1);
  check_whole(
      told(Turns{asks("POST /exec/x/start HTTP/1.1\r\n\r\n"),
                 answers("HTTP/1.1 200 OK\r\nContent-Type: application/vnd.docker.raw-stream\r\n"
                         "Content-Length: 0\r\n\r\n")} +
           kWholeBuild),
      1);
}

TEST_CASE("Input that a client sends before the hijack is no request") {
  CHECK(
      told(Turns{asks("POST /exec/x/start HTTP/1.1\r\n\r\nls -l\nexit\n"),
                 answers(
                     "HTTP/1.1 200 OK\r\nContent-Type: application/vnd.docker.raw-stream\r\n\r\n")})
          .empty());
}

TEST_CASE("An answer may begin before its request ended") {
  const auto texts = told(
      Turns{asks("POST /build HTTP/1.1\r\nContent-Length: 1000\r\n\r\n" + std::string(400, 'x')),
            answers(kChunkedOk), answers(stream("Step 1/1 : FROM a")),
            answers(stream("Successfully built aaaaaaaaaaaa\\n")), answers("0\r\n\r\n"),
            asks(std::string(600, 'x'))} +
      kWholeBuild);
  check_whole(texts, 0);
  check_whole(texts, 1);
}

TEST_CASE("An answer that is seen before its request waits for it") {
  auto turns = kWholeBuild;
  std::rotate(turns.begin(), turns.begin() + 1, turns.begin() + 3);
  check_whole(told(turns), 0);
}

TEST_CASE("An answer without a request is a blind spot, unless it refuses") {
  CHECK(told(Turns{answers("HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n400 Bad Request")})
            .empty());
  CHECK(count(told(Turns{answers(kPong)}), "blind") == 1);
  const auto texts =
      told(Turns{answers(kChunkedOk), answers(stream(std::string(20000, 'x')))}, false, false);
  CHECK(count(texts, "blind") == 1);
}

TEST_CASE("100 Continue and full heads come in any piece") {
  check_whole(
      told(Turns{asks("POST /build HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n"),
                 answers("HTTP/1.1 100 Continue\r\n\r\n"), asks("abc"), answers(kChunkedOk),
                 answers(stream("Step 1/1 : FROM a")),
                 answers(stream("Successfully built aaaaaaaaaaaa\\n")), answers("0\r\n\r\n")}),
      0);
}

TEST_CASE("HTTP/1.0: the answer lasts until the connection is closed") {
  const std::string id = "sha256:" + std::string(64, 'a');
  const std::vector<Turn> turns{asks("POST /build HTTP/1.0\r\n\r\n"),
                                answers("HTTP/1.0 200 OK\r\n\r\n"),
                                answers("{\"stream\":\"Step 1/1 : FROM a\"}\r\n"),
                                answers("{\"aux\":{\"ID\":\"" + id + "\"}}\r\n"),
                                answers("{\"stream\":\"Successfully built aaaaaaaaaaaa\\n\"}\r\n")};
  check_whole(told(turns), 0);
  auto cut = turns;
  cut.pop_back();
  CHECK(count(told(cut), "ended 7.0 4") == 1);
}

TEST_CASE("HTTP/1.0: a step that prints a success and a client that goes away make no image") {
  const std::string id = "sha256:" + std::string(64, 'a');
  for (const bool stage : {false, true}) {  // an earlier stage has an image
    Turns turns{asks("POST /build HTTP/1.0\r\n\r\n"), answers("HTTP/1.0 200 OK\r\n\r\n"),
                answers("{\"stream\":\"Step 1/3 : FROM a\"}\r\n")};
    if (stage) turns.push_back(answers("{\"aux\":{\"ID\":\"" + id + "\"}}\r\n"));
    turns = turns + Turns{answers("{\"stream\":\"Step 2/3 : RUN forge\"}\r\n"),
                          answers("{\"stream\":\" ---\\u003e Running in bbbbbbbbbbbb\\n\"}\r\n"),
                          answers("{\"stream\":\"Successfully built aaaaaaaaaaaa\\n\"}\r\n")};
    CHECK(count(told(turns), "ended 7.0 4") == 1);
  }
}

TEST_CASE("HTTP/1.0: the end of a quiet build is its id, which nothing can precede") {
  const std::string id = "sha256:" + std::string(64, 'a');
  const Turns turns{asks("POST /build?q=1 HTTP/1.0\r\n\r\n"), answers("HTTP/1.0 200 OK\r\n\r\n"),
                    answers("{\"stream\":\"" + id + "\\n\"}\r\n")};
  CHECK(count(told(turns), "ended 7.0 1") == 1);
  Turns forged = turns;
  forged.insert(forged.begin() + 2, answers("{\"stream\":\"Step 1/1 : FROM a\"}\r\n"));
  CHECK(count(told(forged), "ended 7.0 4") == 1);
}

TEST_CASE("A request that breaks off in its body ends with the connection") {
  const auto texts = told(Turns{asks("POST /build HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n" +
                                     chunk("abc") + "5\r\nab")});
  CHECK(count(texts, "requested") == 1);
  CHECK(count(texts, "ended 7.0 4") == 1);
  CHECK(count(texts, "blind") == 0);
}

TEST_CASE("Of a long chunked body what the kernel left hides nothing") {
  const std::string head = "Transfer-Encoding: chunked\r\n\r\n8000\r\nabc";
  const Turns behind{answers(kPong),
                     asks("POST /build?t=next HTTP/1.1\r\nContent-Length: 0\r\n\r\n")};
  for (const std::string call :
       {"POST /images/load HTTP/1.1\r\n", "POST /build?t=first HTTP/1.1\r\n"}) {
    for (const std::string trailer : {"\r\n", "Name: kw-canary\r\n\r\n"}) {
      const auto texts = told(Turns{asks(call + head), skips(Direction::kRequest, 500),
                                    skips(Direction::kRequest, 2'000'000), asks(trailer)} +
                              behind);
      CHECK(count(texts, "blind") == 0);
      CHECK(count(texts, "requested") == (call.find("build") == call.npos ? 1 : 2));
    }
  }
}

TEST_CASE("What the engine refuses to read hides nothing; what it answers does") {
  const std::string refusal =
      "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain\r\nConnection: close\r\n\r\n400 Bad "
      "Request";
  for (const std::string garbage :
       {"garbage\r\n\r\n", "POST /build HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        "PRI * HTTP/2.1\r\n\r\nSM\r\n\r\n"}) {
    CHECK(count(told(Turns{asks(garbage), answers(refusal)}), "blind") == 0);
    CHECK(count(told(Turns{asks(garbage), answers(kPong)}), "blind") == 1);
    CHECK(count(told(Turns{asks(garbage)}), "blind") == 1);
  }
  CHECK(count(told(Turns{asks("\x16\x03\x01\x02\x00\x01\n"), answers("\x16\x03\x03\x00\x7a\n")}),
              "blind") == 1);
}

TEST_CASE("An engine that knows no HTTP/2 refuses its preface, and nothing is hidden") {
  const std::string preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
  const std::string settings("\0\0\0\4\0\0\0\0\0", 9);
  const std::string refusal =
      "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"
      "HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n400 Bad Request";
  for (const auto& turns : {Turns{asks(preface)}, Turns{asks(preface), answers(refusal)},
                            Turns{asks(preface + settings), answers(refusal)}})
    CHECK(count(told(turns), "blind") == 0);
}

TEST_CASE("Loss where a request could stand is a blind spot; loss in a harmless call is none") {
  const auto lost = [](const std::vector<Turn>& turns) { return count(told(turns), "blind"); };
  const std::vector<Turn> idle{asks(kPing), answers(kPong)};
  CHECK(lost(idle + Turns{loses(Direction::kRequest, 40), asks(kPing)}) == 1);
  CHECK(lost({asks("GET /events HTTP/1.1\r\n\r\n"), answers(kChunkedOk),
              answers(message("{\"a\":1}")), loses(Direction::kResponse, 30),
              answers(message("{\"a\":1}"))}) == 0);
  CHECK(lost({asks("POST /images/load HTTP/1.1\r\nContent-Length: 100\r\n\r\nabc"),
              loses(Direction::kRequest, 50)}) == 0);
  // Where the next request may stand, and how the load ended.
  CHECK(lost({asks("POST /images/load HTTP/1.1\r\nContent-Length: 100\r\n\r\nabc"),
              loses(Direction::kRequest, 98)}) == 2);
  CHECK(lost({asks("POST /containers/create HTTP/1.1\r\n\r\n"), loses(Direction::kResponse, 98)}) ==
        1);
  CHECK(lost({asks("POST /containers/x/start HTTP/1.1\r\n\r\n"),
              loses(Direction::kResponse, 98)}) == 1);
}

TEST_CASE("Loss in a build names the build and does not end the reading") {
  auto texts = told(Turns{asks(kBuild), answers(kChunkedOk), answers(stream("Step 1/2 : FROM a")),
                          answers("50\r\nabc"), loses(Direction::kResponse, 0x50 - 3 + 2),
                          answers(stream("Step 2/2 : RUN x")), answers("0\r\n\r\n")} +
                    kWholeBuild);
  CHECK(count(texts, "blind bytes of a build's output were lost of 0") == 1);
  CHECK(count(texts, "step 7.0") == 2);
  check_whole(texts, 1);
}

TEST_CASE("An answer that came before its request was known lost is not the next one's") {
  for (const std::string& answer :
       {kPong, std::string("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n"),
        std::string("HTTP/1.1 200 OK\r\n\r\n")}) {
    const auto texts = fact_texts(
        converse(Turns{answers(answer), loses(Direction::kRequest, 50)} + kWholeBuild, whole()));
    CHECK(count(texts, "blind") == 1);
    check_whole(texts, 0);
  }
}

TEST_CASE("A hidden request's answers are not taken for those of the next one") {
  const auto texts =
      told(Turns{loses(Direction::kRequest, 50), answers(kPong)} + kWholeBuild, false);
  CHECK(count(texts, "blind") == 1);
  check_whole(texts, 0);
}

TEST_CASE("A lost answer does not take the next request with it: the engine has read on") {
  const auto texts =
      fact_texts(converse(Turns{asks(kPing), asks(kBuild), loses(Direction::kResponse, 40)} +
                              Turns(kWholeBuild.begin() + 1, kWholeBuild.end()) + kWholeBuild,
                          whole()));
  check_whole(texts, 1);
  check_whole(texts, 2);
}

TEST_CASE("Of pipelined requests one of whose answers is lost the build's tells itself") {
  const std::string head = "HEAD /_ping HTTP/1.1\r\n\r\n";
  const std::string list =
      "HTTP/1.1 404 Not Found\r\nContent-Length: 15\r\n\r\n{\"message\":\"x\"}";
  for (const auto& between : {Turns{}, Turns{answers(kPong)}, Turns{answers(list)},
                              Turns{answers("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n")}}) {
    const auto texts = fact_texts(converse(
        Turns{asks(kPing + head + kBuild + kPing), loses(Direction::kResponse, 40)} + between +
            Turns(kWholeBuild.begin() + 1, kWholeBuild.end()) + Turns{answers(kPong)} + kWholeBuild,
        whole()));
    CAPTURE(texts);
    CHECK(count(texts, "requested") == 2);
    check_whole(texts, 2);
    check_whole(texts, 4);
  }
}

TEST_CASE("Answers of several builds that cannot be told apart are nobody's") {
  const auto texts = fact_texts(
      converse(Turns{asks(kBuild + kBuild), loses(Direction::kResponse, 40), answers(kChunkedOk),
                     answers(stream("Step 1/1 : FROM a")), answers("0\r\n\r\n")} +
                   kWholeBuild,
               whole()));
  CHECK(count(texts, "ended 7.0 5") == 1);
  CHECK(count(texts, "ended 7.1 5") == 1);
  CHECK(count(texts, "requested 7.2 |") == 1);
  CHECK(count(texts, "step 7.2") == 1);
  check_whole(texts, 3);
}

TEST_CASE("More requests at once than are followed is a blind spot") {
  std::string many;
  for (int i = 0; i < 300; ++i) many += kPing;
  CHECK(count(told(Turns{asks(many)}), "blind") == 300 - 256);
}

TEST_CASE("A build met midway is known by its output") {
  const std::vector<Turn> tail{answers(stream("output of a step\\n")),
                               answers(stream(" ---\\u003e Running in 0123456789ab\\n")),
                               answers(stream("Step 3/3 : RUN x")),
                               answers(stream("Successfully built aaaaaaaaaaaa\\n")),
                               answers("0\r\n\r\n")};
  const auto texts = told(tail + Turns{asks(kPing), answers(kPong)} + kWholeBuild, true);
  REQUIRE(texts.size() > 2);
  CHECK(texts[0] == "requested 7.0 ||||||[][] 0001");
  CHECK(texts[1] == "blind the build began before its conversation was met of 0");
  CHECK(count(texts, "running 7.0") == 1);
  CHECK(count(texts, "ended 7.0 1 200") == 1);
  check_whole(texts, 2);
  CHECK(count(texts, "blind") == 1);
}

TEST_CASE("A build whose whole answer came after the sensor is known too, also a quiet one") {
  const std::string digest(64, 'a');
  for (const auto& line : {stream("Step 1/1 : FROM a"), stream("sha256:" + digest + "\\n"),
                           message("{\"aux\":{\"ID\":\"sha256:" + digest + "\"}}"),
                           message("{\"error\":\"The command 'x' returned a non-zero code: 1\"}")})
    CHECK(count(told(Turns{answers(kChunkedOk), answers(line), answers("0\r\n\r\n")}, true),
                "requested") == 1);
}

TEST_CASE("Conversations met midway that carry no build say nothing") {
  for (const std::string& answer :
       {message("{\"status\":\"start\",\"id\":\"x\"}"),
        chunk(std::string("\1\0\0\0\0\0\0\2ab", 10)), message("{\"message\":\"no such image\"}"),
        std::string("raw bytes"), kPong, std::string("[{\"Id\":\"x\"}]\n")}) {
    for (const std::string& request : {kPing, std::string("rest of a body"), std::string()}) {
      const auto texts =
          told(Turns{answers(answer), asks(request), answers(kPong)} + kWholeBuild, true);
      CHECK(count(texts, "blind") == 0);
      CHECK(count(texts, "requested") == 1);
      CHECK(count(texts, "step") == 1);
    }
  }
}

TEST_CASE("An image whose load or import is met midway is said to have come") {
  const std::string digest(64, 'a');
  for (const auto& answer : {stream("Loaded image: x\\n") + stream("Loaded image: y\\n"),
                             message("{\"status\":\"Importing\",\"id\":\"x\"}") +
                                 message("{\"status\":\"sha256:" + digest + "\"}")}) {
    const auto texts = told(Turns{answers(answer), answers("0\r\n\r\n")}, true);
    REQUIRE(texts.size() == 1);
    CHECK(texts[0].starts_with("blind an image came by a load or an import"));
  }
}

TEST_CASE("A request met midway whose first byte came alone is read") {
  const auto texts =
      told(Turns{asks("tail of a body"), asks(kBuild.substr(0, 1)), asks(kBuild.substr(1)),
                 answers(kChunkedOk), answers(stream("Step 1/1 : FROM a")),
                 answers(stream("Successfully built aaaaaaaaaaaa\\n")), answers("0\r\n\r\n")},
           true);
  check_whole(texts, 0);
}

TEST_CASE("What docker's own resolver says over TCP is no API, and hides none") {
  const std::string query(
      "\0\x1d\x12\x34\x01\0\0\x01\0\0\0\0\0\0\x05"
      "files\x04kiln\x04test\0\0\x01\0\x01",
      33);
  const std::string answer =
      query + std::string("\xc0\x0c\0\x01\0\x01\0\0\0<\0\x04\xc6\x33\x64\x43", 16);
  CHECK(told({asks(query), answers(answer), asks(query), answers(answer)}).empty());
  CHECK(told({answers(answer), asks(query)}).empty());
  CHECK(told({asks(query), answers(kPong), asks(kBuild)}).empty());  // the server is none of HTTP
  const std::vector<Turn> turns{asks(query), answers(answer)};
  const auto kept = recorded(turns, converse(turns, whole()));
  CHECK(kept[0].bytes.size() == 1);
  CHECK(told(kept).empty());
  // TLS is an API's that is not read.
  CHECK_FALSE(told({asks("\x16\x03\x01\x02"), answers("\x16\x03\x03\x02")}).empty());
}

TEST_CASE("The socket of the network hook is no API") {
  const auto facts = [](const std::string& path) {
    domain::ConnOpened opened;
    opened.path = path;
    const auto conversation = engine::make_conversation(opened);
    engine::Output output;
    conversation->data({Direction::kRequest, 1, 0,
                        "{\"ContainerID\":\"x\",\"Key\":\"/proc/1/ns/net\"}", true, true},
                       output);
    conversation->data({Direction::kResponse, 1, 0, "success", false, true}, output);
    conversation->gap(Direction::kRequest, 1, 5, output);
    conversation->close(2, output);
    CHECK((path.find("/libnetwork/") == path.npos ||
           conversation->settled(Direction::kResponse) == 7));
    return output.facts.size() + output.safe.size();
  };
  CHECK(facts("/var/run/docker/libnetwork/841fe3eae721.sock") == 0);
  CHECK(facts("/var/run/docker.sock") > 0);
  CHECK(facts("/tmp/libnetwork.sock") > 0);
  CHECK(facts("@libnetwork/x.sock") > 0);
}
