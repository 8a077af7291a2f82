#include "harness/agreement.h"

#include <google/protobuf/message.h>
#include <google/protobuf/text_format.h>

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "base/text.h"
#include "harness/ancestors.h"
#include "tracker/images.h"
#include "tracker/losses.h"

namespace kilnwatch::test {
namespace {

// Path of a field → its values in order. Unset fields are not there.
using Fields = std::map<std::string, std::vector<std::string>>;

// Not who, what or where: identities, times, judgement, and states that change with time.
const std::set<std::string> kNotCompared = {"id",
                                            "time",
                                            "severity",
                                            "summary",
                                            "reasons",
                                            "techniques",
                                            "score",
                                            "chain",
                                            "health",
                                            "build.id",
                                            "build.started",
                                            "build.ended",
                                            "build.status",
                                            "step.attribution",
                                            "connection.time",
                                            "connection.outcome",
                                            "connection.count",
                                            "connection.bytes_out",
                                            "connection.bytes_in",
                                            "connection.first_seen",
                                            "deployment.time",
                                            "deployment.started",
                                            "import.id",
                                            "import.time"};

// `index`: of a repeated field.
std::string value_of(const google::protobuf::Message& message,
                     const google::protobuf::FieldDescriptor* field, int index) {
  using google::protobuf::FieldDescriptor;
  const google::protobuf::Reflection& from = *message.GetReflection();
  const bool many = field->is_repeated();
  std::string text;
  switch (field->cpp_type()) {
    case FieldDescriptor::CPPTYPE_STRING:
      return many ? from.GetRepeatedStringReference(message, field, index, &text)
                  : from.GetStringReference(message, field, &text);
    case FieldDescriptor::CPPTYPE_UINT32:
      return std::to_string(many ? from.GetRepeatedUInt32(message, field, index)
                                 : from.GetUInt32(message, field));
    case FieldDescriptor::CPPTYPE_UINT64:
      return std::to_string(many ? from.GetRepeatedUInt64(message, field, index)
                                 : from.GetUInt64(message, field));
    case FieldDescriptor::CPPTYPE_BOOL:
      return (many ? from.GetRepeatedBool(message, field, index) : from.GetBool(message, field))
                 ? "true"
                 : "false";
    default:  // seldom, and slow
      google::protobuf::TextFormat::PrintFieldValueToString(message, field, many ? index : -1,
                                                            &text);
      return text;
  }
}

void flatten(const google::protobuf::Message& message, const std::string& prefix, Fields& out) {
  std::vector<const google::protobuf::FieldDescriptor*> fields;
  message.GetReflection()->ListFields(message, &fields);
  for (const auto* field : fields) {
    const std::string path = prefix + field->name();
    if (kNotCompared.contains(path)) continue;
    if (field->is_repeated()) {
      const int count = message.GetReflection()->FieldSize(message, field);
      for (int i = 0; i < count; ++i) out[path].push_back(value_of(message, field, i));
    } else if (field->cpp_type() == google::protobuf::FieldDescriptor::CPPTYPE_MESSAGE) {
      flatten(message.GetReflection()->GetMessage(message, field), path + ".", out);
    } else {
      out[path].push_back(value_of(message, field, 0));
    }
  }
}

Fields fields_of(const google::protobuf::Message& message, const std::string& prefix = "") {
  Fields fields;
  flatten(message, prefix, fields);
  return fields;
}

bool subset(const std::vector<std::string>& part, const std::vector<std::string>& whole) {
  return std::all_of(part.begin(), part.end(), [&](const std::string& one) {
    return std::find(whole.begin(), whole.end(), one) != whole.end();
  });
}

// A name is the same one in full: BuildKit's own lines have no other form.
std::vector<std::string> in_full(std::vector<std::string> names) {
  for (auto& name : names) name = tracker::normalise_image(name);
  return names;
}

std::string bare(const std::string& image) {
  return image.starts_with("sha256:") ? image.substr(7) : image;
}

// "***" stands for anything: what is masked says nothing.
bool masked_form(std::string_view said, std::string_view real) {
  const auto star = said.find("***");
  if (star == said.npos || !real.starts_with(said.substr(0, star))) return false;
  const auto tail = said.substr(star + 3);
  return real.size() >= star + tail.size() && real.ends_with(tail);
}

// BuildKit's own lines tell an instruction without its flags, a Dockerfile with them.
std::string without_flags(std::string text) {
  const auto word = text.find(' ');
  while (word != text.npos && text.compare(word + 1, 2, "--") == 0)
    text.erase(word + 1, text.find(' ', word + 1) - word);
  return text;
}

// Does `said` know no other thing than `real`?
bool no_other(const std::string& path, const std::vector<std::string>& said,
              const std::vector<std::string>& real) {
  if (said == real) return true;
  if (path == "image.tags") return subset(in_full(said), in_full(real));
  if (path == "build.request.base_images") return subset(in_full(said), in_full(real));
  if (path == "connection.process.ancestors") return same_ancestors(said, real);
  if (path == "import.container_id") return !base::is_hex(said[0]);  // its name in the request
  if (path == "step.instruction" && real.size() == 1)
    return masked_form(said[0], real[0]) || without_flags(said[0]) == without_flags(real[0]);
  if (path == "image.id" && real.size() == 1)
    return bare(said[0]).size() >= 12 && bare(real[0]).starts_with(bare(said[0]));
  return false;
}

bool says(const v1::Alert& alert, const std::string& code) {
  return std::any_of(alert.reasons().begin(), alert.reasons().end(),
                     [&](const auto& reason) { return reason.code() == code; });
}

// Without DNS's answer a destination has the name that is claimed, or none. That is no loss to be
// told: nothing is lowered then.
bool told_by_dns(const v1::Alert& truth, const std::string& path) {
  return truth.connection().domain_source().starts_with("dns") &&
         (path == "connection.domain" || path == "connection.domain_source");
}
// An address of a content network has other names, too: by another answer it is told with one of
// these, and with the name that the process asks there for.
bool claims_name(const v1::Alert& alert, const v1::Alert& truth) {
  if (alert.connection().domain_source() != "dns") return true;
  return std::any_of(alert.reasons().begin(), alert.reasons().end(), [&](const auto& reason) {
    return reason.code() == "name-differs" &&
           reason.text().find(" for " + truth.connection().domain() + ",") != std::string::npos;
  });
}

bool says_client_unknown(const v1::Alert& alert) { return says(alert, "client-unknown"); }

// A step told from less says so itself.
bool says_inferred(const v1::Alert& alert) {
  return alert.step().attribution() == v1::ATTRIBUTION_INFERRED &&
         says(alert, "told-from-kernel-facts");
}

bool ambiguous(const v1::Alert& alert) {
  return alert.step().attribution() == v1::ATTRIBUTION_AMBIGUOUS;
}

// Where that the image was built here, or how it came, was not seen, a deployment is told as any
// other container with powers.
bool same_rule(const v1::Alert& alert, const v1::Alert& truth) {
  return alert.rule() == truth.rule() ||
         (alert.rule() == "container-powers" && truth.rule() == "image-deploy");
}

// A container that is given more while it runs is called what the request calls it: the id behind
// the name of one that is older than the sensor is not known.
bool goes_by_name(const v1::Alert& alert, const v1::Alert& truth) {
  const std::string& name = alert.deployment().name();
  return says(alert, "command-privileged") && !name.empty() && name == truth.deployment().name();
}

// Another container whose mounts it has is named where these are not known: it says so itself.
constexpr const char* kMounts = "deployment.binds";
constexpr const char* kLender = "deployment.volumes_from";

bool deploys(const v1::Alert& alert) {
  return alert.rule() == "image-deploy" || alert.rule() == "container-powers";
}

// Whose start was not seen is told with the process that had it created, of which the truth, told
// at the start, says nothing.
bool creation_only(const v1::Alert& alert) {
  return deploys(alert) && alert.summary().find("created, not started so far") != std::string::npos;
}

// Told with the client that had it created.
bool creators(const v1::Alert& alert) {
  return creation_only(alert) || says(alert, "start-unheard");
}

bool of_one_process(const std::string& path) {
  return path == "deployment.client.pid" || path == "deployment.client.args" ||
         path == "deployment.client.exe" || path == "deployment.client.address.port";
}

// "build ID step N: …"; N may be "unknown" where only the build is told.
bool names_candidate(const v1::Alert& alert, const v1::Alert& truth) {
  const std::string number = std::to_string(truth.step().number());
  return std::any_of(alert.reasons().begin(), alert.reasons().end(), [&](const auto& reason) {
    const auto at = reason.text().find(" step ");
    if (reason.code() != "candidate" || at == std::string::npos) return false;
    std::string said = reason.text().substr(at + 6);
    said.resize(std::min(said.size(), said.find_first_of(": ")));
    return said == number || said == "unknown";
  });
}

// A step that runs once for several builds is each one's.
bool shared_with(const v1::Alert& alert, const std::string& build) {
  return std::any_of(alert.reasons().begin(), alert.reasons().end(), [&](const auto& reason) {
    return reason.code() == "step-shared" && reason.text().starts_with("build " + build + " ");
  });
}

std::string shown(const std::vector<std::string>& values) {
  std::string text;
  for (const std::string& value : values) text += (text.empty() ? "" : ", ") + value;
  return text;
}

// One that was told as created and then as started is one deployment: the later alert stands for
// it.
std::set<const v1::Alert*> superseded(const Alerts& alerts) {
  std::map<std::string, const v1::Alert*> created;
  std::set<const v1::Alert*> out;
  for (const v1::Alert& alert : alerts) {
    if (!deploys(alert)) continue;
    const auto& id = alert.deployment().container_id();
    if (const auto before = created.find(id);
        before != created.end() && says(alert, "told-as-created"))
      out.insert(before->second);
    if (creation_only(alert)) created[id] = &alert;
  }
  return out;
}

struct Seen {
  const v1::Alert* alert;
  Fields fields;
};

}  // namespace

struct Truth::Read {
  Alerts alerts;
  std::vector<Seen> seen;
  std::set<std::string> blind;
};

Truth::Truth(const Alerts& alerts) {
  auto read = std::make_shared<Read>();
  read->alerts = alerts;
  const auto earlier = superseded(read->alerts);
  for (const v1::Alert& alert : read->alerts) {
    if (earlier.contains(&alert)) continue;
    if (alert.rule() != "sensor-blind")
      read->seen.push_back({&alert, fields_of(alert)});
    else
      read->blind.insert(alert.id());
  }
  read_ = std::move(read);
}

namespace {

class Judge {
 public:
  Judge(const Truth::Read& truth, const Alerts& alerts) : truth_(truth.seen), blind_(truth.blind) {
    const auto passed = superseded(alerts);
    for (const v1::Alert& alert : alerts) {
      if (alert.has_build() && says_client_unknown(alert))
        unknown_clients_.insert(alert.build().id());
      if (passed.contains(&alert))
        passed_.push_back({&alert, fields_of(alert)});
      else if (alert.rule() != "sensor-blind")
        alerts_.push_back({&alert, fields_of(alert)});
      else if (!blind_.contains(alert.id()))
        (alert.health().cause() == tracker::kCreation ? said_unseen_ : said_blind_) = true;
    }
  }

