// The Docker Engine API over HTTP/1.1.
#include "engine/conversation.h"

#include <algorithm>
#include <charconv>
#include <deque>
#include <utility>

#include "base/secrets.h"
#include "base/sha256.h"
#include "base/text.h"
#include "engine/docker/build_output.h"
#include "engine/docker/container.h"
#include "engine/docker/dockerfile.h"
#include "engine/docker/route.h"
#include "engine/gathered.h"
#include "protocol/http1/parser.h"
#include "protocol/json/json.h"
#include "protocol/tar/tar.h"

namespace kilnwatch::engine {
namespace {

using domain::Direction;

constexpr std::size_t kMaxPending = 256;         // pipelined requests that wait for their answer
constexpr std::size_t kMaxContextFront = 65536;  // bytes of a build context looked at
constexpr std::size_t kMaxMessage = 65536;       // bytes of one message of a build's output
constexpr std::size_t kMaxDocument = 1 << 20;    // bytes of a JSON body
constexpr std::size_t kMaxNames = 128;           // tags, build-arg names kept

struct Call {
  domain::CallId id;
  docker::Kind kind = docker::Kind::kOther;
  bool head_only = false;
  docker::Route route;
  domain::ContainerCreated created;
  docker::BuildOutput output;
  std::string dockerfile;  // name of the member in the context; empty: not looked for any more
};

bool is_secret_header(std::string_view name) {
  return base::names_secret(name) || name.starts_with("x-registry") || name == "cookie" ||
         name == "set-cookie";
}

class DockerConversation final : public Conversation, private protocol::MessageSink {
 public:
  explicit DockerConversation(const domain::ConnOpened& opened) : conn_(opened.conn) {
    if (opened.midway) {
      request_.lose();
      response_.lose();
    }
  }

  void data(const domain::Chunk& chunk, Output& out) override {
    begin(chunk.direction, chunk.time, out);
    auto& parser = current();
    if (parser.lost()) find_start(chunk);
    next_[index()] = chunk.pos;
    parser.feed(chunk.pos, chunk.bytes);
    next_[index()] = chunk.pos + chunk.bytes.size();
    if (parser.lost()) gathered().clear();
  }

  void skip(Direction direction, domain::TimeNs time, std::uint64_t count, Output& out) override {
    begin(direction, time, out);
    gathered().clear();
    current().skip(count);
    next_[index()] += count;
  }

  void gap(Direction direction, domain::TimeNs time, std::uint64_t count, Output& out) override {
    begin(direction, time, out);
    domain::ConversationBlind blind{time, conn_, "bytes of the conversation were lost",
                                    std::nullopt};
    for (const auto& call : calls_) {
      if (call.kind == docker::Kind::kBuild && !blind.build) blind.build = call.id;
    }
    out.facts.emplace_back(std::move(blind));
    gathered().clear();
    current().lose();
    next_[index()] += count;
  }

  void close(domain::TimeNs time, Output& out) override {
    for (const auto& call : calls_) {
      if (call.kind != docker::Kind::kBuild) continue;
      out.facts.emplace_back(
          domain::BuildEnded{time, call.id, domain::BuildStatus::kCancelled, 0, {}});
    }
    calls_.clear();
  }

  std::uint64_t settled(Direction direction) const override {
    const auto side = static_cast<std::size_t>(direction);
    const auto& parser = direction == Direction::kRequest ? request_ : response_;
    const auto told = parser.untold(next_[side]);
    return gathered_[side].empty() ? told : std::min(told, gathered_[side].first_pos());
  }

 private:
  void begin(Direction direction, domain::TimeNs time, Output& out) {
    direction_ = direction;
    now_ = time;
    out_ = &out;
  }
  std::size_t index() const { return static_cast<std::size_t>(direction_); }
  protocol::Parser& current() { return direction_ == Direction::kRequest ? request_ : response_; }
  Gathered& gathered() { return gathered_[index()]; }

  // After lost framing: a head where the kernel says one begins, or an answer at the start of a
  // write.
  void find_start(const domain::Chunk& chunk) {
    if (direction_ == Direction::kRequest) {
      if (chunk.at_head) request_.resync();
      return;
    }
    if (!chunk.call_start) return;
    if (chunk.bytes.starts_with("HTTP/1.")) {
      response_.resync();
      return;
    }
    // dockerd flushes each message in one write: chunk size, data, line end.
    std::size_t size = 0;
    const auto [end, error] =
        std::from_chars(chunk.bytes.data(), chunk.bytes.data() + chunk.bytes.size(), size, 16);
    const auto rest = chunk.bytes.substr(static_cast<std::size_t>(end - chunk.bytes.data()));
    if (error == std::errc{} && rest.starts_with("\r\n{") && !calls_.empty())
      response_.resync_chunk();
  }

