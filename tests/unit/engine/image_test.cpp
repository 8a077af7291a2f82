#include <algorithm>
#include <catch2/catch_test_macros.hpp>

#include "engine/docker/image_call.h"
#include "harness/conversation.h"

using namespace kilnwatch;
using namespace kilnwatch::test;
using domain::ImageMoved;

namespace {

const std::string kId = "sha256:" + std::string(64, 'e');
const std::string kEnd = "0\r\n\r\n";

std::vector<Turn> call(const std::string& target, const std::string& answer) {
  return {asks("POST /v1.41" + target + " HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n"),
          answers(answer)};
}

std::string status(const std::string& text) { return message("{\"status\":\"" + text + "\"}"); }

// The same facts whatever the split.
std::vector<ImageMoved> moved(const std::vector<Turn>& turns) {
  const auto found = facts_of<ImageMoved>(converse(turns, whole()));
  for (const auto& splitter : {single(), random_split(1), random_split(2), random_split(3)}) {
    const auto other = facts_of<ImageMoved>(converse(turns, splitter));
    REQUIRE(other.size() == found.size());
    for (std::size_t i = 0; i < found.size(); ++i) {
      CHECK(other[i].reference == found[i].reference);
      CHECK(other[i].image == found[i].image);
      CHECK(other[i].certain == found[i].certain);
    }
  }
  return found;
}

}  // namespace

TEST_CASE("References are joined as the engine joins them") {
  using engine::docker::reference_of;
  CHECK(reference_of("x", "1") == "x:1");
  CHECK(reference_of("x:2", "1") == "x:1");
  CHECK(reference_of("x:2", "") == "x:2");
  CHECK(reference_of("host:5000/x", "1") == "host:5000/x:1");
  CHECK(reference_of("x:", "") == "x");
  CHECK(reference_of("x", kId) == "x@" + kId);
  CHECK(reference_of("", "1").empty());
}

TEST_CASE("A pull that brought a newer image moves the name, an idle or failed one does not") {
  const std::string pull = "/images/create?fromImage=evil&tag=1";
  const auto begin = kChunkedOk + status("Pulling from library/evil") + status("Digest: " + kId);
  auto found =
      moved(call(pull, begin + status("Status: Downloaded newer image for evil:1") + kEnd));
  REQUIRE(found.size() == 1);
  CHECK(found[0].reference == "evil:1");
  CHECK(found[0].image == kId);
  CHECK(found[0].certain);
  CHECK(moved(call(pull, begin + status("Status: Image is up to date for evil:1") + kEnd)).empty());
  CHECK(
      moved(call(pull, kChunkedOk + status("Pulling from library/evil") +
                           message("{\"errorDetail\":{\"message\":\"m\"},\"error\":\"m\"}") + kEnd))
          .empty());
  CHECK(moved(call(pull, "HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\n{}")).empty());
  // The client goes away: before the engine could move it, and when it perhaps had.
  CHECK(moved(call(pull, kChunkedOk + status("Pulling from library/evil"))).empty());
  found = moved(call(pull, begin));
  REQUIRE(found.size() == 1);
  CHECK_FALSE(found[0].certain);
  CHECK(found[0].image.empty());
  // By digest no name is moved.
  CHECK(moved(call("/images/create?fromImage=evil&tag=" + kId,
                   begin + status("Status: Downloaded newer image for evil@" + kId) + kEnd))
            .empty());
}

TEST_CASE("A pull of a whole repository leaves all of its names in doubt") {
  const auto found = moved(call("/images/create?fromImage=evil",
                                kChunkedOk + status("Digest: " + kId) +
                                    status("Status: Downloaded newer image for evil") + kEnd));
  REQUIRE(found.size() == 1);
  CHECK(found[0].reference == "evil");
  CHECK(found[0].all_tags);
  CHECK_FALSE(found[0].certain);
}

