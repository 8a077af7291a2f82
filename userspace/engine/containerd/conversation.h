// What is said to containerd over its API and its runtime interface for Kubernetes: the images that
// come, the containers and pods that are made of them.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "engine/containerd/blob.h"
#include "engine/grpc_calls.h"

namespace kilnwatch::engine::containerd {

// Calls of one connection at once of which the answer is waited for. The kubelet makes some dozens.
inline constexpr std::size_t kMaxCalls = 256;

enum class Method : std::uint8_t {
  kOther,
  kUnknown,  // its path is not known
  kSetImage,
  kDeleteImage,
  kGetImage,
  kCreateContainer,
  kCreateTask,
  kStartTask,
  kWriteContent,
  kReadContent,
  kTransfer,
  kRunPod,  // from here on: of CRI
  kCreateInPod,
  kStartInPod,
  kPullImage,
};

class ContainerdConversation final : public GrpcCalls {
 public:
  explicit ContainerdConversation(const domain::ConnOpened& opened);

  void gap(domain::Direction direction, domain::TimeNs time, std::uint64_t count,
           Output& out) override;
  void close(domain::TimeNs time, Output& out) override;
  std::uint64_t settled(domain::Direction direction) const override;
  std::size_t held_bytes() const override;

 private:
  struct Call {
    Method method = Method::kOther;
    domain::CallId id;
    std::string engine_namespace;
    bool homeless = false;  // its namespace is not known
    bool asked = false;
    bool answered = false;
    bool torn = false;                         // a part of the answers was not seen
    std::optional<domain::ApiFact> fact = {};  // told once the engine agrees
    std::optional<BlobWrite> blob = {};
    std::optional<BlobRead> read = {};
  };
  enum class Outcome : std::uint8_t { kAgreed, kRefused, kUnknown };

  void called(const Stream& stream, const protocol::http2::HeaderList& list) override;
  void said(const Stream& stream, Sender from, const Text& text) override;
  void headers_unknown(const Stream& stream, Sender from, std::string_view reason) override;
  void end(const Stream& stream, Sender from) override;
  void reset(const Stream& stream, Sender from, std::uint32_t code) override;
  void dropped(const Stream& stream) override;
  void synced(Sender from, protocol::http2::Sync) override {
    synced_ = synced_ || from == Sender::kConnector;
  }
  void broken(Sender from, std::string_view reason) override;

  Call* open(const Stream& stream, Method method);
  bool make_room(bool for_lookup);
  bool take_shape(Call& call, std::string_view message);
  void asked(Call& call, const Text& text);
  void answered(Call& call, const Text& text);
  void asked_image(Call& call, domain::ImageMoved moved);
  void asked_container(Call& call, domain::ContainerCreated created);
  void asked_start(Call& call, std::string container);
  void conclude(std::uint32_t stream, Outcome outcome);
  void blind(std::string_view reason);
  void lose(std::string_view reason);

  domain::ConnId conn_;
  bool midway_;
  bool synced_ = false;    // the client's side was found
  bool relevant_ = false;  // something was asked for that is looked at
  std::uint32_t number_ = 0;
  std::map<std::uint32_t, Call> calls_;  // by stream
  // Of the content that this client wrote last.
  domain::Arrival arrival_ = domain::Arrival::kUnknown;
};

}  // namespace kilnwatch::engine::containerd
