#include "engine/docker/call.h"

#include <utility>

#include "base/secrets.h"
#include "engine/docker/build_call.h"
#include "engine/docker/container.h"
#include "engine/docker/giving_call.h"
#include "engine/docker/image_call.h"
#include "engine/docker/mask.h"
#include "engine/gathered.h"

namespace kilnwatch::engine::docker {
namespace {

using domain::Direction;

constexpr std::size_t kMaxDocument = 1 << 20;  // bytes of a JSON body

// A JSON body of one direction.
class Document {
 public:
  void add(std::uint64_t pos, std::string_view bytes) {
    if (bytes_.size() + bytes.size() > kMaxDocument) return hole();
    if (whole_) bytes_.add(pos, bytes);
  }
  void hole() {
    whole_ = false;
    bytes_.clear();
  }
  std::size_t held_bytes() const { return bytes_.held_bytes(); }
  bool whole() const { return whole_; }
  Gathered& bytes() { return bytes_; }
  std::optional<std::uint64_t> held() const {
    if (bytes_.empty()) return std::nullopt;
    return bytes_.first_pos();
  }

 private:
  Gathered bytes_;
  bool whole_ = true;
};

class CreateCall final : public Call {
 public:
  CreateCall(domain::CallId id, std::string_view name, CreateReader reader)
      : Call(Kind::kCreate), reader_(reader), name_(safe_reference(name)) {
    created_.call = id;
  }
  void request_body(const Scene&, std::uint64_t pos, std::string_view bytes) override {
    request_.add(pos, bytes);
  }
  void request_hole(const Scene&, std::uint64_t, bool) override { request_.hole(); }
  void request_end(const Scene& scene) override {
    auto& bytes = request_.bytes();
    if (auto created = reader_.parse(bytes.bytes()); created && request_.whole()) {
      const auto id = created_.call;
      created_ = std::move(*created);
      created_.call = id;
      bytes.vouch(Direction::kRequest, 0, bytes.size(), reader_.masked(bytes.bytes()),
                  scene.out->safe);
    } else {
      request_.hole();
    }
    bytes.clear();
  }
  void answer_head(const Scene&, std::uint32_t status) override { status_ = status; }
  void answer_body(const Scene&, std::uint64_t pos, std::string_view bytes) override {
    if (status_ == 201) answer_.add(pos, bytes);
  }
  void answer_hole(const Scene& scene, bool lost) override {
    answer_.hole();
    if (lost) tell(scene, "bytes of the answer to a create request were lost");
  }
  void answer_end(const Scene& scene) override {
    if (status_ != 201) return;
    auto& bytes = answer_.bytes();
    created_.container_id = created_id(bytes.bytes());
    bytes.vouch(Direction::kResponse, 0, bytes.size(), bytes.bytes(), scene.out->safe);
    bytes.clear();
    if (!request_.whole()) tell(scene, "the body of a create request could not be read");
    if (created_.container_id.empty()) return tell(scene, "a created container's id was not seen");
    created_.time = scene.now;
    if (!name_.empty()) created_.name = name_;
    scene.out->facts.emplace_back(std::move(created_));
  }
  void cut(const Scene& scene, Cut how) override {
    if (how == Cut::kLost) tell(scene, "the answer to a create request was not seen");
  }
  std::optional<std::uint64_t> held(Direction direction) const override {
    return direction == Direction::kRequest ? request_.held() : answer_.held();
  }
  // The body as it came, whose room stays, is no shorter than what was read out of it.
  std::size_t held_bytes() const override {
    return sizeof(*this) + name_.capacity() + 2 * request_.held_bytes() + answer_.held_bytes();
  }

 private:
  void tell(const Scene& scene, std::string_view reason) {
    if (!std::exchange(told_, true)) scene.blind(reason);
  }

  CreateReader reader_;
  domain::ContainerCreated created_;
  std::string name_;
  Document request_, answer_;
  std::uint32_t status_ = 0;
  bool told_ = false;
};

// Calls whose status says all.
class PlainCall final : public Call {
 public:
  PlainCall(domain::CallId id, Route route) : Call(route.kind), id_(id), route_(std::move(route)) {}
  void request_end(const Scene& scene) override {
    if (kind() != Kind::kStart || status_ != 0) return;
    scene.out->facts.emplace_back(
        domain::ContainerStartAsked{scene.now, id_, safe_reference(route_.name)});
  }
  void answer_head(const Scene&, std::uint32_t status) override { status_ = status; }
  void answer_hole(const Scene& scene, bool lost) override {
    if (lost && !answer_begun) unknown(scene);
  }
  void answer_end(const Scene& scene) override {
    if (kind() == Kind::kStart && status_ == 204) {
      scene.out->facts.emplace_back(
          domain::ContainerStarted{scene.now, id_, safe_reference(route_.name)});
    } else if (kind() == Kind::kRename && status_ == 204) {
      scene.out->facts.emplace_back(domain::ContainerRenamed{
          scene.now, id_, safe_reference(route_.name), safe_reference(route_.query.first("name"))});
    } else if (kind() == Kind::kTag && status_ == 201) {
      const auto tag = route_.query.first("tag");
      scene.out->facts.emplace_back(domain::ImageTagged{
          scene.now, id_, safe_reference(route_.name),
          safe_reference(route_.query.first("repo") + (tag.empty() ? "" : ":" + tag))});
    }
  }
  void cut(const Scene& scene, Cut how) override {
    if (how == Cut::kLost && !answer_begun) unknown(scene);
  }
  std::size_t held_bytes() const override {
    return sizeof(*this) + route_.path.capacity() + route_.version.capacity() +
           route_.name.capacity() + route_.query.held_bytes();
  }

 private:
  void unknown(const Scene& scene) {
    const bool plain = kind() == Kind::kStart || kind() == Kind::kRename || kind() == Kind::kTag;
    if (plain && !std::exchange(told_, true))
      scene.blind("the answer to a start, rename or tag request was not seen");
  }

  domain::CallId id_;
  Route route_;
  std::uint32_t status_ = 0;
  bool told_ = false;
};

std::unique_ptr<Call> make_call(const protocol::Head& head, domain::CallId id, const Scene& scene) {
  auto route = route_of(head.first, head.second);
  if (route.kind == Kind::kBuild)
    return std::make_unique<BuildCall>(head, id, std::move(route), scene);
  if (route.kind == Kind::kCreate)
    return make_create_call(id, route.query.first("name"), {parse_create, masked_create});
  if (route.kind == Kind::kPull || route.kind == Kind::kImport || route.kind == Kind::kLoad ||
      route.kind == Kind::kCommit || route.kind == Kind::kPush) {
    return std::make_unique<ImageCall>(head, id, route);
  }
  if (route.kind == Kind::kExec || route.kind == Kind::kStart)
    return make_giving_call(id, std::move(route));
  return make_plain_call(id, std::move(route));
}

std::unique_ptr<Call> make_unseen_call() { return std::make_unique<BuildCall>(); }

}  // namespace

const Api kApi{make_call, make_unseen_call};

std::unique_ptr<Call> make_create_call(domain::CallId id, std::string_view name,
                                       CreateReader reader) {
  return std::make_unique<CreateCall>(id, name, reader);
}

std::unique_ptr<Call> make_plain_call(domain::CallId id, Route route) {
  return std::make_unique<PlainCall>(id, std::move(route));
}

}  // namespace kilnwatch::engine::docker
