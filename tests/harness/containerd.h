// Messages of containerd's services and of CRI, written by hand: requests as clients send them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/sha256.h"
#include "harness/conversation.h"
#include "harness/http2.h"

namespace kilnwatch::test {

inline std::string varint(std::uint64_t value) {
  std::string out;
  for (; value >= 128; value /= 128) out += static_cast<char>(value % 128 | 128);
  return out + static_cast<char>(value);
}
inline std::string number(unsigned field, std::uint64_t value) {
  return varint(field << 3) + varint(value);
}
inline std::string part(unsigned field, std::string_view bytes) {
  return varint(field << 3 | 2) + varint(bytes.size()) + std::string(bytes);
}
inline std::string entry(unsigned field, std::string_view key, std::string_view value) {
  return part(field, part(1, key) + part(2, value));
}

inline const std::string kOwnServices = "/containerd.services.";
inline const std::string kCriRuntime = "/runtime.v1.RuntimeService/";
inline const std::string kCriImages = "/runtime.v1.ImageService/";

inline std::string digest_of(std::string_view bytes) { return "sha256:" + base::sha256_hex(bytes); }

// A call of a client: its headers and its only message.
inline std::string ask_containerd(std::uint32_t stream, const std::string& path,
                                  const std::string& message, const std::string& space = {}) {
  std::vector<std::pair<std::string, std::string>> fields = {{":method", "POST"},
                                                             {":scheme", "http"},
                                                             {":path", path},
                                                             {"content-type", "application/grpc"},
                                                             {"x-token", "kw-canary-header"}};
  if (!space.empty()) fields.emplace_back("containerd-namespace", space);
  return frame(h2::Type::kHeaders, h2::kEndHeaders, stream, literals(fields)) +
         data(stream, grpc_message(message), h2::kEndStream);
}
inline std::string answer_containerd(std::uint32_t stream, const std::string& message,
                                     const std::string& status = "0") {
  if (status != "0") return answer(stream) + trailers(stream, status);
  return answer(stream) + data(stream, grpc_message(message)) + trailers(stream, status);
}

inline std::string image_request(const std::string& name, const std::string& digest) {
  return part(1,
              part(1, name) + entry(2, "label", "kw-canary-label") +
                  part(3, part(1, "application/vnd.oci.image.manifest.v1+json") + part(2, digest) +
                              number(3, 500) + entry(5, "a", "kw-canary-annotation")));
}

inline std::string spec_json(bool bad) {
  const std::string caps =
      bad ? R"("CAP_CHOWN","CAP_SYS_ADMIN","CAP_SYS_PTRACE")" : R"("CAP_CHOWN")";
  const std::string spaces =
      bad ? R"({"type":"mount"},{"type":"ipc"},{"type":"uts"},{"type":"network"})"
          : R"({"type":"mount"},{"type":"pid"},{"type":"ipc"},{"type":"uts"},{"type":"network"})";
  return R"({"ociVersion":"1.0.2","process":{"args":["sh","-c","kw-canary-args"],)"
         R"("env":["PATH=/bin","TOKEN=kw-canary-env"],"capabilities":{"bounding":[)" +
         caps + R"(]}},"mounts":[{"destination":"/proc","type":"proc","source":"proc"})" +
         (bad ? R"(,{"destination":"/host","type":"bind","source":"/","options":["rbind","ro"]})"
              : "") +
         R"(],"annotations":{"token":"kw-canary-note"},"linux":{"namespaces":[)" + spaces + "]," +
         (bad ? R"("readonlyPaths":[])" : R"("maskedPaths":["/proc/kcore"])") + "}}";
}

inline std::string container_request(const std::string& id, const std::string& image, bool bad) {
  return part(1, part(1, id) + entry(2, "nerdctl/name", "web") +
                     entry(2, "secret", "kw-canary-label") + part(3, image) +
                     part(4, part(1, "io.containerd.runc.v2")) +
                     part(5, part(1, "types.containerd.io/opencontainers/runtime-spec/1/Spec") +
                                 part(2, spec_json(bad))));
}

inline std::string manifest_json(const std::string& config) {
  return R"({"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":)"
         R"({"mediaType":"application/vnd.oci.image.config.v1+json","digest":")" +
         config + R"(","size":500},"layers":[{"digest":"sha256:)" + std::string(64, '9') +
         R"(","size":1}],"annotations":{"org.secret":"kw-canary-annotation"}})";
}
inline std::string index_json(const std::vector<std::string>& manifests) {
  std::string list;
  for (const auto& digest : manifests)
    list += (list.empty() ? "" : ",") + std::string(R"({"digest":")") + digest + R"(","size":9})";
  return R"({"schemaVersion":2,"manifests":[)" + list + "]}";
}

// Content/Write of a blob: asked how it stands, written in pieces of `size`, taken in.
inline std::vector<Turn> write_blob(std::uint32_t stream, const std::string& name,
                                    const std::string& blob, const std::string& space,
                                    std::size_t size = 65536) {
  const std::string path = kOwnServices + "content.v1.Content/Write";
  const auto write = [stream](const std::string& bytes, unsigned flags = 0) {
    return asks(data(stream, grpc_message(bytes), flags));
  };
  const auto digest = digest_of(blob);
  std::vector<Turn> turns{asks(frame(h2::Type::kHeaders, h2::kEndHeaders, stream,
                                     literals({{":method", "POST"},
                                               {":path", path},
                                               {"content-type", "application/grpc"},
                                               {"containerd-namespace", space}}))),
                          write(part(2, name) + number(3, blob.size()))};
  turns.push_back(answers(answer(stream) + data(stream, grpc_message(part(6, digest_of(""))))));
  for (std::size_t at = 0; at < blob.size(); at += size) {
    turns.push_back(write(number(1, 1) + part(2, name) + (at == 0 ? "" : number(5, at)) +
                          part(6, blob.substr(at, size))));
    turns.push_back(answers(
        data(stream, grpc_message(number(1, 1) + part(6, digest_of(blob.substr(0, at + size)))))));
  }
  turns.push_back(write(number(1, 2) + part(2, name) + number(3, blob.size()) + part(4, digest) +
                            number(5, blob.size()) + entry(7, "label", "kw-canary-label"),
                        h2::kEndStream));
  turns.push_back(
      answers(data(stream, grpc_message(number(1, 2) + number(4, blob.size()) + part(6, digest))) +
              trailers(stream, "0")));
  return turns;
}

inline std::string pod_config(const std::string& space, const std::string& name, bool host) {
  const std::string options = host ? number(1, 2) + number(2, 2) : number(1, 0);
  return part(1, part(1, name) + part(2, "uid-1") + part(3, space)) + part(2, "kw-canary-host") +
         entry(6, "label", "kw-canary-label") + entry(7, "note", "kw-canary-annotation") +
         part(8, part(1, "kubepods") + part(2, part(1, options)));
}
inline std::string run_pod_request(const std::string& space, const std::string& name, bool host) {
  return part(1, pod_config(space, name, host)) + part(2, "runc");
}

struct PodContainer {
  std::string sandbox;
  std::string name;
  std::string image;  // as the pod says it; empty: not said
  std::string id;     // as the client asks for it
  bool bad = false;   // privileged, with the host's root
  std::string config_of_pod = {};
};
inline std::string create_request(const PodContainer& c) {
  std::string image = part(1, c.id);
  if (!c.image.empty()) image += part(18, c.image);
  std::string config = part(1, part(1, c.name)) + part(2, image) + part(3, "sh") +
                       part(4, "kw-canary-args") +
                       part(6, part(1, "TOKEN") + part(2, "kw-canary-env"));
  if (c.bad)
    config += part(7, part(1, "/host") + part(2, "/") + number(3, 1)) +
              entry(9, "l", "kw-canary-l") +
              part(15, part(2, part(1, part(1, "SYS_ADMIN") + part(2, "CHOWN")) + number(2, 1) +
                                   part(3, number(1, 2) + number(2, 2))));
  return part(1, c.sandbox) + part(2, config) +
         (c.config_of_pod.empty() ? "" : part(3, c.config_of_pod));
}

inline std::string pull_request(const std::string& image) {
  return part(1, part(1, image)) +
         part(2, part(1, "kw-canary-user") + part(2, "kw-canary-pass") + part(3, "kw-canary-auth") +
                     part(5, "kw-canary-identity") + part(6, "kw-canary-registry")) +
         part(3, pod_config("a", "b", false));
}

}  // namespace kilnwatch::test