TEST_CASE("A load tells its names, and whether each was another image's") {
  const auto answer = kChunkedOk +
                      stream("The image keycloak:20 already exists, renaming the old one with ID " +
                             kId + " to empty string\\n") +
                      stream("Loaded image: keycloak:20\\n") + stream("Loaded image: same:1\\n") +
                      kEnd;
  const auto found = moved(call("/images/load?quiet=1", answer));
  REQUIRE(found.size() == 2);
  CHECK(found[0].reference == "keycloak:20");
  CHECK(found[0].certain);
  CHECK(found[0].image.empty());
  CHECK(found[1].reference == "same:1");
  CHECK_FALSE(found[1].certain);
  // What is recorded reads the same.
  std::string safe;
  for (const auto& range : converse(call("/images/load", answer), whole()).safe)
    safe += range.bytes;
  CHECK(safe.find("Loaded image: keycloak:20") != std::string::npos);
}

TEST_CASE("A load of an image without a name tells its id") {
  for (const std::string& lead :
       {std::string("Loaded image ID: "), std::string("Loaded image: ")}) {
    CAPTURE(lead);
    const auto found = moved(call("/images/load", kChunkedOk + stream(lead + kId + "\\n") +
                                                      stream("Loaded image: evil:1\\n") + kEnd));
    REQUIRE(found.size() == 2);
    CHECK(found[0].reference.empty());
    CHECK(found[0].image == kId);
    CHECK(found[0].certain);
    CHECK(found[0].arrival == domain::Arrival::kLoad);
    CHECK(found[1].reference == "evil:1");
    CHECK(found[1].image.empty());
  }
  CHECK(moved(call("/images/load", kChunkedOk + stream("Loaded image ID: sha256:beef\\n") + kEnd))
            .empty());
}

TEST_CASE("What was asked for is told with the image") {
  const std::string ask =
      "POST /v1.41/images/create?fromSrc=example.org/x.tar%3Ftoken%3Dcanary1234&repo=evil HTTP/1.1"
      "\r\nHost: x\r\nUser-Agent: curl/8\r\nContent-Length: 0\r\n\r\n";
  const auto found = moved({asks(ask), answers(kChunkedOk + status(kId) + kEnd)});
  REQUIRE(found.size() == 1);
  const auto& asked = found[0].request;
  CHECK(asked.method == "POST");
  CHECK(asked.path == "/v1.41/images/create");
  CHECK(asked.api_version == "1.41");
  CHECK(asked.user_agent == "curl/8");
  CHECK(asked.source == "http://example.org/x.tar?token=***");
  CHECK(asked.container.empty());
  CHECK(moved(call("/images/create?fromSrc=-", kChunkedOk + status(kId) + kEnd))[0]
            .request.source.empty());
  const auto committed =
      moved(call("/commit?container=web",
                 with_length("HTTP/1.1 201 Created\r\n", "{\"Id\":\"" + kId + "\"}\n")));
  REQUIRE(committed.size() == 1);
  CHECK(committed[0].request.container == "web");
}

TEST_CASE("How a load, an import or a commit ended that was not seen to its end is said") {
  const auto blind = [](std::vector<Turn> turns, bool lost) {
    if (lost) turns.push_back(loses(domain::Direction::kResponse, 50));
    return facts_of<domain::ConversationBlind>(converse(turns, whole())).size();
  };
  const std::string ok = "HTTP/1.1 201 Created\r\nContent-Length: 90\r\n\r\n";
  CHECK(blind(call("/images/load", kChunkedOk), true) == 1);
  CHECK(blind(call("/images/load", kChunkedOk), false) == 1);  // the client went away
  CHECK(blind(call("/images/create?fromSrc=-", kChunkedOk), true) == 1);
  CHECK(blind(call("/commit?container=c", ok), true) == 1);
  CHECK(blind(call("/images/load", "HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n"), false) == 0);
  CHECK(blind(call("/images/load", kChunkedOk + stream("Loaded image: a:1\\n") + kEnd), false) ==
        0);
  CHECK(blind(call("/images/create?fromImage=x&tag=1", kChunkedOk), false) == 0);
  const auto unseen = moved(call("/images/create?fromSrc=-&repo=evil&tag=1", kChunkedOk));
  REQUIRE(unseen.size() == 1);
  CHECK(unseen[0].perhaps);
  CHECK_FALSE(unseen[0].certain);
}

