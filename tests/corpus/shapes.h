// What the commands of a RUN line fetch: tests/lab/company/clients.txt.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "corpus/plan.h"

namespace kilnwatch::test::corpus {

class Shapes {
 public:
  // Throws what is wrong with the file: a mistake in the repository.
  static Shapes read(const std::string& path);

  // `repositories`: URLs of package sources that a line adds, for apt of the lines after it.
  std::vector<Fetch> fetches_of(const std::string& run,
                                std::vector<std::string>& repositories) const;

 private:
  struct Client {
    std::string program;
    std::vector<std::string> urls;
  };
  const Client* client_of(const std::vector<std::string>& words) const;
  void add(const std::string& url, const Client& client, const std::vector<std::string>& words,
           std::vector<Fetch>& out) const;
  std::map<std::string, Client> clients_;                     // by command
  std::vector<std::pair<std::string, std::string>> follows_;  // prefix, where it is redirected to
};

}  // namespace kilnwatch::test::corpus
