#include "plans.h"

#include <algorithm>
#include <filesystem>
#include <map>
#include <stdexcept>

#include "engine/docker/dockerfile.h"
#include "harness/recordings.h"

namespace kilnwatch::test::corpus {
namespace {

Plan bare_plan(const std::string& name, const std::string& dockerfile) {
  const auto parsed = engine::docker::parse_dockerfile(dockerfile);
  Plan plan{name, dockerfile, {}, parsed.base_images};
  for (const auto& one : parsed.instructions)
    plan.steps.push_back({one.text, one.is_run, one.is_from, one.stage, {}});
  return plan;
}

Fetch fetch_of(const v1::Connection& connection) {
  Fetch fetch;
  // As the process wrote it: a Host field has the port.
  fetch.name = connection.domain().substr(0, connection.domain().find(':'));
  fetch.port = static_cast<std::uint16_t>(connection.destination().port());
  fetch.tls = connection.domain_source() == "tls-sni" || fetch.port == 443;
  fetch.path = connection.http().path().empty() ? "/" : connection.http().path();
  if (fetch.name.empty() || fetch.name == connection.destination().ip()) {
    fetch.name = fetch.address = connection.destination().ip();
    fetch.answer = Answer::kNothing;
  }
  fetch.program = connection.process().exe();
  fetch.args.assign(connection.process().args().begin(), connection.process().args().end());
  return fetch;
}

void add(Step& step, Fetch fetch) {
  const auto same = std::find_if(step.fetches.begin(), step.fetches.end(), [&](const Fetch& one) {
    return one.name == fetch.name && one.port == fetch.port;
  });
  if (same == step.fetches.end())
    step.fetches.push_back(std::move(fetch));
  else
    ++same->connections;
}

}  // namespace

Plan plan_of(const std::string& name, const std::string& dockerfile, const Shapes& shapes) {
  Plan plan = bare_plan(name, dockerfile);
  std::vector<std::string> repositories;
  for (Step& step : plan.steps) {
    if (step.is_from) repositories.clear();
    if (step.is_run) step.fetches = shapes.fetches_of(step.text, repositories);
  }
  return plan;
}

std::vector<Plan> company_plans(const std::string& folder, const Shapes& shapes) {
  std::map<std::string, std::string> files;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.path().extension() == ".Dockerfile")
      files[entry.path().stem().string()] = slurp(entry.path().string());
  }
  std::vector<Plan> plans;
  for (const auto& [name, text] : files) plans.push_back(plan_of(name, text, shapes));
  return plans;
}

std::vector<Plan> recorded_plans(const std::string& name, const Recording& recording) {
  std::vector<std::string> order;
  std::map<std::string, Plan> plans;
  for (const auto& alert : run_pipeline(recording.host, recording.events, Baseline::kForgets)) {
    if (!alert.has_build()) continue;
    const auto& build = alert.build();
    auto [place, fresh] = plans.try_emplace(build.id());
    Plan& plan = place->second;
    if (fresh) order.push_back(build.id());
    if (plan.dockerfile.empty() && !build.request().dockerfile().empty()) {
      auto steps = std::move(plan.steps);
      plan = bare_plan(name, build.request().dockerfile());
      plan.steps.insert(plan.steps.end(), steps.begin(), steps.end());
    }
    if (plan.bases.empty())
      plan.bases.assign(build.request().base_images().begin(), build.request().base_images().end());
    if (alert.rule() != "build-egress") continue;
    const std::string& text = alert.step().instruction();
    auto step = std::find_if(plan.steps.begin(), plan.steps.end(),
                             [&](const Step& one) { return one.text == text; });
    if (step == plan.steps.end()) {
      plan.steps.push_back({text, true, false, {}, {}});
      step = std::prev(plan.steps.end());
    }
    add(*step, fetch_of(alert.connection()));
  }
  std::vector<Plan> out;
  for (const auto& id : order) {
    Plan& plan = plans[id];
    plan.name = name + "-" + std::to_string(out.size() + 1);
    if (plan.steps.empty() || !plan.steps.front().is_from) {
      const std::string base = plan.bases.empty() ? "scratch" : plan.bases.front();
      plan.steps.insert(plan.steps.begin(), Step{"FROM " + base, false, true, {}, {}});
    }
    if (plan.dockerfile.empty()) {
      for (const Step& step : plan.steps) plan.dockerfile += step.text + "\n";
    }
    out.push_back(std::move(plan));
  }
  return out;
}

std::vector<Plan> recorded_plans_in(const std::string& folder, const std::string& prefix) {
  std::map<std::string, std::string> files;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    const std::string name = entry.path().filename().string();
    const std::string which = name.substr(name.find('-') + 1);
    if (which.starts_with(prefix)) files[name] = (entry.path() / "recording.kwr").string();
  }
  std::vector<Plan> plans;
  for (const auto& [name, file] : files) {
    const auto recording = read_recording(file);
    if (!recording) throw std::runtime_error(recording.error().message);
    for (auto& plan : recorded_plans(name, *recording)) plans.push_back(std::move(plan));
  }
  return plans;
}

}  // namespace kilnwatch::test::corpus