  Agreement run(const std::function<bool(const v1::Alert&)>& owed) {
    Agreement result;
    result.said_blind = said_blind_;
    for (const Seen& seen : passed_) {
      const auto fits = [&](const Seen& real) { return differences(seen, real, true).empty(); };
      if (std::none_of(truth_.begin(), truth_.end(), fits)) result.wrong.push_back(closest(seen));
    }
    for (const Seen& seen : alerts_) {
      std::vector<std::size_t> fits;
      for (std::size_t t = 0; t < truth_.size(); ++t) {
        if (differences(seen, truth_[t], true).empty()) fits.push_back(t);
      }
      if (fits.empty()) result.wrong.push_back(closest(seen));
      std::map<std::size_t, std::size_t> lacks;
      if (fits.size() > 1)
        for (const std::size_t t : fits) lacks[t] = less(seen, truth_[t]).size();
      std::stable_sort(fits.begin(), fits.end(),
                       [&](std::size_t a, std::size_t b) { return lacks[a] < lacks[b]; });
      fits_.push_back(std::move(fits));
    }
    if (!result.wrong.empty()) return result;
    pairs_.assign(alerts_.size(), 0);
    if (!pair(0)) {
      result.wrong.push_back("the alerts cannot be told apart: one too many, or of two builds");
      return result;
    }
    std::vector<const Seen*> found(truth_.size(), nullptr);
    for (std::size_t a = 0; a < alerts_.size(); ++a) found[pairs_[a]] = &alerts_[a];
    for (std::size_t t = 0; t < truth_.size(); ++t) {
      if (owed && !owed(*truth_[t].alert)) continue;
      if (said_unseen_ && deploys(*truth_[t].alert)) continue;
      const std::string what = found[t] == nullptr ? "no alert" : less(*found[t], truth_[t]);
      if (!what.empty()) result.missing.push_back(truth_[t].alert->summary() + ": " + what);
    }
    return result;
  }

