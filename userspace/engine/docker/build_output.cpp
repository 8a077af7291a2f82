#include "engine/docker/build_output.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "base/secrets.h"
#include "base/text.h"
#include "engine/docker/mask.h"
#include "protocol/json/json.h"

namespace kilnwatch::engine::docker {
namespace {

constexpr std::size_t kShortId = 12;
constexpr std::size_t kMaxError = 512;   // of an error's text kept
constexpr std::size_t kMaxFront = 4096;  // looked at of a message that is cut

// "Step 2/3 : RUN …": number, total and text; number 0 when it is no such line.
domain::BuildStepAnnounced step_of(std::string_view text) {
  domain::BuildStepAnnounced step;
  const char* const end = text.data() + text.size();
  auto [slash, error] = std::from_chars(text.data() + 5, end, step.number);
  if (error != std::errc{} || slash == end || *slash != '/') return {};
  auto [rest, error2] = std::from_chars(slash + 1, end, step.total);
  if (error2 != std::errc{}) return {};
  const std::string_view tail(rest, static_cast<std::size_t>(end - rest));
  if (!tail.starts_with(" : ")) return {};
  step.instruction = base::mask_text(tail.substr(3));
  return step;
}

}  // namespace

std::string_view BuildOutput::front_of(std::string_view bytes) {
  return bytes.substr(0, bytes.substr(0, kMaxFront).rfind(' ') + 1);
}

BuildOutput::Said BuildOutput::read(const Message& message, domain::TimeNs time,
                                    domain::CallId call, std::vector<domain::ApiFact>& facts) {
  const auto said = judge(message, time, call, facts);
  spoke_ = spoke_ || said == Said::kBuilder;
  return said;
}

BuildOutput::Said BuildOutput::judge(const Message& message, domain::TimeNs time,
                                     domain::CallId call, std::vector<domain::ApiFact>& facts) {
  auto text = std::string(message.bytes);
  if (!message.whole) {
    text = front_of(message.bytes);
    if (text.empty()) return Said::kNothing;
    text.pop_back();
    text += "\"}";
  }
  const auto value = protocol::parse_json(text);
  if (!value) return Said::kNothing;
  const auto text_of = [&](std::string_view key) {
    return protocol::json_string(protocol::json_find(*value, key));
  };
  auto error = text_of("error");
  if (const auto* detail = protocol::json_find(*value, "errorDetail"); error.empty() && detail)
    error = protocol::json_string(protocol::json_find(*detail, "message"));
  if (error.empty() && message.status / 100 != 2) error = text_of("message");
  if (!error.empty()) {
    error_ = base::mask_text(error).substr(0, kMaxError);
    return is_builders(error) ? Said::kBuilder : Said::kError;
  }
  if (const auto* aux = protocol::json_find(*value, "aux"); aux != nullptr) {
    const auto id = protocol::json_string(protocol::json_find(*aux, "ID"));
    if (!base::is_digest(id)) return Said::kNothing;
    last_aux_ = id;
    // BuildKit's is the last thing it says; the classic builder has one for each stage.
    if (text_of("id") == "moby.image.id") built_ = surely_built_ = true;
    facts.emplace_back(domain::BuildImageAnnounced{time, call, id, false});
    return Said::kBuilder;
  }
  const auto before = std::exchange(last_aux_, {});
  const auto stream = text_of("stream");
  std::string_view said = stream;
  while (!said.empty() && (said.back() == '\n' || said.back() == '\r')) said.remove_suffix(1);
  const bool builder = line(said, before, time, call, facts);
  wrote_ = wrote_ || !stream.empty();
  return builder ? Said::kBuilder : Said::kNothing;
}

bool BuildOutput::is_builders(std::string_view error) const {
  return error.find(" returned a non-zero code: ") != error.npos;
}

bool BuildOutput::line(std::string_view text, const std::string& aux, domain::TimeNs time,
                       domain::CallId call, std::vector<domain::ApiFact>& facts) {
  const auto after = [&](std::string_view lead) -> std::string {
    return text.starts_with(lead) ? std::string(text.substr(lead.size())) : std::string();
  };
  const auto short_id = [&](std::string_view lead) {
    auto id = after(lead);
    return id.size() == kShortId && base::is_hex(id) ? id : std::string();
  };
  if (text.starts_with("Step ")) {
    auto step = step_of(text);
    if (step.number == 0) return false;
    step_seen_ = true;
    step.time = time;
    step.call = call;
    facts.emplace_back(std::move(step));
  } else if (auto run = short_id(" ---> Running in "); !run.empty()) {
    facts.emplace_back(domain::BuildContainerAnnounced{time, call, std::move(run)});
  } else if (auto gone = short_id(" ---> Removed intermediate container "); !gone.empty()) {
    facts.emplace_back(domain::BuildContainerRemoved{time, call, std::move(gone)});
  } else if (auto old = short_id("Removing intermediate container "); !old.empty()) {  // 20.10
    facts.emplace_back(domain::BuildContainerRemoved{time, call, std::move(old)});
  } else if (auto id = short_id("Successfully built "); !id.empty()) {
    built_ = true;
    surely_built_ = surely_built_ || aux.starts_with("sha256:" + id);
    facts.emplace_back(domain::BuildImageAnnounced{time, call, std::move(id), true});
  } else if (auto tag = after("Successfully tagged "); !tag.empty()) {
    facts.emplace_back(domain::BuildTagAnnounced{time, call, safe_reference(tag)});
  } else if (base::is_digest(text)) {
    built_ = true;  // q=1: the id is all that is written
    surely_built_ = surely_built_ || !wrote_;
    facts.emplace_back(domain::BuildImageAnnounced{time, call, std::string(text), true});
  } else {
    return text.size() == 6 + kShortId && text.starts_with(" ---> ") &&
           base::is_hex(text.substr(6));
  }
  return true;
}

domain::BuildEnded BuildOutput::ended(domain::TimeNs time, domain::CallId call,
                                      std::uint32_t http_status) const {
  using domain::BuildStatus;
  auto status = BuildStatus::kUnknown;
  if (http_status / 100 != 2) {
    status = step_seen_ ? BuildStatus::kFailed : BuildStatus::kRefused;
  } else if (!error_.empty()) {
    status = BuildStatus::kFailed;
  } else if (built_) {
    status = BuildStatus::kSucceeded;
  }
  return {time, call, status, http_status, error_};
}

}  // namespace kilnwatch::engine::docker
