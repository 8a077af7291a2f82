// Containers of images from elsewhere that have the host's powers. Many have them rightly: what
// runs for whom is told once. Whom nobody could hold to account is told each time.
#include <algorithm>

#include "detect/detector.h"
#include "detect/kept_word.h"
#include "detect/powers.h"
#include "detect/reasons.h"
#include "tracker/images.h"

namespace kilnwatch::detect {

using namespace domain;
using baseline::Scope;

namespace {

// Its pods are the cluster itself.
constexpr std::string_view kSystemPods = "kube-system";

// Over CRI by root, from where the engine is: in practice the kubelet.
bool is_kubelet(const Deployment& deployment) {
  const Client& client = deployment.client;
  return !deployment.container.sandbox.empty() && client.transport == Transport::kUnix &&
         !client_in_other_container(client, deployment.engine_container_id) && client.process &&
         client.process->uid == 0;
}

// By user; a program in a container by its name, too, since any image can have any user.
std::string who_of(const Deployment& deployment) {
  const Client& client = deployment.client;
  if (is_kubelet(deployment)) return "cri";
  if (client.transport == Transport::kTcp) return client.address.ip;
  if (!client.process) return "unknown";
  const std::string uid = std::to_string(client.process->uid);
  if (client.container_id.empty()) return "uid-" + uid;
  return "container-uid-" + uid + ":" + client.process->exe;
}

std::string listed(const std::vector<std::string>& words) {
  std::string out;
  for (std::size_t i = 0; i < words.size() && i < kMaxNamed; ++i)
    out += (i == 0 ? "" : ", ") + words[i];
  if (words.size() > kMaxNamed)
    out += " and " + std::to_string(words.size() - kMaxNamed) + " others";
  return out;
}

// As the baseline keeps it. What is too long for it stands there as a hash.
std::string powers_key(const Deployment& deployment, const Powers& powers) {
  const ContainerCreated& made = deployment.container;
  std::string what;
  const auto add = [&what](const char* kind, const std::string& word) {
    what += (what.empty() ? "" : ",") + (kind + word);
  };
  for (const std::string& word : powers.takes) add("", word);
  for (const std::string& word : powers.reads) add("ro:", word);
  for (const std::string& word : powers.unknown) add("from:", word);
  if (powers.unread > 0) add("unread", "");
  if (powers.command) add("command", "");
  std::vector<std::string> spaces = made.host_namespaces;
  std::sort(spaces.begin(), spaces.end());
  for (const std::string& space : spaces) add("ns:", space);
  // Whoever updates an image starts another one of the same name.
  const std::string image = tracker::repository_of(made.image.empty() ? made.name : made.image);
  std::string word = kept_word(who_of(deployment) + ";" + image + ";" + what);
  std::replace_if(
      word.begin(), word.end(), [](unsigned char c) { return c <= ' '; }, '_');
  return baseline::text_of({baseline::kPowers, 0, word});
}

}  // namespace

bool Detector::powers(const tracker::Moment& moment, Finding& finding) {
  const Deployment& deployment = *moment.deployment;
  const ContainerCreated& made = deployment.container;
  const Powers powers = powers_of(made);
  if (powers.empty()) return false;
  const Client& client = deployment.client;
  const bool kubelet = is_kubelet(deployment);
  const bool apart = client_in_other_container(client, deployment.engine_container_id);
  // Somebody who is answerable on this host, or whom the configuration names.
  const bool vouched = kubelet || is_listed(client) ||
                       (client.transport != Transport::kTcp && client.process && !apart);
  const bool fresh =
      baseline_.meet({Scope::kHost, powers_key(deployment, powers), wall(moment), {}});
  // Told as created, it is no less new when it starts.
  const std::string container = made.engine_namespace + "/" + made.container_id;
  const bool known = !fresh && !novel_powers_.contains(container);
  if (fresh && !deployment.started) novel_powers_.insert(container);
  client_place(finding, client, deployment.engine_container_id);
  new_client(moment, client, finding);
  if (known && vouched) return false;
  if (kubelet && made.pod.name_space == kSystemPods) return false;

  if (!powers.takes.empty()) tell(finding, "host-powers", listed(powers.takes));
  if (!powers.reads.empty()) tell(finding, "host-powers/reads", listed(powers.reads));
  if (powers.command) tell(finding, "command-privileged");
  if (powers.unread > 0) tell(finding, "host-powers/unread", std::to_string(powers.unread));
  if (!powers.unknown.empty()) tell(finding, "volumes-from", listed(powers.unknown));
  if (!made.unconfined.empty()) tell(finding, "unconfined", listed(made.unconfined));
  for (const std::string& space : made.host_namespaces)
    tell(finding, "host-namespace/beside", space);
  if (known) tell(finding, "powers-known");
  if (kubelet) tell(finding, "asked-by-cri");
  if (deployment.engine_uid != 0)
    tell(finding, "engine-rootless", std::to_string(deployment.engine_uid));
  if (unknown_client(client)) tell(finding, "client-unknown");
  if (vouched && is_learning(moment)) tell(finding, "learning/powers");
  finding.summary = std::string("container ") +
                    (deployment.started ? "started" : "created, not started so far,") +
                    " with the host's powers, from " + made.image;
  if (powers.command) finding.summary = "privileged command in container " + made.name;
  if (!powers.command && made.image.empty())
    finding.summary = "container " + made.name + " started with the host's powers";
  if (!made.pod.name.empty())
    finding.summary += " in pod " + made.pod.name_space + "/" + made.pod.name;
  finding.summary += ", for " + client_text(client);
  return true;
}

}  // namespace kilnwatch::detect
