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
  if (connection.by_engine) text += ", the engine itself";
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
  if (order_.size() >= kMaxStories) make_room();
  order_.push_back(build);
  return at->second;
}

// Whoever asks for many builds pushes out none that connected: of those whose request alone was
// told nothing is lost.
void Chains::make_room() {
  auto oldest = std::find_if(order_.begin(), order_.end(), [this](const std::string& id) {
    const Story& story = stories_.at(id);
    return story.chain.links.empty() && story.perhaps.empty();
  });
  if (oldest == order_.end()) oldest = order_.begin();
  const auto old = stories_.find(*oldest);
  auto& links = old->second.chain.links;
  if (!links.empty() || !old->second.perhaps.empty()) ++refused_;
  while (!links.empty()) unlink(old->first, links, links.size() - 1);
  stories_.erase(old);
  order_.erase(oldest);
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

void Chains::connected(const Finding& finding, const std::string& place, Severity severity,
                       const std::vector<std::string>& others) {
  if (!finding.connection) return;
  // The engine's own is of no step.
  ChainLink link{finding.id, place, severity, finding.step.value_or(Step{}), *finding.connection};
  if (finding.build) {
    this->link(finding.build->id, finding, link);
    // There it may have another number.
    link.step.number = link.step.total = 0;
    link.step.stage.clear();
  }
  const std::size_t linked = std::min(others.size(), kMaxOthers);
  for (std::size_t n = 0; n < linked; ++n) {
    if (finding.build)
      this->link(others[n], finding, link);
    else
      link_perhaps(others[n], link);
  }
  refused_ += others.size() - linked;
}

void Chains::link(const std::string& build, const Finding& finding, ChainLink link) {
  Story& story = story_of(build);
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
    if (least->severity >= link.severity) return;
    unlink(build, links, static_cast<std::size_t>(least - links.begin()));
  }
  built_[link.place].insert(build);
  links.push_back(std::move(link));
}

void Chains::link_perhaps(const std::string& build, const ChainLink& link) {
  auto& links = story_of(build).perhaps;
  if (links.size() >= kMaxLinks) {
    ++refused_;
    return;
  }
  links.push_back(link);
}

bool Chains::note(std::set<std::string>& among, std::string what) {
  if (what.empty() || among.contains(what)) return false;
  if (among.size() >= kMaxExecutions) {
    ++refused_;
    return false;
  }
  among.insert(std::move(what));
  return true;
}

std::vector<std::string> Chains::executed(const std::string& place, TimeNs time,
                                          const Process& process) {
  std::vector<std::string> more;
  const auto builds = built_.find(place);
  if (builds == built_.end()) return more;
  const std::string unpacks = unpacker(process);
  for (const std::string& build : builds->second) {
    Story& story = stories_.at(build);
    bool noted = false;
    for (const ChainLink& link : story.chain.links) {
      const Connection& connection = link.connection;
      if (link.place != place || connection.time > time) continue;
      noted = note(story.executed, executes_fetched(process, connection)) || noted;
      noted = note(story.shells, shell_of(process, connection)) || noted;
      noted = note(story.unpacked, unpacks) || noted;
    }
    if (noted) more.push_back(build);
  }
  return more;
}

const Story* Chains::find(const std::string& build) const {
  const auto found = stories_.find(build);
  if (found == stories_.end()) return nullptr;
  const Story& story = found->second;
  return story.chain.links.empty() && story.perhaps.empty() ? nullptr : &story;
}

Chain reported(const Story& story) {
  Chain chain = story.chain;
  Finding told;
  if (!story.executed.empty()) tell(told, "payload-executed", listed(story.executed));
  if (!story.shells.empty()) tell(told, "reverse-shell", listed(story.shells));
  // First, since those that come last may find no room.
  for (const Reason& reason : chain.reasons) {
    if (std::none_of(told.reasons.begin(), told.reasons.end(),
                     [&](const Reason& one) { return one.code == reason.code; }))
      told.reasons.push_back(reason);
  }
  chain.reasons = std::move(told.reasons);
  return chain;
}

bool is_critical(const Chain& chain) {
  return std::any_of(chain.links.begin(), chain.links.end(),
                     [](const ChainLink& link) { return link.severity == Severity::kCritical; });
}

std::string links_text(const std::vector<ChainLink>& links, std::size_t left_out) {
  std::string text;
  const std::size_t named = std::min(links.size(), kMaxEvidence);
  for (std::size_t n = 0; n < named; ++n) text += (n == 0 ? "" : ", ") + link_text(links[n]);
  const std::size_t more = links.size() - named + left_out;
  return more > 0 ? text + ", and " + std::to_string(more) + " more" : text;
}

void tell_chain(Finding& finding, const Story& story) {
  const auto& links = story.chain.links;
  if (links.empty()) return tell(finding, "chain-closed/perhaps", links_text(story.perhaps));
  tell(finding, is_critical(story.chain) ? "chain-closed/critical" : "chain-closed",
       links_text(links, story.chain.left_out));
  if (!story.executed.empty()) tell(finding, "payload-executed", listed(story.executed));
  if (!story.shells.empty()) tell(finding, "reverse-shell", listed(story.shells));
  finding.chain = story.chain;
  finding.connection = story.last;
}

void tell_possible_chain(Finding& finding, const std::string& build, const Story& story) {
  const auto& links = story.chain.links;
  if (!links.empty())
    tell(finding, "chain-closed/image",
         "build " + build + ": " + links_text(links, story.chain.left_out));
}

}  // namespace kilnwatch::detect
