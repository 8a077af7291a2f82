#include "shapes.h"

#include <algorithm>
#include <fstream>
#include <sstream>
#include <stdexcept>

namespace kilnwatch::test::corpus {
namespace {

using Words = std::vector<std::string>;

Words words_of(const std::string& text) {
  std::istringstream in(text);
  Words out;
  for (std::string word; in >> word;) out.push_back(word);
  return out;
}

bool is_url(const std::string& word) {
  return word.starts_with("http://") || word.starts_with("https://") || word.starts_with("hkps://");
}

// Commands of a line, up to `&&`, `||`, `;` and `|`. A quoted one is taken apart as well: of those
// only words count.
std::vector<Words> commands_of(const std::string& run) {
  std::vector<Words> out(1);
  for (std::string word : words_of(run)) {
    const bool ends = word.ends_with(';');
    if (ends) word.pop_back();
    if (word == "&&" || word == "||" || word == "|") {
      out.emplace_back();
      continue;
    }
    std::erase_if(word, [](char c) { return c == '"' || c == '\''; });
    const bool first = out.back().empty();
    const bool assigns = word.find('=') != word.npos && !word.starts_with("http");
    if (!word.empty() && !(first && (assigns || word == "RUN" || word.starts_with("--"))))
      out.back().push_back(word);
    if (ends) out.emplace_back();
  }
  std::erase_if(out, [](const Words& words) { return words.empty(); });
  return out;
}

std::string first_word(const std::string& word) { return word.substr(word.rfind('/') + 1); }

}  // namespace

Shapes Shapes::read(const std::string& path) {
  std::ifstream in(path);
  if (!in) throw std::runtime_error(path + ": not there");
  Shapes out;
  std::string line;
  while (std::getline(in, line)) {
    if (line.empty() || line.front() == '#') continue;
    if (line.starts_with("follow ")) {
      const auto words = words_of(line);
      if (words.size() != 3) throw std::runtime_error(path + ": not a redirect: " + line);
      out.follows_.emplace_back(words[1], words[2]);
      continue;
    }
    const auto one = line.find('|'), two = line.find('|', one + 1);
    if (two == line.npos) throw std::runtime_error(path + ": not a client: " + line);
    std::string command;
    for (const auto& word : words_of(line.substr(0, one)))
      command += (command.empty() ? "" : " ") + word;
    out.clients_[command] = {words_of(line.substr(one + 1, two - one - 1)).at(0),
                             words_of(line.substr(two + 1))};
  }
  return out;
}

const Shapes::Client* Shapes::client_of(const Words& words) const {
  const Client* best = nullptr;
  std::string command;
  for (std::size_t i = 0; i < words.size() && i < 4; ++i) {
    if (i == 0)
      command = first_word(words[0]);
    else
      command += " " + words[i];
    const auto found = clients_.find(command);
    if (found != clients_.end()) best = &found->second;
  }
  return best;
}

// "URL*N>URL": fetched over N connections, then from where it is redirected to.
void Shapes::add(const std::string& url, const Client& client, const Words& words,
                 std::vector<Fetch>& out) const {
  const auto redirected = url.find('>');
  std::string target = url.substr(0, redirected);
  Fetch fetch;
  if (const auto times = target.find('*'); times != target.npos) {
    fetch.connections = static_cast<unsigned>(std::stoul(target.substr(times + 1)));
    target.resize(times);
  }
  fetch.tls = !target.starts_with("http://");
  std::string rest = target.substr(target.find("//") + 2);
  std::string host = rest.substr(0, rest.find('/'));
  fetch.path = rest.size() > host.size() ? rest.substr(host.size()) : "/";
  fetch.port = fetch.tls ? 443 : 80;
  if (const auto colon = host.find(':'); colon != host.npos) {
    fetch.port = static_cast<std::uint16_t>(std::stoul(host.substr(colon + 1)));
    host.resize(colon);
  }
  if (!host.empty() && host.find_first_not_of("0123456789.") == host.npos) {
    fetch.address = host;
    fetch.answer = Answer::kNothing;
  }
  fetch.name = host;
  fetch.program = client.program;
  fetch.args = words;
  out.push_back(fetch);
  if (redirected != url.npos) return add(url.substr(redirected + 1), client, words, out);
  for (const auto& [prefix, to] : follows_) {
    if (target.starts_with(prefix) && client.urls == Words{"@"}) return add(to, client, words, out);
  }
}

std::vector<Fetch> Shapes::fetches_of(const std::string& run,
                                      std::vector<std::string>& repositories) const {
  std::vector<Fetch> out;
  for (const Words& words : commands_of(run)) {
    Words named;
    std::copy_if(words.begin(), words.end(), std::back_inserter(named), is_url);
    if (words.front() == "echo" && words.size() > 1 && words[1] == "deb")
      repositories.insert(repositories.end(), named.begin(), named.end());
    const Client* client = client_of(words);
    if (client == nullptr) continue;
    for (const auto& url : client->urls) {
      if (url != "@") add(url, *client, words, out);
    }
    for (const auto& url : named) add(url, *client, words, out);
    if (words.front() != "apt-get") continue;
    for (const auto& url : repositories) add(url, *client, words, out);
  }
  return out;
}

}  // namespace kilnwatch::test::corpus