 private:
  // What `seen` says otherwise than `real`; empty: nothing. `first`: no more than the first of it.
  std::string differences(const Seen& seen, const Seen& real, bool first = false) const {
    if (!same_rule(*seen.alert, *real.alert)) return "another rule";
    const bool open = ambiguous(*seen.alert) && !ambiguous(*real.alert);
    const v1::Alert* sharer = sharer_of(*seen.alert, *real.alert);
    if (open && !names_candidate(*seen.alert, *real.alert)) return "the true step is no candidate";
    const bool story = seen.alert->rule() == "image-deploy" && seen.alert->has_connection();
    std::string text;
    const bool early = creators(*seen.alert) && !creators(*real.alert);
    for (const auto& [path, said] : seen.fields) {
      if (path == "rule") continue;
      // What was asked for, in its own words.
      if (path == "image.tags" && seen.alert->rule() != real.alert->rule()) continue;
      if (early && of_one_process(path)) continue;
      if (open && (path.starts_with("build.") || path.starts_with("step."))) continue;
      if (story && path.starts_with("connection.")) continue;
      if (told_by_dns(*real.alert, path) && claims_name(*seen.alert, *real.alert)) continue;
      if (path.starts_with("connection.process.") && beside(*seen.alert, *real.alert)) continue;
      const auto known = real.fields.find(path);
      if (known != real.fields.end() && no_other(path, said, known->second)) continue;
      if (known == real.fields.end() && known_of_build(path, said, *real.alert)) continue;
      if (known == real.fields.end() && known_of_import(path, said)) continue;
      if (path == kLender && known == real.fields.end() && lends(seen, real)) continue;
      if (path == kMounts && lends(seen, real) && subset(said, known->second)) continue;
      if (sharer != nullptr && known_of_build(path, said, *sharer)) continue;
      if (first) return "otherwise";  // of each against each: in words only where they are told
      text += path + " is " + shown(said) + ", in truth " +
              (known == real.fields.end() ? "not known" : shown(known->second)) + "; ";
    }
    if (story && !tells_of(seen.alert->connection(), *real.alert))
      return text + "a connection of no such build";
    for (const v1::ChainLink& link : seen.alert->chain().links()) {
      if (!tells_of(link.connection(), *real.alert))
        return text + "a chain with a connection of no such build";
    }
    return text;
  }