  void line(std::uint64_t pos, std::string_view raw) override {
    std::string safe = base::mask_text_same_length(raw);
    const auto colon = raw.find(':');
    const auto blank = raw.find(' ');
    const bool first = blank != raw.npos && (colon == raw.npos || blank < colon) &&
                       raw.find(" HTTP/1.") != raw.npos;
    if (direction_ == Direction::kRequest && first) {
      const auto end = raw.rfind(" HTTP/1.");
      if (end > blank) {
        safe = std::string(raw.substr(0, blank + 1)) +
               docker::masked_target(raw.substr(blank + 1, end - blank - 1)) +
               std::string(raw.substr(end));
      }
    } else if (colon != raw.npos) {
      if (is_secret_header(base::lower(raw.substr(0, colon)))) {
        for (auto i = colon + 1; i < safe.size(); ++i) {
          if (safe[i] != '\r' && safe[i] != '\n' && safe[i] != ' ') safe[i] = '*';
        }
      }
    }
    out_->safe.push_back({direction_, pos, std::move(safe)});
  }

  bool head(protocol::Head head) override {
    gathered().clear();
    if (direction_ == Direction::kResponse) {
      status_ = 0;
      std::from_chars(head.second.data(), head.second.data() + head.second.size(), status_);
      return calls_.empty() || !calls_.front().head_only;
    }
    Call call;
    call.id = {conn_, number_++};
    call.head_only = head.first == "HEAD";
    call.route = docker::route_of(head.first, head.second);
    call.kind = call.route.kind;
    if (call.kind == docker::Kind::kBuild) request_build(head, call);
    if (calls_.size() >= kMaxPending) {
      out_->facts.emplace_back(domain::ConversationBlind{
          now_, conn_, "more requests at once than are followed", std::nullopt});
      calls_.pop_front();
    }
    calls_.push_back(std::move(call));
    return true;
  }

  void request_build(const protocol::Head& head, Call& call) {
    const auto& query = call.route.query;
    domain::BuildRequested build;
    build.time = now_;
    build.call = call.id;
    build.method = head.first;
    build.path = call.route.path;
    build.api_version = call.route.version;
    build.user_agent = base::mask_text(head.field("user-agent"));
    build.remote_context = base::mask_text(query.first("remote"));
    build.dockerfile_name = query.first("dockerfile");
    build.network_mode = query.first("networkmode");
    for (auto& tag : query.all("t")) {
      if (!tag.empty() && build.tags.size() < kMaxNames) build.tags.push_back(base::mask_text(tag));
    }
    if (const auto args = protocol::parse_json(query.first("buildargs"));
        args && args->is_object()) {
      for (const auto& member : args->get_object()) {
        if (build.build_arg_names.size() < kMaxNames)
          build.build_arg_names.emplace_back(member.key());
      }
    }
    build.quiet = is_true(query.first("q"));
    build.buildkit = query.first("version") == "2";
    build.browser = std::any_of(head.fields.begin(), head.fields.end(), [](const auto& field) {
      return field.first == "origin" || field.first == "referer" ||
             field.first.starts_with("sec-fetch-");
    });
    if (build.remote_context.empty()) {
      call.dockerfile = build.dockerfile_name.empty() ? "Dockerfile" : build.dockerfile_name;
    }
    out_->facts.emplace_back(std::move(build));
  }

  // httputils.BoolValue of the engine.
  static bool is_true(const std::string& value) {
    const auto text = base::lower(value);
    return !text.empty() && text != "0" && text != "no" && text != "false" && text != "none";
  }

  void body(std::uint64_t pos, std::string_view bytes) override {
    if (calls_.empty()) return;
    if (direction_ == Direction::kRequest) {
      auto& call = calls_.back();
      if (call.kind == docker::Kind::kBuild) {
        context(call, pos, bytes);
      } else if (call.kind == docker::Kind::kCreate &&
                 gathered().size() + bytes.size() <= kMaxDocument) {
        gathered().add(pos, bytes);
      }
      return;
    }
    auto& call = calls_.front();
    if (call.kind == docker::Kind::kCreate && gathered().size() + bytes.size() <= kMaxDocument) {
      gathered().add(pos, bytes);
    } else if (call.kind == docker::Kind::kBuild) {
      output(call, pos, bytes);
    }
  }

