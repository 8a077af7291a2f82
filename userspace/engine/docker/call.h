// One request and its answer: what its bytes mean.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "engine/conversation.h"
#include "engine/docker/route.h"
#include "protocol/http1/head.h"

namespace kilnwatch::engine::docker {

class Call;
struct Scene;

// What the requests of an engine's API are.
struct Api {
  std::unique_ptr<Call> (*call)(const protocol::Head& head, domain::CallId id, const Scene& scene);
  // Of an answer whose request was not seen: it may turn out to be a build's.
  std::unique_ptr<Call> (*unseen)();
};
extern const Api kApi;

// Where and when the piece of input that is worked on came in, and where its meaning goes.
struct Scene {
  domain::ConnId conn = 0;
  domain::TimeNs now = 0;
  Output* out = nullptr;
  const Api* api = &kApi;
  std::uint32_t* next_number = nullptr;  // of the next call of this connection
  bool closing = false;                  // the connection is over
  bool midway = false;                   // it was open before the sensor

  void blind(std::string_view reason, std::optional<domain::CallId> build = std::nullopt) const {
    out->facts.emplace_back(domain::ConversationBlind{now, conn, std::string(reason), build});
  }
};

// How a call ended whose answer was not seen to its end.
enum class Cut : std::uint8_t {
  kClosed,  // the connection was closed
  kLost,    // its end was not seen
};

class Call {
 public:
  explicit Call(Kind kind) : kind_(kind) {}
  virtual ~Call() = default;
  Kind kind() const { return kind_; }

  virtual void request_body(const Scene&, std::uint64_t, std::string_view) {}
  // Body bytes that were not seen: `lost`, or left in the kernel on purpose.
  virtual void request_hole(const Scene&, std::uint64_t /*count*/, bool /*lost*/) {}
  virtual void request_end(const Scene&) {}
  virtual void answer_head(const Scene&, std::uint32_t /*status*/) {}
  virtual void answer_body(const Scene&, std::uint64_t, std::string_view) {}
  virtual void answer_hole(const Scene&, bool /*lost*/) {}
  virtual void answer_end(const Scene&) {}
  virtual void cut(const Scene&, Cut) {}
  // True once the answer can be no other call's.
  virtual bool answer_is_own() const { return false; }
  // First byte of a direction that is gathered and not judged yet; nothing: none.
  virtual std::optional<std::uint64_t> held(domain::Direction) const { return std::nullopt; }
  // See Conversation.
  virtual std::size_t held_bytes() const = 0;

  // Kept by the conversation.
  bool head_only = false;
  bool answer_begun = false;
  bool request_done = false;
  bool answer_done = false;
  std::size_t doubtful = 0;          // so many answers may come before its own
  std::uint64_t head_read = 0;       // number of the engine's read that ended its head
  std::uint64_t end_read = 0;        // and its request
  std::string_view unreadable = {};  // why its request could not be read to the end

 private:
  Kind kind_;
};

// How the body of a create request is read (container.h has dockerd's).
struct CreateReader {
  // Fields that the answer brings are left empty. Nothing: it cannot be read.
  std::optional<domain::ContainerCreated> (*parse)(std::string_view json);
  std::string (*masked)(std::string_view json);  // of equal length
};

// A container is created; `name` as the request's parameter has it.
std::unique_ptr<Call> make_create_call(domain::CallId id, std::string_view name,
                                       CreateReader reader);

// A call whose status says all: a start, a tag, and any other.
std::unique_ptr<Call> make_plain_call(domain::CallId id, Route route);

}  // namespace kilnwatch::engine::docker