  // `seen` names a container, and truth knows the mounts that it has of that one.
  static bool lends(const Seen& seen, const Seen& real) {
    return seen.fields.contains(kLender) && !real.fields.contains(kLender) &&
           real.fields.contains(kMounts);
  }

  // Two processes of a step may connect at once, and each is the first in the kernel's eyes: who it
  // is in `alert` is one that truth knows by another connection of that step.
  bool beside(const v1::Alert& alert, const v1::Alert& real) const {
    const auto pid = [](const v1::Alert& one) { return one.connection().process().pid(); };
    if (pid(alert) == 0 || pid(alert) == pid(real)) return false;
    return std::any_of(truth_.begin(), truth_.end(), [&](const Seen& other) {
      return pid(*other.alert) == pid(alert) &&
             other.alert->step().container_id() == real.step().container_id();
    });
  }

  // Where the step runs for another build, too, and `alert` is of that one: its request.
  const v1::Alert* sharer_of(const v1::Alert& alert, const v1::Alert& real) const {
    if (!says(real, "step-shared")) return nullptr;
    for (const Seen& other : truth_) {
      const auto& build = other.alert->build();
      if (other.alert->rule() == "build-request" && shared_with(real, build.id()) &&
          build.client().pid() == alert.build().client().pid() &&
          std::includes(build.request().tags().begin(), build.request().tags().end(),
                        alert.build().request().tags().begin(),
                        alert.build().request().tags().end()))
        return other.alert;
    }
    return nullptr;
  }

  // A fact of the build that this alert of truth came too early for, and another one has. Of a base
  // image, which a build without other alerts tells of nowhere else, any build's.
  bool known_of_build(const std::string& path, const std::vector<std::string>& said,
                      const v1::Alert& real) const {
    const bool base = path == "build.request.base_images";
    return path.starts_with("build.") &&
           std::any_of(truth_.begin(), truth_.end(), [&](const Seen& other) {
             const auto known = other.fields.find(path);
             const bool its = base || other.alert->build().id() == real.build().id();
             return its && known != other.fields.end() && no_other(path, said, known->second);
           });
  }

  // Where the build was not seen, a deployment is one of the import that truth tells of by itself.
  bool known_of_import(const std::string& path, const std::vector<std::string>& said) const {
    return (path.starts_with("import.") || path.starts_with("image.")) &&
           std::any_of(truth_.begin(), truth_.end(), [&](const Seen& other) {
             const auto known = other.fields.find(path);
             return other.alert->rule() == "image-import" && known != other.fields.end() &&
                    no_other(path, said, known->second);
           });
  }