  void context(Call& call, std::uint64_t pos, std::string_view bytes) {
    auto& front = gathered();
    if (call.dockerfile.empty()) return;
    front.add(pos, bytes.substr(0, kMaxContextFront - front.size()));
    if (const auto member = protocol::find_tar_member(front.bytes(), call.dockerfile)) {
      const auto text = std::string_view(front.bytes()).substr(member->content, member->size);
      auto parsed = docker::parse_dockerfile(text);
      out_->facts.emplace_back(
          domain::DockerfileSeen{now_, call.id, base::mask_text(text), base::sha256_hex(text),
                                 std::move(parsed.base_images), std::move(parsed.instructions)});
      const auto header =
          std::string_view(front.bytes()).substr(member->header, protocol::kTarBlock);
      front.vouch(direction_, member->header, member->content, header, out_->safe);
      front.vouch(direction_, member->content, member->content + member->size,
                  base::mask_text_same_length(text), out_->safe);
      call.dockerfile.clear();
      front.clear();
    } else if (front.size() >= kMaxContextFront) {
      call.dockerfile.clear();
      front.clear();
    }
  }

  // One JSON message a line.
  void output(Call& call, std::uint64_t pos, std::string_view bytes) {
    auto& message = gathered();
    while (!bytes.empty()) {
      const auto end = bytes.find('\n');
      const auto n = end == bytes.npos ? bytes.size() : end + 1;
      if (message.size() + n <= kMaxMessage) message.add(pos, bytes.substr(0, n));
      pos += n;
      bytes.remove_prefix(n);
      if (end == std::string_view::npos) return;
      take_message(call);
    }
  }

  void take_message(Call& call) {
    auto& message = gathered();
    call.output.message(message.bytes(), now_, call.id, out_->facts);
    message.vouch(direction_, 0, message.size(), base::mask_text_same_length(message.bytes()),
                  out_->safe);
    message.clear();
  }

  void end() override {
    if (calls_.empty()) return;
    if (direction_ == Direction::kRequest) {
      auto& call = calls_.back();
      if (call.kind == docker::Kind::kCreate) {
        call.created = docker::parse_create(gathered().bytes());
        gathered().vouch(direction_, 0, gathered().size(),
                         docker::masked_create(gathered().bytes()), out_->safe);
      }
      gathered().clear();
      return;
    }
    Call call = std::move(calls_.front());
    calls_.pop_front();
    switch (call.kind) {
      case docker::Kind::kBuild:
        if (!gathered().empty()) take_message(call);
        out_->facts.emplace_back(call.output.ended(now_, call.id, status_));
        break;
      case docker::Kind::kCreate: {
        call.created.container_id = docker::created_id(gathered().bytes());
        call.created.time = now_;
        call.created.call = call.id;
        call.created.name = call.route.query.first("name");
        gathered().vouch(direction_, 0, gathered().size(),
                         base::mask_text_same_length(gathered().bytes()), out_->safe);
        if (status_ == 201 && !call.created.container_id.empty())
          out_->facts.emplace_back(std::move(call.created));
        break;
      }
      case docker::Kind::kStart:
        if (status_ == 204)
          out_->facts.emplace_back(domain::ContainerStarted{now_, call.id, call.route.name});
        break;
      case docker::Kind::kTag: {
        const auto tag = call.route.query.first("tag");
        if (status_ != 201) break;
        out_->facts.emplace_back(
            domain::ImageTagged{now_, call.id, call.route.name,
                                call.route.query.first("repo") + (tag.empty() ? "" : ":" + tag)});
        break;
      }
      case docker::Kind::kOther:
        break;
    }
    gathered().clear();
  }

  domain::ConnId conn_;
  std::uint32_t number_ = 0;
  std::uint32_t status_ = 0;
  std::deque<Call> calls_;
  Gathered gathered_[2];
  std::uint64_t next_[2] = {0, 0};
  Output* out_ = nullptr;  // of the call that is running
  domain::TimeNs now_ = 0;
  Direction direction_ = Direction::kRequest;
  protocol::Parser request_{false, *this};
  protocol::Parser response_{true, *this};
};

}  // namespace

std::unique_ptr<Conversation> make_conversation(const domain::ConnOpened& opened) {
  return std::make_unique<DockerConversation>(opened);
}

}  // namespace kilnwatch::engine
