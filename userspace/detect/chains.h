// What findings said of builds so far: the story that a deployment of its image closes.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "domain/finding.h"

namespace kilnwatch::detect {

inline constexpr std::size_t kMaxStories = 4096;     // builds
inline constexpr std::size_t kMaxLinks = 16;         // connections of one build
inline constexpr std::size_t kMaxChainReasons = 32;  // of one build
inline constexpr std::size_t kMaxExecutions = 8;     // of each kind, of one build
inline constexpr std::size_t kMaxEvidence = 3;       // connections named in a sentence
inline constexpr std::size_t kMaxOthers = 16;        // builds beside the one that is named

struct Story {
  domain::Chain chain;
  // The last one that was told: also where it is no link any more.
  std::optional<domain::Connection> last;
  // Connections that may be another build's: told in words, and part of no chain.
  std::vector<domain::ChainLink> perhaps = {};
  std::set<std::string> executed;  // what was fetched and executed, in words
  std::set<std::string> shells;    // on a connection
  std::set<std::string> unpacked;  // after a connection
};

class Chains {
 public:
  // A build's request was told.
  void requested(const domain::Finding& finding);
  // A connection of a step of a build was told. `severity`: by its reasons. `others`: builds that
  // have the same step; where the finding names no build, those that it may be of.
  void connected(const domain::Finding& finding, const std::string& place,
                 domain::Severity severity, const std::vector<std::string>& others = {});
  // Something was executed in a step, or may be one. The builds whose story has more of it now.
  std::vector<std::string> executed(const std::string& place, domain::TimeNs time,
                                    const domain::Process& process);

  // Null: nothing that counts was told of the build.
  const Story* find(const std::string& build) const;

  // Builds forgotten, connections, reasons and executions left out, for want of room.
  std::uint64_t refused() const { return refused_; }

 private:
  Story& story_of(const std::string& build);
  void make_room();
  void link(const std::string& build, const domain::Finding& finding, domain::ChainLink link);
  void link_perhaps(const std::string& build, const domain::ChainLink& link);
  void add_reasons(Story& story, const std::vector<domain::Reason>& reasons);
  // False: nothing new.
  bool note(std::set<std::string>& among, std::string what);
  void unlink(const std::string& build, std::vector<domain::ChainLink>& links, std::size_t at);

  std::map<std::string, Story> stories_;                // by build id
  std::deque<std::string> order_;                       // of the builds, oldest first
  std::map<std::string, std::set<std::string>> built_;  // container of a link → build ids
  std::uint64_t refused_ = 0;
};

// As other hosts are told it: with what was executed among its reasons.
domain::Chain reported(const Story& story);

// The first of its connections, in words.
std::string links_text(const std::vector<domain::ChainLink>& links, std::size_t left_out = 0);
bool is_critical(const domain::Chain& chain);

// The reasons that its build gives to a deployment.
void tell_chain(domain::Finding& finding, const Story& story);
// Of one that may have made the image.
void tell_possible_chain(domain::Finding& finding, const std::string& build, const Story& story);

}  // namespace kilnwatch::detect
