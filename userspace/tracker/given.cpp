// What containers are given beside the request that creates them: of others, and later.
#include <algorithm>
#include <utility>

#include "base/hex_id.h"
#include "tracker/ident.h"
#include "tracker/tracker.h"

namespace kilnwatch::tracker {

using namespace domain;

bool has_of_host(const ContainerCreated& created) {
  return created.privileged || !created.binds.empty() || !created.capabilities.empty() ||
         !created.host_namespaces.empty() || !created.devices.empty() ||
         !created.unconfined.empty() || !created.volumes_from.empty() || created.left_out > 0;
}

// What it has of other containers (--volumes-from NAME[:ro]). Whose mounts are not known stay
// named.
void Tracker::lend_mounts(ContainerCreated& created, const std::string& scope) const {
  std::erase_if(created.volumes_from, [&](const std::string& from) {
    const auto end = std::min(from.find(':'), from.size());
    const auto* mounts = api_containers_.mounts(api_containers_.find(scope, from.substr(0, end)));
    if (mounts == nullptr) return false;
    const bool read_only = from.substr(end) == ":ro";
    for (const std::string& mount : *mounts) {
      const bool options = mount.find(':', mount.find(':') + 1) != mount.npos;
      created.binds.push_back(read_only && !options ? mount + ":ro" : mount);
    }
    return true;
  });
}

// Whatever image it runs: that it has more now is a fact of its own.
void Tracker::on(const ContainerEmpowered& fact) {
  if (!fact.with.command && !has_of_host(fact.with)) return;
  const std::string reference = plain_name(fact.container);
  const std::string scope = store_of(fact.call);
  const std::string id = api_containers_.find(scope, reference);
  Deployment deployment;
  deployment.time = fact.time;
  deployment.started = true;
  deployment.container = fact.with;
  lend_mounts(deployment.container, scope);
  deployment.container.container_id = id.empty() && base::is_hex_id(reference) ? reference : id;
  deployment.container.name = reference;
  deployment.engine_container_id = home_;
  deployment.engine_uid = uid_of(fact.call);
  fill_client(fact.call.conn, deployment.client);
  Moment moment;
  moment.kind = MomentKind::kContainerPowers;
  moment.time = fact.time;
  moment.call = fact.call;
  moment.key = reference + (fact.with.command ? "/command" : "/given");
  moment.deployment = std::move(deployment);
  tell(std::move(moment));
}

}  // namespace kilnwatch::tracker
