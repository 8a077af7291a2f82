// What is remembered and for how long, and the server that hosts share it over.
#include <string_view>
#include <utility>

#include "policy/parse.h"
#include "policy/values.h"

namespace kilnwatch::policy {
namespace {

struct StorePlaces {
  std::optional<Place> url, user, password, ca, certificate, key;
};

// Whatever does nothing without another key.
void complain_of_store(const std::optional<StoreUrl>& url, const StorePlaces& at,
                       Complaints& complaints) {
  using Named = std::pair<const std::optional<Place>&, const char*>;
  const Named all[] = {{at.user, "user"},
                       {at.password, "password_file"},
                       {at.ca, "ca_file"},
                       {at.certificate, "cert_file"},
                       {at.key, "key_file"}};
  for (const auto& [place, name] : all) {
    if (place && !at.url) {
      complaints.add(*place,
                     std::string("baseline.") + name +
                         " does nothing without 'store'; write 'store: rediss://HOST:PORT'");
    }
  }
  for (const auto& [place, name] : {all[2], all[3], all[4]}) {
    if (place && url && !url->tls) {
      complaints.add(*place, std::string("baseline.") + name +
                                 " does nothing without TLS; write 'store: rediss://HOST:PORT', or "
                                 "remove it");
    }
  }
  if (at.certificate && !at.key)
    complaints.add(*at.certificate, "baseline.cert_file has no key; write 'key_file: PATH', too");
  if (at.key && !at.certificate)
    complaints.add(*at.key, "baseline.key_file has no certificate; write 'cert_file: PATH', too");
}

}  // namespace

void read_baseline(const Node& node, Complaints& complaints, Policy& out) {
  SharedStore store;
  StorePlaces at;
  std::optional<StoreUrl> url;
  const auto word = [&complaints](std::optional<Place>& place, std::string& value, const char* name,
                                  base::Result<std::string> (*read)(const std::string&)) {
    return [&complaints, &place, &value, name, read](const Node& item) {
      place = item.place;
      value = complaints.value(item, name, read).value_or("");
    };
  };
  complaints.keys(
      node, "baseline",
      {{"expire_after",
        [&](const Node& item) {
          out.expire_after = complaints.value(item, "baseline.expire_after", read_duration);
        }},
       {"learn_for",
        [&](const Node& item) {
          out.learn_for = complaints.value(item, "baseline.learn_for", read_duration_or_none);
        }},
       {"store",
        [&](const Node& item) {
          at.url = item.place;
          url = complaints.value(item, "baseline.store", read_store_url);
        }},
       {"user", word(at.user, store.user, "baseline.user", read_store_user)},
       {"password_file",
        word(at.password, store.password_file, "baseline.password_file", read_file_path)},
       {"ca_file", word(at.ca, store.ca_file, "baseline.ca_file", read_file_path)},
       {"cert_file", word(at.certificate, store.cert_file, "baseline.cert_file", read_file_path)},
       {"key_file", word(at.key, store.key_file, "baseline.key_file", read_file_path)}});
  complain_of_store(url, at, complaints);
  if (!url) return;
  store.url = std::move(*url);
  out.store = std::move(store);
}

}  // namespace kilnwatch::policy