TEST_CASE("A push tells by which digest the image is known elsewhere") {
  const auto pushed = [](const std::string& target, const std::string& answer) {
    return facts_of<domain::ImagePushed>(converse(call(target, answer), whole()));
  };
  const auto line = [](const std::string& tag) {
    return status(tag + ": digest: " + kId + " size: 528");
  };
  auto found = pushed("/images/127.0.0.1:5000%2Fevil/push?tag=1",
                      kChunkedOk + status("The push refers to repository [127.0.0.1:5000/evil]") +
                          line("1") + kEnd);
  REQUIRE(found.size() == 1);
  CHECK(found[0].reference == "127.0.0.1:5000/evil:1");
  CHECK(found[0].digest == kId);
  found = pushed("/images/evil/push", kChunkedOk + line("1") + line("2") + kEnd);
  REQUIRE(found.size() == 2);
  CHECK(found[1].reference == "evil:2");
  CHECK(pushed("/images/evil/push",
               kChunkedOk + message("{\"errorDetail\":{\"message\":\"m\"},\"error\":\"m\"}") + kEnd)
            .empty());
  CHECK(pushed("/images/evil/push", kChunkedOk + status("1: digest: sha256:beef size: 1") + kEnd)
            .empty());
}

TEST_CASE("A load whose answer was lost leaves every name in doubt") {
  auto turns = call("/images/load", kChunkedOk);
  turns.push_back(loses(domain::Direction::kResponse, 50));
  const auto found = moved(turns);
  REQUIRE(found.size() == 1);
  CHECK(found[0].reference.empty());
  CHECK_FALSE(found[0].certain);
}

TEST_CASE("Import and commit name the image they made") {
  auto found =
      moved(call("/images/create?fromSrc=-&repo=evil&tag=1", kChunkedOk + status(kId) + kEnd));
  REQUIRE(found.size() == 1);
  CHECK(found[0].reference == "evil:1");
  CHECK(found[0].image == kId);
  found = moved(call("/commit?container=c&repo=evil",
                     with_length("HTTP/1.1 201 Created\r\n", "{\"Id\":\"" + kId + "\"}\n")));
  REQUIRE(found.size() == 1);
  CHECK(found[0].reference == "evil");
  CHECK(found[0].image == kId);
  CHECK(found[0].certain);
  found = moved(call("/commit?container=c",
                     with_length("HTTP/1.1 201 Created\r\n", "{\"Id\":\"" + kId + "\"}\n")));
  REQUIRE(found.size() == 1);
  CHECK(found[0].reference.empty());
  CHECK(found[0].image == kId);
  CHECK(moved(call("/commit?container=c&repo=evil",
                   with_length("HTTP/1.1 404 Not Found\r\n", "{\"message\":\"no\"}\n")))
            .empty());
}

TEST_CASE("What a step or a client writes moves no name") {
  const auto turns = std::vector<Turn>{
      asks("POST /v1.41/build HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n"),
      answers(kChunkedOk + stream("Loaded image: evil:1\\n") + stream(kId) + kEnd)};
  CHECK(moved(turns).empty());
  const std::string body = "{\"stream\":\"Loaded image: evil:1\\n\"}\n";
  CHECK(moved({asks(with_length("POST /images/load HTTP/1.1\r\nHost: x\r\n", body)),
               answers(kChunkedOk + kEnd)})
            .empty());
}

TEST_CASE("A message that says nothing of an image keeps its end in a recording, and no more") {
  const std::string progress = "{\"status\":\"Downloading kw-canary\"}\r\n";
  const auto out = converse(call("/images/create?fromSrc=http://a/&repo=x",
                                 kChunkedOk + chunk(progress) + status(kId) + kEnd),
                            whole());
  const std::string kept = std::string(progress.size() - 1, '*') + "\n";
  CHECK(std::count_if(out.safe.begin(), out.safe.end(),
                      [&](const auto& range) { return range.bytes == kept; }) == 1);
  for (const auto& range : out.safe) CHECK(range.bytes.find("canary") == range.bytes.npos);
}
