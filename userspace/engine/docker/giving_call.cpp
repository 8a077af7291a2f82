#include "engine/docker/giving_call.h"

#include <array>
#include <charconv>
#include <utility>

#include "engine/containerd/json_mask.h"
#include "engine/docker/container.h"
#include "engine/docker/mask.h"
#include "engine/gathered.h"
#include "protocol/json/json.h"

namespace kilnwatch::engine::docker {
namespace {

using domain::Direction;

constexpr std::size_t kMaxBody = 1 << 20;  // bytes
constexpr int kNoBodySince = 24;           // minor version of the API

// Of 1.N before kNoBodySince.
bool takes_body(std::string_view version) {
  constexpr std::string_view kMajor = "1.";
  if (!version.starts_with(kMajor)) return false;
  version.remove_prefix(kMajor.size());
  int minor = kNoBodySince;
  std::from_chars(version.data(), version.data() + version.size(), minor);
  return minor < kNoBodySince;
}

class GivingCall final : public Call {
 public:
  GivingCall(domain::CallId id, Route route)
      : Call(route.kind),
        id_(id),
        container_(safe_reference(route.name)),
        reads_(route.kind == Kind::kExec || takes_body(route.version)),
        plain_(make_plain_call(id, std::move(route))) {}
  void request_body(const Scene&, std::uint64_t pos, std::string_view bytes) override {
    if (!reads_) return;
    if (body_.size() + bytes.size() > kMaxBody) return forget();
    body_.add(pos, bytes);
  }
  void request_hole(const Scene&, std::uint64_t, bool) override { forget(); }
  void request_end(const Scene& scene) override {
    plain_->request_end(scene);
    if (body_.empty()) return;
    const bool read = kind() == Kind::kExec ? read_exec(scene) : read_start(scene);
    if (!read) given_.reset();
    body_.clear();
  }
  void answer_head(const Scene& scene, std::uint32_t status) override {
    plain_->answer_begun = answer_begun;
    plain_->answer_head(scene, status);
    status_ = status;
  }
  void answer_hole(const Scene& scene, bool lost) override {
    plain_->answer_begun = answer_begun;
    plain_->answer_hole(scene, lost);
  }
  void answer_end(const Scene& scene) override {
    constexpr std::uint32_t kMade = 201, kStarted = 204;
    if (given_ && status_ == (kind() == Kind::kExec ? kMade : kStarted)) {
      given_->time = scene.now;
      given_->call = id_;
      scene.out->facts.emplace_back(
          domain::ContainerEmpowered{scene.now, id_, container_, std::move(*given_)});
      given_.reset();
    }
    plain_->answer_end(scene);
  }
  void cut(const Scene& scene, Cut how) override {
    plain_->answer_begun = answer_begun;
    plain_->cut(scene, how);
  }
  std::optional<std::uint64_t> held(Direction direction) const override {
    if (direction != Direction::kRequest || body_.empty()) return std::nullopt;
    return body_.first_pos();
  }
  std::size_t held_bytes() const override {
    return sizeof(*this) + container_.capacity() + 2 * body_.held_bytes() + plain_->held_bytes();
  }

 private:
  void forget() {
    reads_ = false;
    body_.clear();
  }
  void vouch(const Scene& scene, const std::string& masked) {
    body_.vouch(Direction::kRequest, 0, body_.size(), masked, scene.out->safe);
  }
  bool read_exec(const Scene& scene) {
    static constexpr std::array<std::string_view, 1> kKeys = {"Privileged"};
    const auto value = protocol::parse_json(body_.bytes());
    if (!value || !value->is_object()) return false;
    vouch(scene, containerd::masked_json(body_.bytes(), kKeys, {}));
    if (!protocol::json_true(protocol::json_find(*value, "Privileged"))) return false;
    given_.emplace().command = true;
    return true;
  }
  bool read_start(const Scene& scene) {
    given_ = parse_create(body_.bytes());
    if (given_) vouch(scene, masked_create(body_.bytes()));
    return given_.has_value();
  }

  domain::CallId id_;
  std::string container_;
  bool reads_;
  std::unique_ptr<Call> plain_;  // what it means without its body
  Gathered body_;
  std::optional<domain::ContainerCreated> given_;
  std::uint32_t status_ = 0;
};

}  // namespace

std::unique_ptr<Call> make_giving_call(domain::CallId id, Route route) {
  return std::make_unique<GivingCall>(id, std::move(route));
}

}  // namespace kilnwatch::engine::docker
