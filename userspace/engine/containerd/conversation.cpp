#include "engine/containerd/conversation.h"

#include <algorithm>
#include <utility>

#include "base/secrets.h"
#include "base/text.h"
#include "engine/containerd/cri.h"
#include "engine/containerd/services.h"
#include "engine/wire.h"

namespace kilnwatch::engine::containerd {
namespace {

using domain::Direction;

constexpr std::string_view kServices = "/containerd.services.";
constexpr std::pair<std::string_view, Method> kOwn[] = {
    {"images.v1.Images/Create", Method::kSetImage},
    {"images.v1.Images/Update", Method::kSetImage},
    {"images.v1.Images/Delete", Method::kDeleteImage},
    {"images.v1.Images/Get", Method::kGetImage},
    {"containers.v1.Containers/Create", Method::kCreateContainer},
    {"tasks.v1.Tasks/Create", Method::kCreateTask},
    {"tasks.v1.Tasks/Start", Method::kStartTask},
    {"content.v1.Content/Write", Method::kWriteContent},
    {"content.v1.Content/Read", Method::kReadContent},
    {"transfer.v1.Transfer/Transfer", Method::kTransfer}};
constexpr std::pair<std::string_view, Method> kCri[] = {
    {"RuntimeService/RunPodSandbox", Method::kRunPod},
    {"RuntimeService/CreateContainer", Method::kCreateInPod},
    {"RuntimeService/StartContainer", Method::kStartInPod},
    {"ImageService/PullImage", Method::kPullImage}};
// containerd 1.x serves both.
constexpr std::string_view kCriVersions[] = {"/runtime.v1.", "/runtime.v1alpha2."};

// Where CRI keeps its images and containers (containerd: internal/cri/constants).
constexpr std::string_view kKubernetes = "k8s.io";
constexpr std::string_view kNamespace = "containerd-namespace";
constexpr std::size_t kMaxNamespace = 76;  // containerd: pkg/identifiers

Method method_of(std::string_view path) {
  if (path.empty()) return Method::kUnknown;
  for (const auto& [name, method] : kOwn) {
    if (path.starts_with(kServices) && path.substr(kServices.size()) == name) return method;
  }
  for (const auto version : kCriVersions) {
    for (const auto& [name, method] : kCri) {
      if (path.starts_with(version) && path.substr(version.size()) == name) return method;
    }
  }
  return Method::kOther;
}

// Of a call whose path is not known: what Kubernetes asks for has a shape of its own.
Method shape_of(std::string_view message) {
  if (is_create(message)) return Method::kCreateInPod;
  if (is_run_pod(message)) return Method::kRunPod;
  return is_pull(message) ? Method::kPullImage : Method::kOther;
}

GrpcCalls::Beginning beginning_of(const domain::ConnOpened& opened) {
  GrpcCalls::Beginning beginning;
  beginning.midway = opened.midway;
  return beginning;
}

// What the answer to a request of CRI brings.
std::string* answer_of(domain::ApiFact& fact) {
  if (auto* pod = std::get_if<domain::PodStarted>(&fact)) return &pod->sandbox;
  if (auto* created = std::get_if<domain::ContainerCreated>(&fact)) return &created->container_id;
  if (auto* moved = std::get_if<domain::ImageMoved>(&fact)) return &moved->image;
  return nullptr;
}

}  // namespace

ContainerdConversation::ContainerdConversation(const domain::ConnOpened& opened)
    : GrpcCalls(beginning_of(opened)), conn_(opened.conn), midway_(opened.midway) {}

void ContainerdConversation::gap(Direction direction, domain::TimeNs time, std::uint64_t count,
                                 Output& out) {
  for (auto& [stream, call] : calls_) {
    if (direction != Direction::kResponse) continue;
    call.torn = true;
    if (call.read) call.read->torn();
  }
  GrpcCalls::gap(direction, time, count, out);
}

void ContainerdConversation::close(domain::TimeNs time, Output& out) {
  GrpcCalls::close(time, out);
  while (!calls_.empty()) conclude(calls_.begin()->first, Outcome::kUnknown);
}

std::uint64_t ContainerdConversation::settled(Direction direction) const {
  auto place = GrpcCalls::settled(direction);
  for (const auto& [stream, call] : calls_) {
    std::optional<std::uint64_t> first;
    if (direction == Direction::kRequest && call.blob) first = call.blob->first_pos();
    if (direction == Direction::kResponse && call.read) first = call.read->first_pos();
    place = std::min(place, first.value_or(place));
  }
  return place;
}

std::size_t ContainerdConversation::held_bytes() const {
  std::size_t sum = GrpcCalls::held_bytes() + calls_.size() * sizeof(Call);
  for (const auto& [stream, call] : calls_) {
    sum += call.blob ? call.blob->held_bytes() : 0;
    sum += call.read ? call.read->held_bytes() : 0;
  }
  return sum;
}

ContainerdConversation::Call* ContainerdConversation::open(const Stream& stream, Method method) {
  if (const auto known = calls_.find(stream.id); known != calls_.end()) return &known->second;
  if (method == Method::kOther) return nullptr;
  const bool looks = method == Method::kGetImage || method == Method::kReadContent;
  if (calls_.size() >= kMaxCalls && !make_room(looks)) return nullptr;
  auto& call = calls_[stream.id];
  call.method = method;
  call.id = {conn_, number_++};
  relevant_ = relevant_ || (method != Method::kUnknown && !looks);
  if (method >= Method::kRunPod) call.engine_namespace = kKubernetes;
  if (method == Method::kWriteContent) call.blob.emplace();
  if (method == Method::kReadContent) call.read.emplace();
  return &call;
}

// Lookups go first, and are not missed: a name is in doubt for as long as none tells what it means.
bool ContainerdConversation::make_room(bool for_lookup) {
  const auto lookup = std::find_if(calls_.begin(), calls_.end(), [](const auto& one) {
    return one.second.method == Method::kGetImage || one.second.method == Method::kReadContent;
  });
  if (lookup == calls_.end() && for_lookup) return false;
  if (lookup != calls_.end()) {
    calls_.erase(lookup);
    return true;
  }
  lose("more calls at once on a connection of containerd than are followed");
  conclude(calls_.begin()->first, Outcome::kUnknown);
  return true;
}

void ContainerdConversation::called(const Stream& stream, const protocol::http2::HeaderList& list) {
  auto* call = open(stream, method_of(path_of(stream)));
  if (call == nullptr || !call->engine_namespace.empty()) return;
  call->engine_namespace = base::mask_text(list.field(kNamespace).substr(0, kMaxNamespace));
  // containerd serves none without one.
  call->homeless = call->engine_namespace.empty() && call->method > Method::kUnknown;
}

void ContainerdConversation::said(const Stream& stream, Sender from, const Text& text) {
  const bool client = from == Sender::kConnector;
  // One whose path is known was met with its headers: where it is gone it had to make room.
  const bool unknown = client && stream.path.empty();
  auto* call = open(stream, unknown ? Method::kUnknown : Method::kOther);
  if (call == nullptr) return;
  if (call->method == Method::kUnknown && client && !take_shape(*call, text.bytes))
    return void(calls_.erase(stream.id));
  return client ? asked(*call, text) : answered(*call, text);
}

// The namespace of a call stands where its path does: of containerd's own services it is not known
// whose image or container it is.
bool ContainerdConversation::take_shape(Call& call, std::string_view message) {
  call.method = shape_of(message);
  if (call.method == Method::kOther) {
    if (!is_set_image(message) && !is_create_container(message)) return false;
    relevant_ = true;
    lose("an image or a container was made over a connection to containerd that was open before");
    return false;
  }
  call.engine_namespace = kKubernetes;
  return relevant_ = true;
}

void ContainerdConversation::asked_image(Call& call, domain::ImageMoved moved) {
  moved.call = call.id;
  moved.engine_namespace = call.engine_namespace;
  call.fact = std::move(moved);
}

void ContainerdConversation::asked_container(Call& call, domain::ContainerCreated created) {
  created.call = call.id;
  created.engine_namespace = call.engine_namespace;
  call.fact = std::move(created);
}

void ContainerdConversation::asked_start(Call& call, std::string container) {
  out_->facts.emplace_back(
      domain::ContainerStartAsked{now_, call.id, container, call.engine_namespace});
  call.fact = domain::ContainerStarted{0, call.id, std::move(container), call.engine_namespace};
}

// Of a call with one request a second one is refused by the server.
void ContainerdConversation::asked(Call& call, const Text& text) {
  const auto direction = Direction::kRequest;
  if (call.method == Method::kWriteContent) {
    const auto name = call.blob->asked(
        {text.bytes, text.whole, text.packed ? Pieces() : text.pieces}, out_->safe);
    arrival_ = arrival_of(name).value_or(arrival_);
    return;
  }
  if (std::exchange(call.asked, true)) return;
  if (call.read) {
    vouch(direction, text, masked_read(text.bytes));
    return call.read->asked({text.bytes, text.whole, {}});
  }
  if (call.method == Method::kGetImage) {
    vouch(direction, text, masked_name(text.bytes));
    call.fact = domain::ImageResolved{0, call.id, now_, call.engine_namespace, {}, {}};
    return;
  }
  const bool whole = text.whole && is_whole(text.bytes);
  if (!whole) lose("a request to containerd was not read to its end");
  if (call.homeless)
    return lose("in which namespace of containerd an image or a container was made is not known");
  switch (call.method) {
    case Method::kSetImage: {
      vouch(direction, text, masked_image(text.bytes));
      if (whole && !sets_target(text.bytes)) return;
      auto moved = read_image(text.bytes);
      moved.arrival = arrival_;
      if (whole && !moved.certain) return lose("an image of containerd was not read to its end");
      moved.certain = whole;
      if (midway_ && arrival_ == domain::Arrival::kUnknown)
        blind(
            "an image of containerd came in a conversation met midway; by what road is not known");
      return asked_image(call, std::move(moved));
    }
    case Method::kDeleteImage:
      vouch(direction, text, masked_name(text.bytes));
      return asked_image(call, read_deleted(text.bytes));
    case Method::kTransfer:
      vouch(direction, text, masked_transfer(text.bytes));
      if (auto moved = read_transfer(text.bytes)) asked_image(call, std::move(*moved));
      return;
    case Method::kPullImage:
      vouch(direction, text, masked_pull(text.bytes));
      return asked_image(call, read_pull(text.bytes));
    case Method::kCreateContainer: {
      vouch(direction, text, masked_container(text.bytes));
      auto container = read_container(text.bytes);
      if (text.whole && !container.read) blind("what a container may do cannot be read");
      return asked_container(call, std::move(container.created));
    }
    case Method::kCreateTask:
      // Who asks for this means to start it: until then its file system is made ready.
      vouch(direction, text, masked_start(text.bytes));
      out_->facts.emplace_back(domain::ContainerStartAsked{
          now_, call.id, read_start(text.bytes).container, call.engine_namespace});
      return;
    case Method::kStartTask: {
      vouch(direction, text, masked_start(text.bytes));
      auto start = read_start(text.bytes);
      if (!start.exec) asked_start(call, std::move(start.container));
      return;
    }
    case Method::kStartInPod:
      vouch(direction, text, masked_id(text.bytes));
      return asked_start(call, read_id(text.bytes));
    case Method::kRunPod: {
      vouch(direction, text, masked_run_pod(text.bytes));
      auto pod = read_run_pod(text.bytes);
      pod.call = call.id;
      call.fact = std::move(pod);
      return;
    }
    case Method::kCreateInPod:
      vouch(direction, text, masked_create(text.bytes));
      return asked_container(call, read_create(text.bytes));
    case Method::kOther:
    case Method::kUnknown:
    case Method::kGetImage:
    case Method::kWriteContent:
    case Method::kReadContent:
      return;
  }
}

// Only what was done is answered by a message.
void ContainerdConversation::answered(Call& call, const Text& text) {
  call.answered = true;
  const auto direction = Direction::kResponse;
  if (call.method == Method::kWriteContent) {
    vouch(direction, text, masked_write_answer(text.bytes));
    auto stored = call.blob->answered(text.bytes);
    if (!stored) return;
    stored->time = now_;
    stored->call = call.id;
    out_->facts.emplace_back(std::move(*stored));
    return;
  }
  if (call.read) {
    const auto pieces = text.packed ? Pieces() : text.pieces;
    return call.read->answered({text.bytes, text.whole, pieces}, out_->safe);
  }
  if (auto* resolved = call.fact ? std::get_if<domain::ImageResolved>(&*call.fact) : nullptr) {
    vouch(direction, text, masked_image(text.bytes));
    auto image = read_image(text.bytes);
    resolved->reference = std::move(image.reference);
    resolved->digest = std::move(image.digest);
    return;
  }
  if (call.method < Method::kRunPod || !call.fact) return;
  vouch(direction, text, masked_id(text.bytes));
  if (auto* id = answer_of(*call.fact); id != nullptr && text.whole) *id = read_id(text.bytes);
}

// How a call went is known, or will never be.
void ContainerdConversation::conclude(std::uint32_t stream, Outcome outcome) {
  const auto at = calls_.find(stream);
  if (at == calls_.end()) return;
  auto call = std::move(at->second);
  calls_.erase(at);
  if (call.blob && call.blob->missed() && outcome != Outcome::kRefused)
    lose("a manifest that containerd was given was not seen whole");
  if (auto stored = call.read ? call.read->end(out_->safe) : std::nullopt) {
    stored->time = now_;
    stored->call = call.id;
    out_->facts.emplace_back(std::move(*stored));
  }
  if (!call.fact || outcome == Outcome::kRefused) return;
  const bool unknown = outcome == Outcome::kUnknown && !call.answered;
  if (auto* moved = std::get_if<domain::ImageMoved>(&*call.fact)) {
    const bool pull = call.method == Method::kPullImage;
    moved->time = now_;
    moved->certain = moved->certain && !unknown && (!pull || base::is_digest(moved->image));
  } else if (auto* started = std::get_if<domain::ContainerStarted>(&*call.fact)) {
    if (unknown) return;
    started->time = now_;
  } else if (auto* resolved = std::get_if<domain::ImageResolved>(&*call.fact)) {
    if (resolved->reference.empty() || resolved->digest.empty() || call.homeless) return;
    resolved->time = now_;
  } else if (answer_of(*call.fact)->empty()) {
    return blind("what containerd made a container or a pod of was not seen");
  } else if (auto* pod = std::get_if<domain::PodStarted>(&*call.fact)) {
    pod->time = now_;
  } else if (auto* created = std::get_if<domain::ContainerCreated>(&*call.fact)) {
    created->time = now_;
  }
  out_->facts.push_back(std::move(*call.fact));
}

void ContainerdConversation::headers_unknown(const Stream&, Sender from, std::string_view reason) {
  if (from == Sender::kConnector) lose(reason);
}

void ContainerdConversation::end(const Stream& stream, Sender from) {
  if (from != Sender::kAcceptor || closing_) return;
  // Of one whose path is not known the end was seen.
  if (!midway_ && stream.path.empty() && !stream.ended[0] && !calls_.contains(stream.id))
    lose("what containerd answered to was not seen");
  if (!stream.grpc_status.empty())
    return conclude(stream.id, stream.grpc_status == "0" ? Outcome::kAgreed : Outcome::kRefused);
  // Each of these calls is answered by a message, where it is not refused.
  const auto call = calls_.find(stream.id);
  const bool nothing = call != calls_.end() && !call->second.answered && !call->second.torn;
  conclude(stream.id, nothing ? Outcome::kRefused : Outcome::kUnknown);
}

// The client gives up: what it asked for may have been done.
void ContainerdConversation::reset(const Stream& stream, Sender from, std::uint32_t) {
  conclude(stream.id, from == Sender::kConnector ? Outcome::kUnknown : Outcome::kRefused);
}

void ContainerdConversation::dropped(const Stream& stream) {
  conclude(stream.id, Outcome::kUnknown);
}

// Of what does not begin as HTTP/2 nothing is said: that is another service of containerd's.
void ContainerdConversation::broken(Sender, std::string_view reason) {
  if (!closing_ && (synced_ || midway_)) lose(reason);
}

// Of a connection that was met midway only what shows that it is about images and containers.
void ContainerdConversation::blind(std::string_view reason) {
  if (midway_ && !relevant_) return;
  out_->facts.emplace_back(
      domain::ConversationBlind{now_, conn_, std::string(reason), std::nullopt});
}

// Any name may name another image by now.
void ContainerdConversation::lose(std::string_view reason) {
  if (midway_ && !relevant_) return;
  blind(reason);
  domain::ImageMoved moved{now_, {conn_, 0}, {}, false, {}, false};
  moved.engine_namespace = domain::kAnyNamespace;
  out_->facts.emplace_back(std::move(moved));
}

}  // namespace kilnwatch::engine::containerd
