#include "tracker/engine_calls.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "base/host_name.h"
#include "base/text.h"

namespace kilnwatch::tracker {

using namespace domain;

std::string host_in(const std::string& url) {
  std::string_view rest = url;
  const std::size_t scheme = rest.find("://");
  if (scheme == rest.npos) {
    if (!rest.starts_with("//")) return {};  // a path on the same host
    rest.remove_prefix(2);
  } else {
    rest.remove_prefix(scheme + 3);
  }
  return base::lower(base::authority_of(rest).host);
}

bool EngineCalls::begin(const std::string& id, EngineCall call) {
  if (open_.size() >= kMaxEngineCalls) return false;
  open_.emplace(id, std::move(call));
  return true;
}

void EngineCalls::asked(const std::string& id, const std::string& url) {
  const auto it = open_.find(id);
  if (it == open_.end()) return;
  Connection& made = it->second.connection;
  made.http_method = "GET";
  made.http_host = host_in(url);
  const std::size_t scheme = url.find("://");
  const std::size_t path = scheme == url.npos ? url.npos : url.find('/', scheme + 3);
  made.http_path = path == url.npos ? "/" : url.substr(path);
}

namespace {

void give_name(Connection& made, const Connection& from) {
  made.http_method = from.http_method;
  made.http_host = from.http_host;
  made.http_path = from.http_path;
  made.tls_name = from.tls_name;
}

}  // namespace

void EngineCalls::named(const std::string& id, const Connection& connection) {
  if (const auto it = open_.find(id); it != open_.end())
    give_name(it->second.connection, connection);
}

void EngineCalls::named(const Connection& connection) {
  if (connection.tls_name.empty() && connection.http_host.empty()) return;
  const auto [it, fresh] = names_.insert_or_assign(connection.destination, Named{connection});
  if (!fresh) return;
  order_.push_back(connection.destination);
  if (order_.size() <= kMaxEngineNames) return;
  names_.erase(order_.front());
  order_.pop_front();
}

bool EngineCalls::sent_on(TimeNs time, const std::string& from, const std::string& location) {
  const std::string to = host_in(location), by = host_in(from);
  if (to.empty() || to == by) return true;
  sent_on_.push_back({time, by, to});
  if (sent_on_.size() <= kMaxSentOn) return true;
  const bool over = sent_on_.front().time + kSentOnLife < time;
  sent_on_.pop_front();
  return over;
}

std::optional<EngineCall> EngineCalls::take(const std::string& id) {
  const auto it = open_.find(id);
  if (it == open_.end()) return std::nullopt;
  EngineCall call = std::move(it->second);
  open_.erase(it);
  Connection& made = call.connection;
  const auto known = names_.find(made.destination);
  if (made.http_host.empty() && made.tls_name.empty() && known != names_.end()) {
    give_name(made, known->second.connection);
    // The first one is the connection that said it.
    call.name_borrowed = std::exchange(known->second.taken, true);
  }
  const std::string asked =
      host_in("//" + (made.http_host.empty() ? made.tls_name : made.http_host));
  for (auto sent = sent_on_.rbegin(); sent != sent_on_.rend(); ++sent) {
    if (sent->time + kSentOnLife < made.time) break;
    if (sent->to != asked && sent->to != made.destination.ip) continue;
    call.sent_from = sent->from;
    break;
  }
  return call;
}

}  // namespace kilnwatch::tracker
