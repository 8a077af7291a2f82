// containerd's own API and CRI, over a connection of HTTP/2 by prior knowledge.
#include <algorithm>
#include <catch2/catch_test_macros.hpp>
#include <random>

#include "engine/containerd/json_mask.h"
#include "engine/containerd/manifest.h"
#include "harness/containerd.h"
#include "harness/facts.h"
#include "harness/recorded.h"

using namespace kilnwatch;
using namespace kilnwatch::test;
using domain::Direction;

namespace {

const std::string kConfig = "sha256:" + std::string(64, 'c');
const std::string kPod(64, 'a'), kContainer(64, 'b');
const std::string kImages = kOwnServices + "images.v1.Images/";
const std::string kContainers = kOwnServices + "containers.v1.Containers/";
const std::string kTasks = kOwnServices + "tasks.v1.Tasks/";

std::vector<Turn> begun(std::vector<std::vector<Turn>> parts) {
  std::vector<Turn> turns{answers(settings()), asks(client_start())};
  for (const auto& part : parts) turns.insert(turns.end(), part.begin(), part.end());
  return turns;
}

std::vector<Turn> call(std::uint32_t stream, const std::string& path, const std::string& message,
                       const std::string& space, const std::string& response = {},
                       const std::string& status = "0") {
  return {asks(ask_containerd(stream, path, message, space)),
          answers(answer_containerd(stream, response, status))};
}

std::vector<Turn> import_and_run() {
  const auto manifest = manifest_json(kConfig);
  return begun(
      {write_blob(1, "tar-layer.tar", std::string(40'000, 'x'), "default"),
       write_blob(3, "tar-blobs/sha256/c", R"({"config":{"Env":["T=kw-canary-env"]}})", "default"),
       write_blob(5, "manifest-x", manifest, "default"),
       call(7, kImages + "Create", image_request("docker.io/library/evil:1", digest_of(manifest)),
            "default", "kw-canary-answer"),
       call(9, kContainers + "Create", container_request("job", "docker.io/library/evil:1", true),
            "default"),
       call(11, kTasks + "Create", part(1, "job"), "default"),
       call(13, kTasks + "Start", part(1, "job"), "default", number(1, 4711)),
       call(15, kTasks + "Start", part(1, "job") + part(2, "exec-1"), "default")});
}

std::vector<Turn> pod(std::vector<Turn> before = {}) {
  return begun({before,
                call(1, kCriImages + "PullImage", pull_request("evil:1"), "", part(1, kConfig)),
                call(3, kCriRuntime + "RunPodSandbox", run_pod_request("prod", "web-0", true), "",
                     part(1, kPod)),
                call(5, kCriRuntime + "CreateContainer",
                     create_request(
                         {kPod, "app", "evil:1", kConfig, true, pod_config("prod", "web-0", true)}),
                     "", part(1, kContainer)),
                call(7, kCriRuntime + "StartContainer", part(1, kContainer), "")});
}

engine::Output converse_containerd(const std::vector<Turn>& turns, const Splitter& split,
                                   bool midway = false) {
  return converse(turns, split, true, midway, false, domain::EngineKind::kContainerd);
}

// In any split, without a secret, and the same once more from a recording.
std::vector<std::string> checked(const std::vector<Turn>& turns) {
  const auto output = converse_containerd(turns, whole());
  const auto texts = fact_texts(output);
  CHECK(fact_texts(converse_containerd(turns, single())) == texts);
  for (unsigned seed = 0; seed < 10; ++seed)
    CHECK(fact_texts(converse_containerd(turns, random_split(seed))) == texts);
  CHECK(apart(output.safe));
  CHECK(everything(output).find("canary") == std::string::npos);
  CHECK(fact_texts(converse_containerd(recorded(turns, output), whole())) == texts);
  for (const auto& text : texts) UNSCOPED_INFO(text);
  return texts;
}

std::size_t count(const std::vector<std::string>& texts, const std::string& lead) {
  return static_cast<std::size_t>(std::count_if(
      texts.begin(), texts.end(), [&](const auto& text) { return text.starts_with(lead); }));
}

}  // namespace

TEST_CASE("containerd: an image is imported and run") {
  const auto manifest = digest_of(manifest_json(kConfig));
  const auto texts = checked(import_and_run());
  REQUIRE(texts.size() == 6);
  CHECK(texts[0] == "manifest 7.2 " + manifest + "|" + kConfig + "[]");
  CHECK(texts[1] == "moved 7.3 docker.io/library/evil:1||" + manifest + "|default|2");
  CHECK(texts[2] ==
        "created 7.4 job|web|docker.io/library/evil:1[/:/host:ro,][CAP_SYS_ADMIN,CAP_SYS_PTRACE,]"
        "[pid,] 1|default|");
  CHECK(texts[3] == "start asked 7.5 job|default");
  CHECK(texts[4] == "start asked 7.6 job|default");
  CHECK(texts[5] == "started 7.6 job|default");
}

TEST_CASE("containerd: a pod's container is created and started") {
  const auto texts = checked(pod());
  REQUIRE(texts.size() == 5);
  CHECK(texts[0] == "moved 7.0 evil:1|" + kConfig + "||k8s.io|1");
  CHECK(texts[1] == "pod 7.1 " + kPod + "|prod/web-0[net,pid,]");
  CHECK(texts[2] == "created 7.2 " + kContainer +
                        "|app|evil:1[/:/host:ro,][SYS_ADMIN,][net,pid,] " + "1|k8s.io|" + kConfig +
                        "|" + kPod + "|prod/web-0");
  CHECK(texts[3] == "start asked 7.3 " + kContainer + "|k8s.io");
  CHECK(texts[4] == "started 7.3 " + kContainer + "|k8s.io");
}

TEST_CASE("containerd: the interface of Kubernetes under its older name") {
  const auto texts = checked(begun({call(1, "/runtime.v1alpha2.RuntimeService/RunPodSandbox",
                                         run_pod_request("a", "b", false), "", part(1, kPod))}));
  CHECK(texts == std::vector<std::string>{"pod 7.0 " + kPod + "|a/b[]"});
}

TEST_CASE("containerd: what the engine refuses did not happen") {
  CHECK(checked(begun({call(1, kImages + "Create", image_request("a", kConfig), "default", "", "6"),
                       call(3, kContainers + "Create", container_request("a", "b", false), "x", "",
                            "6"),
                       call(5, kCriRuntime + "RunPodSandbox", run_pod_request("a", "b", false), "",
                            "", "2")}))
            .empty());
}

TEST_CASE(
    "containerd: a call that ends without an answer was refused, also where the status cannot be "
    "read") {
  // Entries of a table that was filled before: index 100.
  const auto unread = [](std::uint32_t stream) {
    return frame(h2::Type::kHeaders, h2::kEndHeaders | h2::kEndStream, stream, "\xe4");
  };
  auto turns =
      begun({{asks(ask_containerd(1, kImages + "Update", image_request("a", kConfig), "default")),
              answers(unread(1))}});
  CHECK(checked(turns).empty());
  turns.push_back(
      asks(ask_containerd(3, kImages + "Create", image_request("a", kConfig), "default")));
  turns.push_back(answers(data(3, grpc_message(part(1, "a")), 0) + unread(3)));
  CHECK(checked(turns).size() == 1);
}

TEST_CASE("containerd: a name that is updated, deleted or transferred") {
  const auto transfer = [](const std::string& source, const std::string& to) {
    return part(1,
                part(1, "containerd.types.transfer." + source) +
                    part(2, part(1, "docker.io/library/evil:1") + part(2, "kw-canary-resolver"))) +
           part(2, part(1, "containerd.types.transfer." + to) +
                       part(2, part(1, "docker.io/library/a:1")));
  };
  const std::string path = kOwnServices + "transfer.v1.Transfer/Transfer";
  const auto texts =
      checked(begun({call(1, kImages + "Update", image_request("a", kConfig), "k8s.io"),
                     call(3, kImages + "Delete", part(1, "a"), "k8s.io"),
                     call(5, path, transfer("OCIRegistry", "ImageStore"), "default"),
                     call(7, path, transfer("ImageImportStream", "ImageStore"), "default"),
                     call(9, path, transfer("ImageStore", "OCIRegistry"), "default")}));
  CHECK(texts == std::vector<std::string>{"moved 7.0 a||" + kConfig + "|k8s.io|0",
                                          "moved 7.1 a|||k8s.io|0",
                                          "moved 7.2 docker.io/library/a:1||perhaps||default|1",
                                          "moved 7.3 docker.io/library/a:1||perhaps||default|2"});
}

TEST_CASE("containerd: a name that is looked up, and the manifest that is read then") {
  const auto manifest = manifest_json(kConfig);
  const std::string read = kOwnServices + "content.v1.Content/Read";
  const auto piece = [](std::size_t at, const std::string& bytes) {
    return grpc_message((at == 0 ? "" : number(1, at)) + part(2, bytes));
  };
  const auto reads = [&](std::uint32_t stream, const std::string& blob, std::size_t from,
                         std::size_t second) {
    const std::string request =
        part(1, digest_of(blob)) + (from == 0 ? "" : number(2, from)) + number(3, blob.size());
    return std::vector<Turn>{
        asks(ask_containerd(stream, read, request, "default")),
        answers(answer(stream) +
                data(stream, piece(0, blob.substr(0, 9)) + piece(second, blob.substr(9))) +
                trailers(stream, "0"))};
  };
  const auto texts = checked(begun({call(1, kImages + "Get", part(1, "a:1"), "default",
                                         image_request("a:1", digest_of(manifest))),
                                    call(3, kImages + "Get", part(1, "b:1"), "default", "", "5"),
                                    reads(5, manifest, 0, 9)}));
  CHECK(texts ==
        std::vector<std::string>{"resolved 7.0 a:1|" + digest_of(manifest) + "|default",
                                 "manifest 7.2 " + digest_of(manifest) + "|" + kConfig + "[]"});
  // What stands behind a group is not read here, but by containerd.
  const std::string hidden = part(1, digest_of(manifest)) + "\x9b\x06\x9c\x06" + number(2, 4);
  CHECK(checked(begun({{asks(ask_containerd(1, read, hidden, "default")),
                        answers(answer(1) + data(1, piece(0, manifest)) + trailers(1, "0"))}}))
            .empty());
  // A client that has what it asked for gives up the rest (containerd: content/proxy).
  CHECK(checked(begun({{asks(ask_containerd(1, read, part(1, digest_of(manifest)), "default")),
                        answers(answer(1) + data(1, piece(0, manifest))),
                        asks(frame(h2::Type::kReset, 0, 1, std::string(3, '\0') + "\x08"))}}))
            .size() == 1);
  // Without a namespace there is no such name.
  CHECK(checked(begun({call(1, kImages + "Get", part(1, "a:1"), "",
                            image_request("a:1", digest_of(manifest)))}))
            .empty());
  // A part that is not the first, a place that does not follow, another blob.
  CHECK(checked(begun({reads(1, manifest, 4, 9), reads(3, manifest, 0, 8),
                       reads(5, R"({"config":{"Env":["T=kw-canary-env"]}})", 0, 9)}))
            .empty());
}

TEST_CASE("containerd: more lookups at once than are followed put no name in doubt") {
  std::vector<std::vector<Turn>> parts;
  for (std::uint32_t i = 0; i < 300; ++i)
    parts.push_back({asks(ask_containerd(2 * i + 1, kImages + "Get", part(1, "a:1"), "default"))});
  parts.push_back(call(601, kImages + "Create", image_request("a:1", kConfig), "default"));
  CHECK(fact_texts(converse_containerd(begun(parts), whole())).size() == 1);
}

TEST_CASE("containerd: a call that made room for others is not taken for one of dockerd's") {
  std::vector<std::vector<Turn>> parts;
  for (std::uint32_t i = 0; i <= 256; ++i)
    parts.push_back({asks(frame(h2::Type::kHeaders, h2::kEndHeaders, 2 * i + 1,
                                literals({{":method", "POST"},
                                          {":path", kImages + "Create"},
                                          {"content-type", "application/grpc"},
                                          {"containerd-namespace", "default"}})))});
  parts.push_back({asks(data(1, grpc_message(image_request("a:1", kConfig)), h2::kEndStream)),
                   answers(answer_containerd(1, "x"))});
  CHECK(fact_texts(converse_containerd(begun(parts), whole())) ==
        std::vector<std::string>{
            "blind more calls at once on a connection of containerd than are followed",
            "moved 7.0 ||perhaps||*|0"});
}

TEST_CASE("containerd: what a client hides from those that read no groups may be any name") {
  const auto request = image_request("a:1", kConfig);
  for (const auto& hidden : {request + "\x9b\x06\x9c\x06" + image_request("b:1", kConfig),
                             part(1, part(1, "a:1") + "\x9b\x06\x9c\x06" + part(1, "b:1"))}) {
    const auto texts = checked(begun({call(1, kImages + "Create", hidden, "default")}));
    CHECK(count(texts, "blind") == 1);
    CHECK(count(texts, "moved 7.0 ||perhaps||*|0") == 1);
    CHECK(count(texts, "moved 7.0 a:1||sha256") == 0);
  }
}

TEST_CASE("containerd: an update of labels alone moves no name") {
  const auto update = [](const std::string& paths) {
    const auto image = image_request("a:1", kConfig);
    return checked(begun({call(1, kImages + "Update", image + part(2, paths), "default")})).size();
  };
  CHECK(update(part(1, "labels.kw-canary-label")) == 0);
  CHECK(update(part(1, "labels") + part(1, "target")) == 1);
  CHECK(update(number(1, 1'700'000'000)) == 1);  // the time of Images/Create
}

TEST_CASE("containerd: a manifest in pieces, an index, and blobs that are neither") {
  const auto manifest = manifest_json(kConfig);
  const auto index = index_json({digest_of(manifest), kConfig});
  for (const std::size_t size : {std::size_t{1}, std::size_t{7}, std::size_t{100}}) {
    const auto texts = checked(begun({write_blob(1, "a", manifest, "x", size),
                                      write_blob(3, "b", "\n " + index, "x", size),
                                      write_blob(5, "c", R"({"rootfs":"kw-canary"})", "x", size),
                                      write_blob(7, "d", "[1]", "x", size)}));
    CHECK(texts ==
          std::vector<std::string>{"manifest 7.0 " + digest_of(manifest) + "|" + kConfig + "[]",
                                   "manifest 7.1 " + digest_of("\n " + index) + "|[" +
                                       digest_of(manifest) + "," + kConfig + ",]"});
  }
}

TEST_CASE("containerd: an index that has more manifests than are kept, or others, is not whole") {
  using engine::containerd::read_manifest;
  std::vector<std::string> all(64, kConfig);
  CHECK(read_manifest(index_json(all))->whole);
  CHECK_FALSE(read_manifest(index_json({kConfig, "sha512:" + std::string(128, 'a')}))->whole);
  all.push_back(kConfig);
  CHECK_FALSE(read_manifest(index_json(all))->whole);
}

TEST_CASE("containerd: a manifest that is not seen whole is said") {
  auto turns = begun({write_blob(1, "a", manifest_json(kConfig) + std::string(70'000, ' '), "x")});
  CHECK(count(checked(turns), "blind") == 1);
  CHECK(count(checked(turns), "manifest") == 0);
}

TEST_CASE("containerd: a writer that begins again, or leaves bytes out, is followed") {
  const auto write = [](const std::string& message, unsigned flags = 0) {
    return asks(data(1, grpc_message(message), flags));
  };
  const auto manifest = manifest_json(kConfig);
  auto turns = begun(
      {{asks(test::call(1, kOwnServices + "content.v1.Content/Write")), write(part(2, "a")),
        write(number(1, 1) + part(6, manifest_json(kPod))), write(number(1, 1) + part(6, manifest)),
        write(number(1, 2) + number(5, manifest.size()), h2::kEndStream),
        answers(answer(1) + data(1, grpc_message(number(1, 2) + part(6, kConfig))) +
                trailers(1, "0"))}});
  CHECK(count(checked(turns), "manifest 7.0 " + kConfig + "|" + kConfig) == 1);
  turns[5] = write(number(1, 1) + number(5, 3) + part(6, manifest));
  CHECK(count(checked(turns), "manifest") == 0);
}

TEST_CASE("containerd: a message in parts is one, as its reader merges it") {
  const auto request = part(1, kPod) + part(2, part(1, part(1, "app"))) +
                       part(2, part(2, part(1, "evil:1"))) +
                       part(2, part(15, part(2, number(2, 1))));
  const auto texts =
      checked(begun({call(1, kCriRuntime + "CreateContainer", request, "", part(1, kContainer))}));
  REQUIRE(texts.size() == 1);
  CHECK(texts[0] ==
        "created 7.0 " + kContainer + "|app|evil:1[][][] 1|k8s.io|evil:1|" + kPod + "|/");
}

TEST_CASE("containerd: CRI is known by its shape on a connection that was open before") {
  const auto unnamed = [](std::uint32_t stream, const std::string& message,
                          const std::string& response) -> std::vector<Turn> {
    // An entry of a table that was filled before: index 100.
    return {asks(frame(h2::Type::kHeaders, h2::kEndHeaders, stream, "\xe4") +
                 data(stream, grpc_message(message), h2::kEndStream)),
            answers(answer_containerd(stream, response))};
  };
  std::vector<Turn> turns;
  for (const auto& part_of :
       {unnamed(101, run_pod_request("prod", "web-0", false), part(1, kPod)),
        unnamed(103, create_request({kPod, "app", "evil:1", kConfig}), part(1, kContainer)),
        unnamed(105, part(1, kContainer), ""),
        unnamed(107, pull_request("evil:1"), part(1, kConfig)),
        unnamed(109, part(1, part(1, "evil:1")), part(1, part(1, kConfig))),
        unnamed(111, container_request("x", "y", false), ""),
        unnamed(113, image_request("evil:1", kConfig), ""), unnamed(115, part(1, "evil:1"), "")})
    turns.insert(turns.end(), part_of.begin(), part_of.end());
  auto marked = [&](const Splitter&) {
    domain::ConnOpened opened;
    opened.conn = 7;
    opened.engine = domain::EngineKind::kContainerd;
    opened.midway = true;
    const auto conversation = engine::make_conversation(opened);
    engine::Output output;
    std::uint64_t pos[2] = {0, 0};
    for (const auto& turn : turns) {
      auto& at = pos[static_cast<std::size_t>(turn.direction)];
      conversation->data({turn.direction, 1000, at, turn.bytes, at == 0, true}, output);
      at += turn.bytes.size();
    }
    conversation->close(2000, output);
    return output;
  };
  const auto output = marked(whole());
  const auto texts = fact_texts(output);
  for (const auto& text : texts) UNSCOPED_INFO(text);
  REQUIRE(texts.size() == 7);
  CHECK(texts[0].starts_with("pod "));
  CHECK(texts[1].starts_with("created "));
  CHECK(texts[2].starts_with("moved "));
  // containerd's own: in whose namespace is not known.
  for (const std::size_t i : {3, 5}) {
    CHECK(texts[i].starts_with("blind"));
    CHECK(texts[i + 1].starts_with("moved "));
  }
  CHECK(everything(output).find("canary") == std::string::npos);
}

TEST_CASE("containerd: what does not begin as HTTP/2 is another service, and nobody's loss") {
  for (const std::string& bytes :
       {std::string("POST /exec/abc HTTP/1.1\r\n\r\nkw-canary"),
        std::string("\x00\x00\x00\x12\x00\x00\x00\x01\x01\x00kw-canary", 19),
        std::string("\x16\x03\x01kw-canary", 12)}) {
    const auto output =
        converse_containerd({asks(bytes), answers(bytes), asks(std::string(500, 'x'))}, whole());
    CHECK(output.facts.empty());
    CHECK(everything(output).find("canary") == std::string::npos);
  }
}

TEST_CASE("containerd: lost bytes of a conversation are said, and any name may have moved") {
  auto turns = import_and_run();
  turns.insert(turns.begin() + 2, loses(Direction::kRequest, 500));
  const auto texts = fact_texts(converse_containerd(turns, whole()));
  CHECK(count(texts, "blind") >= 1);
  CHECK(std::count(texts.begin(), texts.end(), "moved 7.0 ||perhaps||*|0") >= 1);
}

TEST_CASE("containerd: an answer to what was not seen is said, and any name may have moved") {
  const auto turns = begun({{answers(answer_containerd(1, "x"))}});
  const auto texts = fact_texts(converse_containerd(turns, whole()));
  CHECK(count(texts, "blind") == 1);
  CHECK(count(texts, "moved 7.0 ||perhaps||*|0") == 1);
}

TEST_CASE("containerd: whatever is in a conversation, nothing but facts comes of it") {
  for (unsigned seed = 0; seed < 300; ++seed) {
    std::mt19937 random(seed);
    auto turns = seed % 2 == 0 ? import_and_run() : pod();
    for (int i = 0; i < 5; ++i) {
      auto& turn = turns[2 + random() % (turns.size() - 2)];
      if (turn.bytes.empty()) continue;
      const auto at = random() % turn.bytes.size();
      const auto kind = random() % 4;
      if (kind < 2) turn.bytes[at] = static_cast<char>(random());
      if (kind == 2) turn.kind = random() % 2 == 0 ? Turn::Kind::kGap : Turn::Kind::kSkip;
      if (kind == 3) turn.bytes.resize(at);
    }
    const auto output = converse_containerd(turns, random_split(seed), seed % 3 == 0);
    CHECK(apart(output.safe));
  }
}

TEST_CASE("containerd: of JSON only what is named is kept, in equal length") {
  using engine::containerd::masked_manifest;
  const std::string text =
      R"({"config":{"digest":"sha256:1","size":5},"a\"b":"x","Manifests":["y",{"k":"z"}],"t":true})";
  const std::string masked =
      R"({"config":{"digest":"sha256:1","size":5},"****":"*","Manifests":["*",{"*":"*"}],"*":true})";
  CHECK(masked_manifest(text) == masked);
  CHECK(masked_manifest(masked) == masked);
  for (std::size_t n = 0; n < text.size(); ++n)
    CHECK(masked_manifest(text.substr(0, n)).size() == n);
}
