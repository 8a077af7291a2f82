// Files that a step fetches, and what becomes of them.
#include "detect/shapes.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "base/text.h"
#include "detect/added.h"
#include "detect/names.h"
#include "detect/words.h"
#include "tracker/executed.h"

namespace kilnwatch::detect {

using namespace domain;
using tracker::file_name;

namespace {

// The files that a command executes, of the shell or as a list of JSON: what stands where a command
// does, or behind an interpreter.
std::vector<std::string_view> executed_words(std::string_view text) {
  constexpr std::array<std::string_view, 10> kBefore = {
      "sudo", "exec", "env", "nohup", "setsid", "time", "timeout", ".", "source", "then"};
  std::vector<std::string_view> out;
  bool closed = false;  // what stands right behind $(…) or ${…} goes on with a word
  while (!text.empty()) {
    const std::size_t stop = std::min(text.find_first_of(";&|\n(){}"), text.size());
    std::string_view part = closed ? std::string_view() : text.substr(0, stop);
    closed = stop < text.size() && (text[stop] == ')' || text[stop] == '}');
    text.remove_prefix(std::min(stop + 1, text.size()));
    while (!part.empty()) {
      const std::size_t end = std::min(part.find_first_of(" \t\\\"',[]"), part.size());
      const std::string_view word = part.substr(0, end);
      part.remove_prefix(std::min(end + 1, part.size()));
      if (word.empty() || word.starts_with('-') || contains(word, "=") || one_of(word, kBefore))
        continue;
      out.push_back(word);
      if (!tracker::is_interpreter(word)) break;
    }
  }
  return out;
}

}  // namespace

std::vector<std::string> fetched_names(const Connection& connection) {
  std::vector<std::string> out;
  const auto add = [&out](std::string_view path) {
    path = path.substr(0, path.find_first_of("?#"));
    const std::string_view name = file_name(path);
    if (!name.empty() && name != "***" && std::find(out.begin(), out.end(), name) == out.end())
      out.emplace_back(name);
  };
  add(connection.http_path);
  // Words with a folder or a suffix in them, and what follows an option for the output; but not the
  // script that fetches.
  const std::string own = tracker::executed_file(connection.process);
  bool output = false;
  for (std::string_view rest : connection.process.args) {
    while (!rest.empty()) {
      const std::size_t end = std::min(rest.find_first_of(" \t\n'\"`;|&<>()=,"), rest.size());
      std::string_view word = rest.substr(0, end);
      rest.remove_prefix(std::min(end + 1, rest.size()));
      if (word.empty() || word == own) continue;
      const bool option = word.starts_with('-');
      // Also behind other letters: curl -sSLo.
      const bool to =
          word == "--output" || word == "--output-document" ||
          (option && !word.starts_with("--") && (word.ends_with('o') || word.ends_with('O')));
      if (word.starts_with("-o") || word.starts_with("-O"))
        add(word.substr(2));
      else if (!option && (output || word.find_first_of("/.") != word.npos))
        add(word);
      output = to;
    }
  }
  return out;
}

std::string executes_fetched(const Process& ran, const Connection& connection) {
  const std::string file = tracker::executed_file(ran);
  if (file.empty() || file == "-" || file == connection.process.exe) return {};
  const auto names = fetched_names(connection);
  if (std::find(names.begin(), names.end(), file_name(file)) == names.end()) return {};
  const Endpoint& from = connection.destination;
  return file + ", fetched from " + from.ip + " port " + std::to_string(from.port);
}

namespace {

// What an ADD fetches over the connection, and what it is called in the image.
void add_targets(const Build& build, const Connection& connection,
                 std::vector<std::string>& names) {
  const std::string claim = claimed_name(connection);
  const std::string path = connection.http_path.substr(0, connection.http_path.find_first_of("?#"));
  for (const AddedFile& file : added_files(build).files) {
    if (!is_url(file)) continue;
    const std::string host = host_of_url(file.url).ip;
    const std::string_view url = std::string_view(file.url).substr(0, file.url.find_first_of("?#"));
    const bool its = host == connection.destination.ip || (!claim.empty() && host == claim) ||
                     (!path.empty() && url.ends_with(path));
    if (!its) continue;
    names.emplace_back(file_name(url));
    if (!file.target.ends_with('/')) names.emplace_back(file_name(file.target));
  }
  std::erase(names, "");
}

}  // namespace

std::string starts_fetched(const Build& build, const Connection& connection) {
  if (!build.dockerfile) return {};
  const DockerfileSeen& dockerfile = *build.dockerfile;
  auto names = fetched_names(connection);
  if (connection.by_engine) add_targets(build, connection, names);
  constexpr std::array<std::string_view, 3> kKeywords = {"run", "cmd", "entrypoint"};
  for (const Instruction& instruction : dockerfile.instructions) {
    std::string_view rest = instruction.text;
    if (!one_of(base::lower(next_word(rest)), kKeywords)) continue;
    for (const std::string_view word : executed_words(rest)) {
      if (std::find(names.begin(), names.end(), file_name(word)) != names.end())
        return instruction.text;
    }
  }
  return {};
}

std::string shell_of(const Process& ran, const Connection& connection) {
  if (!tracker::is_shell(tracker::called(ran).program) || tracker::executed_file(ran) != "-")
    return {};
  const bool became = ran.pid == connection.process.pid;
  if (!became && ran.ppid != connection.process.pid) return {};
  return ran.exe + (became ? " took the place of " : " was started by ") + connection.process.exe +
         ", which was connected";
}

std::string unpacker(const Process& ran) {
  constexpr std::array<std::string_view, 12> kUnpackers = {"tar",  "bsdtar",  "unzip",    "gunzip",
                                                           "unxz", "bunzip2", "cpio",     "7z",
                                                           "7za",  "base64",  "uudecode", "xxd"};
  return one_of(file_name(tracker::called(ran).program), kUnpackers) ? joined(ran.args)
                                                                     : std::string();
}

std::string unpacked_root(const DockerfileSeen& dockerfile) {
  constexpr std::array<std::string_view, 8> kSuffixes = {
      ".tar", ".tar.gz", ".tgz", ".tar.xz", ".tar.bz2", ".txz", ".tar.zst", ".tbz2"};
  bool scratch = false;
  std::string found;
  for (const Instruction& instruction : dockerfile.instructions) {
    std::string_view rest = instruction.text;
    const std::string keyword = base::lower(next_word(rest));
    if (instruction.is_from) {
      scratch = base::lower(next_word(rest)) == "scratch";
      found.clear();
    }
    if (!scratch || keyword != "add") continue;
    while (!rest.empty()) {
      const std::string word = base::lower(next_word(rest));
      if (word.empty() && !rest.empty()) rest.remove_prefix(1);
      if (std::any_of(kSuffixes.begin(), kSuffixes.end(),
                      [&](std::string_view suffix) { return word.ends_with(suffix); }))
        found = instruction.text;
    }
  }
  return found;
}

}  // namespace kilnwatch::detect