  // A connection that an image-deploy tells of is one of the build's.
  bool tells_of(const v1::Connection& connection, const v1::Alert& real) const {
    const auto [at, fresh] = told_of_.try_emplace({&connection, real.build().id()}, false);
    if (fresh) at->second = is_of(connection, real);
    return at->second;
  }

  bool is_of(const v1::Connection& connection, const v1::Alert& real) const {
    const Fields said = fields_of(connection, "connection.");
    return std::any_of(truth_.begin(), truth_.end(), [&](const Seen& other) {
      if (!other.alert->has_connection() || (other.alert->build().id() != real.build().id() &&
                                             !shared_with(*other.alert, real.build().id())))
        return false;
      return std::all_of(said.begin(), said.end(), [&](const auto& field) {
        if (connection.domain_source() != "dns" && told_by_dns(*other.alert, field.first))
          return true;
        const auto known = other.fields.find(field.first);
        return known != other.fields.end() && no_other(field.first, field.second, known->second);
      });
    });
  }

  std::string less(const Seen& seen, const Seen& real) const {
    std::string text;
    const bool client_said = unknown_clients_.contains(seen.alert->build().id());
    const bool importer_said = says_client_unknown(*seen.alert);
    for (const auto& [path, known] : real.fields) {
      if (client_said && path.starts_with("build.client.")) continue;
      if (importer_said && path.starts_with("import.client.")) continue;
      if (told_by_dns(*real.alert, path)) continue;
      if (path == kMounts && lends(seen, real)) continue;
      if (path == "deployment.container_id" && goes_by_name(*seen.alert, *real.alert)) continue;
      const auto said = seen.fields.find(path);
      if (path == "connection.process.ancestors" && said != seen.fields.end()) continue;
      if (said == seen.fields.end() || said->second.size() < known.size()) text += path + " ";
    }
    if (seen.alert->step().attribution() > real.alert->step().attribution() &&
        !says_inferred(*seen.alert))
      text += "attribution ";
    return text.empty() ? text : "without " + text;
  }

  std::string closest(const Seen& seen) const {
    std::string best = "truth has none of its rule";
    std::size_t least = std::string::npos;
    for (const Seen& real : truth_) {
      if (!same_rule(*seen.alert, *real.alert)) continue;
      const std::string text = differences(seen, real);
      if (text.size() < least) {
        least = text.size();
        best = text;
      }
    }
    return seen.alert->rule() + " \"" + seen.alert->summary() + "\": " + best;
  }

  bool pair(std::size_t a) {
    if (a == alerts_.size()) return true;
    for (const std::size_t t : fits_[a]) {
      const std::string& id = alerts_[a].alert->build().id();
      const v1::Alert* sharer = sharer_of(*alerts_[a].alert, *truth_[t].alert);
      const std::string& real = (sharer != nullptr ? sharer : truth_[t].alert)->build().id();
      const auto known = builds_.find(id);
      if (taken_.contains(t)) continue;
      // One that names no build is of none.
      const bool names = !id.empty() && !ambiguous(*alerts_[a].alert);
      if (known != builds_.end() && known->second != real && names) continue;
      const bool fresh = known == builds_.end() && names;
      if (fresh) builds_[id] = real;
      taken_.insert(t);
      pairs_[a] = t;
      if (pair(a + 1)) return true;
      taken_.erase(t);
      if (fresh) builds_.erase(id);
    }
    return false;
  }

  const std::vector<Seen>& truth_;
  const std::set<std::string>& blind_;
  std::vector<Seen> alerts_;
  std::vector<Seen> passed_;               // superseded
  std::set<std::string> unknown_clients_;  // builds that say so
  bool said_blind_ = false;
  bool said_unseen_ = false;  // of containers alone, that they were not seen when created
  std::vector<std::vector<std::size_t>> fits_;  // by alert: alerts of truth it may stand for
  std::vector<std::size_t> pairs_;
  std::set<std::size_t> taken_;
  std::map<std::string, std::string> builds_;  // build id → that of truth
  // Connection and build of truth → what tells_of() said: a story of many links is held against
  // every alert.
  mutable std::map<std::pair<const v1::Connection*, std::string>, bool> told_of_;
};

}  // namespace

Agreement compare(const Truth& truth, const Alerts& alerts,
                  const std::function<bool(const v1::Alert&)>& owed) {
  return Judge(truth.read(), alerts).run(owed);
}

}  // namespace kilnwatch::test
