// What names mean in containerd's namespaces, and by which digests an image is known: the same one
// has another manifest wherever it is packed anew, but one configuration.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "domain/api_fact.h"

namespace kilnwatch::tracker {

inline constexpr std::size_t kMaxManifests = 8192;     // manifests and indexes
inline constexpr std::size_t kMaxStoreNames = 16'384;  // of all namespaces
inline constexpr std::size_t kMaxDoubted = 64;         // namespaces; beyond it all are
inline constexpr std::size_t kMaxAliases = 64;         // digests of one image
inline constexpr std::size_t kMaxPods = 4096;
inline constexpr std::size_t kMaxStoreUsers = 4;  // with a containerd of their own, beside root

// Sandboxes of pods.
class Pods {
 public:
  void add(const domain::PodStarted& started);
  // What the container's request does not say of its pod.
  void complete(domain::ContainerCreated& created) const;

 private:
  std::map<std::string, domain::PodStarted> pods_;
  std::deque<std::string> order_;  // oldest first
};

// Of the containerds of one user.
class Stores {
 public:
  void learn(const domain::ManifestStored& stored);
  // Of a namespace of containerd.
  void move(const domain::ImageMoved& moved);
  // A name was looked up.
  void resolve(const domain::ImageResolved& resolved);
  // Any name of it may mean something else by then.
  void doubt(const std::string& space, domain::TimeNs time);
  // Nothing is kept from now on: any name may mean anything.
  void close();
  void add(const domain::PodStarted& started);
  void complete(domain::ContainerCreated& created) const { pods_.complete(created); }

  struct Meaning {
    std::vector<std::string> ids;  // digests that the image may be known by
    bool certain = true;           // false: the name may mean something else, or anything
  };
  // What a container of a namespace is made of.
  Meaning find(const domain::ContainerCreated& created) const;
  // The configurations of a manifest or an index, as far as they are known.
  std::vector<std::string> configs_of(const std::string& digest) const;
  // Manifests and names that found no room, or were forgotten for others.
  std::uint64_t refused() const { return refused_; }

 private:
  struct Named {
    std::string digest;          // empty: not known
    bool certain = true;         // false: it may mean something else
    bool resolved = false;       // the digest is what a client found it to mean
    bool is_image = false;       // the digest is an image's own, no manifest's
    domain::TimeNs changed = 0;  // moved or doubted last
  };
  using Name = std::pair<std::string, std::string>;  // namespace, reference

  std::vector<std::string> aliases(const std::string& digest) const;
  Meaning named(const std::string& space, const std::string& reference) const;
  bool doubted(const std::string& space) const;
  domain::TimeNs doubted_at(const std::string& space) const;
  void note_doubt(const std::string& space, domain::TimeNs time);
  bool is_known(const Named& named) const;
  bool wholly_known(const std::string& digest) const;
  void forget_oldest_manifest();
  void set(const Name& name, Named named);

  std::map<std::string, domain::ManifestStored> manifests_;  // by digest
  std::map<std::string, std::set<std::string>> parents_;     // what holds a digest
  std::deque<std::string> manifest_order_;                   // oldest first
  std::map<Name, Named> names_;
  std::deque<Name> name_order_;  // oldest first; some are gone
  // Names that are not known may mean anything, since then.
  std::map<std::string, domain::TimeNs> doubted_;
  Pods pods_;
  bool closed_ = false;
  std::uint64_t refused_ = 0;
};

// By their user: any program may be called containerd, and what it says is its own.
class UserStores {
 public:
  // Where it says something.
  Stores& of(std::uint32_t uid);
  // What it said.
  const Stores& seen(std::uint32_t uid) const;
  // Whose names may have moved is not known.
  void doubt(domain::TimeNs time);
  // With the same doubts.
  UserStores unfilled() const;
  std::uint64_t refused() const;

 private:
  std::map<std::uint32_t, Stores> stores_;
  Stores fresh_;  // of one that said nothing so far
};

}  // namespace kilnwatch::tracker
