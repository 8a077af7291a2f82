// Containers of images that another host built, as far as that host told.
#include "detect/detector.h"
#include "detect/image_note.h"
#include "detect/reason_table.h"
#include "detect/reasons.h"
#include "detect/scoring.h"
#include "tracker/images.h"

namespace kilnwatch::detect {

using namespace domain;

namespace {

// "build B on host H, 50 s before, as app:1, for /usr/bin/docker (uid 0)".
std::string origin(const Build& build, std::uint64_t age) {
  std::string text =
      "build " + build.id + " on host " + build.host + ", " + std::to_string(age) + " s before";
  if (!build.request.tags.empty()) text += ", as " + build.request.tags.front();
  return text + ", for " + client_text(build.client);
}

// Of that host's alerts: what it saw executed weighs here, too.
bool weighs_again(const Reason& reason) {
  return reason.code == "payload-executed" || reason.code == "reverse-shell";
}

}  // namespace

bool Detector::deploy_foreign(const tracker::Moment& moment, const Answer& answer,
                              Finding& finding) {
  if (!answer || answer->kind != fleet::Answer::Kind::kKnown) return false;
  auto note = read_note(answer->note);
  if (!note) return false;
  const auto here = [this](TimeNs& time) { time = time > wall_offset_ ? time - wall_offset_ : 0; };
  const TimeNs ended = note->build.ended, now = moment.time + wall_offset_;
  const TimeNs age = now > ended ? now - ended : 0;
  // The server forgets it by its own clock, which is not a recording's.
  if (age > policy_.deploy_window.value_or(tracker::kDeployWindow)) return false;
  here(note->build.started);
  here(note->build.ended);
  for (ChainLink& link : note->chain.links) here(link.connection.time);
  const bool soon = age <= policy_.deploy_soon.value_or(kDeploySoon);
  tell(finding, soon ? "built-elsewhere/soon" : "built-elsewhere",
       origin(note->build, age / kSecond));
  if (!base::is_digest(moment.foreign)) tell(finding, "image-by-name", moment.foreign);
  asked_by(finding, note->build.client, "/maker");
  // Their texts came along, their weights are this host's own.
  for (Reason& reason : note->chain.reasons) {
    if (find_reason(reason.code) == nullptr) continue;
    std::string text = std::move(reason.text);
    reason = reason_of(reason.code);
    reason.text = std::move(text);
  }
  if (!note->chain.links.empty()) {
    tell(finding, is_critical(note->chain) ? "connected-elsewhere/critical" : "connected-elsewhere",
         links_text(note->chain.links, note->chain.left_out));
    for (const Reason& reason : note->chain.reasons) {
      if (weighs_again(reason)) finding.reasons.push_back(reason);
    }
    finding.connection = note->chain.links.front().connection;
    finding.chain = std::move(note->chain);
  }
  finding.summary +=
      ", built on host " + note->build.host + " for " + client_text(note->build.client);
  finding.build = std::move(note->build);
  return true;
}

}  // namespace kilnwatch::detect
