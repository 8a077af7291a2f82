// Flags of a command line as Go's pflag reads them: --name value, --name=value, -n value, -nvalue,
// several one-letter flags in one word.
#pragma once

#include <map>
#include <string>
#include <vector>

namespace kilnwatch::engine::command {

// Which flags take a value, and what their one-letter names stand for.
enum class Dialect : std::uint8_t {
  kPodman,   // before the verb: the first word that is no flag ends it
  kBuildah,  // likewise
  kBuild,    // podman build, buildah build: alike
  kFrom,
  kRun,  // the words behind the container are the command's own
  kCommit,
  kRemove,
  kKaniko,
};

class Flags {
 public:
  Flags(Dialect dialect, const std::vector<std::string>& args);

  const std::vector<std::string>& words() const { return words_; }
  std::vector<std::string> all(const std::string& name) const;
  std::string last(const std::string& name) const;  // empty: not there
  // A flag without a value; `otherwise`: not there.
  bool is_on(const std::string& name, bool otherwise = false) const;

 private:
  std::map<std::string, std::vector<std::string>> values_;
  std::vector<std::string> words_;
};

}  // namespace kilnwatch::engine::command
