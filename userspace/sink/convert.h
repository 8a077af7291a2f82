// Finding → Alert. Text in it is valid UTF-8.
#pragma once

#include "domain/finding.h"
#include "domain/host.h"
#include "kilnwatch/v1/alert.pb.h"

namespace kilnwatch::sink {

v1::Alert to_alert(const domain::Finding& finding, const domain::HostFacts& host);

void fill_host(v1::Host* to, const domain::HostFacts& host);

}  // namespace kilnwatch::sink
