#include "engine/podman/build_output.h"

#include <charconv>

#include "base/secrets.h"
#include "base/text.h"
#include "engine/docker/mask.h"

namespace kilnwatch::engine::podman {
namespace {

constexpr std::size_t kShortId = 12;
constexpr std::size_t kId = 64;

// Takes a number off the front; false: there is none.
bool take_number(std::string_view& text, std::uint32_t& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{}) return false;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return true;
}

bool take(std::string_view& text, std::string_view lead) {
  if (!text.starts_with(lead)) return false;
  text.remove_prefix(lead.size());
  return true;
}

// "[k/n] " of a build of several stages, in front of a step's or a commit's line.
bool take_stage(std::string_view& text, domain::BuildStepAnnounced& step) {
  if (!take(text, "[")) return true;
  return take_number(text, step.stage) && take(text, "/") && take_number(text, step.stages) &&
         take(text, "] ");
}

// Number 0: it is no such line. Instructions that are added to the Dockerfile's own (labels) have
// no total.
domain::BuildStepAnnounced step_of(std::string_view text) {
  domain::BuildStepAnnounced step;
  const bool is_step = take_stage(text, step) && take(text, "STEP ") &&
                       take_number(text, step.number) &&
                       (!take(text, "/") || take_number(text, step.total)) && take(text, ": ");
  if (!is_step) return {};
  step.instruction = base::mask_text(text);
  return step;
}

bool is_commit(std::string_view text) {
  domain::BuildStepAnnounced stage;
  return take_stage(text, stage) && take(text, "COMMIT") && (text.empty() || text.front() == ' ');
}

// "--> …" after an instruction.
bool is_layer(std::string_view text) {
  if (!take(text, "--> ")) return false;
  if (take(text, "Using cache ")) return text.size() == kId && base::is_hex(text);
  return text.size() == kShortId && base::is_hex(text);
}

}  // namespace

bool BuildOutput::line(std::string_view text, const std::string& aux, domain::TimeNs time,
                       domain::CallId call, std::vector<domain::ApiFact>& facts) {
  constexpr std::string_view kBuilt = "Successfully built ";
  constexpr std::string_view kTagged = "Successfully tagged ";
  if (auto step = step_of(text); step.number != 0) {
    step_seen_ = true;
    step.time = time;
    step.call = call;
    facts.emplace_back(std::move(step));
    return true;
  }
  if (is_commit(text) || is_layer(text)) return true;
  if (text.starts_with(kTagged)) {
    facts.emplace_back(
        domain::BuildTagAnnounced{time, call, docker::safe_reference(text.substr(kTagged.size()))});
    return true;
  }
  if (text.starts_with(kBuilt)) {
    const auto id = text.substr(kBuilt.size());
    if (id.size() != kShortId || !base::is_hex(id)) return false;
    built_ = true;
    surely_built_ = surely_built_ || aux.starts_with("sha256:" + std::string(id));
    facts.emplace_back(domain::BuildImageAnnounced{time, call, std::string(id), true});
    return true;
  }
  if (text.size() != kId || !base::is_hex(text)) return false;
  built_ = true;
  surely_built_ = surely_built_ || !wrote_;  // q=1: all that is written
  facts.emplace_back(domain::BuildImageAnnounced{time, call, "sha256:" + std::string(text), true});
  return true;
}

bool BuildOutput::is_builders(std::string_view error) const {
  return error.starts_with("building at STEP ") || error.starts_with("error building at STEP ");
}

}  // namespace kilnwatch::engine::podman
