#include "detect/chains.h"

#include <algorithm>
#include <utility>

#include "detect/reasons.h"
#include "detect/scoring.h"
#include "detect/shapes.h"

namespace kilnwatch::detect {

using namespace domain;

namespace {

std::string link_text(const ChainLink& link) {
  const Connection& connection = link.connection;
  std::string text = text_of(connection.destination);
  if (!connection.process.exe.empty()) text += " by " + connection.process.exe;
  if (link.step.number != 0) text += " in step " + std::to_string(link.step.number);
  return text;
}

std::string listed(const std::set<std::string>& items) {
  std::string out;
  for (const std::string& item : items) out += (out.empty() ? "" : "; ") + item;
  return out;
}

}  // namespace

Story& Chains::story_of(const std::string& build) {
  const auto [at, fresh] = stories_.try_emplace(build);
  if (!fresh) return at->second;
  order_.push_back(build);
  if (order_.size() > kMaxStories) {
    const auto old = stories_.find(order_.front());
    auto& links = old->second.chain.links;
    // One whose request alone was told has nothing to lose.
    if (!links.empty()) ++refused_;
    while (!links.empty()) unlink(old->first, links, links.size() - 1);
    stories_.erase(old);
    order_.pop_front();
  }
  return at->second;
}

void Chains::unlink(const std::string& build, std::vector<ChainLink>& links, std::size_t at) {
  const std::string place = links[at].place;
  links.erase(links.begin() + static_cast<std::ptrdiff_t>(at));
  if (std::any_of(links.begin(), links.end(),
                  [&](const ChainLink& link) { return link.place == place; }))
    return;
  const auto builds = built_.find(place);
  builds->second.erase(build);
  if (builds->second.empty()) built_.erase(builds);
}

void Chains::add_reasons(Story& story, const std::vector<Reason>& reasons) {
  auto& kept = story.chain.reasons;
  for (const Reason& reason : reasons) {
    if (reason.weight == 0) continue;
    if (std::any_of(kept.begin(), kept.end(),
                    [&](const Reason& one) { return one.code == reason.code; }))
      continue;
    if (kept.size() >= kMaxChainReasons) {
      ++refused_;
      continue;
    }
    kept.push_back(reason);
  }
}

void Chains::requested(const Finding& finding) {
  if (!finding.build || finding.build->id.empty()) return;
  Story& story = story_of(finding.build->id);
  story.chain.request = finding.id;
  add_reasons(story, finding.reasons);
}

void Chains::connected(const Finding& finding, const std::string& place, Severity severity) {
  if (!finding.build || !finding.connection || !finding.step) return;
  Story& story = story_of(finding.build->id);
  story.last = finding.connection;
  add_reasons(story, finding.reasons);
  auto& links = story.chain.links;
  if (links.size() >= kMaxLinks) {
    // However many others come, the gravest stay.
    const auto least = std::min_element(
        links.begin(), links.end(),
        [](const ChainLink& a, const ChainLink& b) { return a.severity < b.severity; });
    ++refused_;
    ++story.chain.left_out;
    if (least->severity >= severity) return;
    unlink(finding.build->id, links, static_cast<std::size_t>(least - links.begin()));
  }
  links.push_back({finding.id, place, severity, *finding.step, *finding.connection});
  built_[place].insert(finding.build->id);
}

void Chains::note(std::set<std::string>& among, std::string what) {
  if (what.empty() || among.contains(what)) return;
  if (among.size() >= kMaxExecutions) {
    ++refused_;
    return;
  }
  among.insert(std::move(what));
}

void Chains::executed(const std::string& place, TimeNs time, const Process& process) {
  const auto builds = built_.find(place);
  if (builds == built_.end()) return;
  for (const std::string& build : builds->second) {
    Story& story = stories_.at(build);
    for (const ChainLink& link : story.chain.links) {
      const Connection& connection = link.connection;
      if (link.place != place || connection.time > time) continue;
      note(story.executed, executes_fetched(process, connection));
      note(story.shells, shell_of(process, connection));
      note(story.unpacked, unpacker(process));
    }
  }
}

const Story* Chains::find(const std::string& build) const {
  const auto found = stories_.find(build);
  return found == stories_.end() || found->second.chain.links.empty() ? nullptr : &found->second;
}

void tell_chain(Finding& finding, const Story& story) {
  const auto& links = story.chain.links;
  bool critical = false;
  std::string text;
  for (std::size_t n = 0; n < links.size(); ++n) {
    critical = critical || links[n].severity == Severity::kCritical;
    if (n < kMaxEvidence) text += (n == 0 ? "" : ", ") + link_text(links[n]);
  }
  const std::size_t more =
      links.size() - std::min(links.size(), kMaxEvidence) + story.chain.left_out;
  if (more > 0) text += ", and " + std::to_string(more) + " more";
  tell(finding, critical ? "chain-closed/critical" : "chain-closed", text);
  if (!story.executed.empty()) tell(finding, "payload-executed", listed(story.executed));
  if (!story.shells.empty()) tell(finding, "reverse-shell", listed(story.shells));
  finding.chain = story.chain;
  finding.connection = story.last;
}

}  // namespace kilnwatch::detect
