// What an engine conversation meant: produced by engine/, consumed by tracker/.
// Secrets are gone from every string here.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "domain/types.h"

namespace kilnwatch::domain {

// One request on a connection; number counts from 0.
struct CallId {
  ConnId conn = 0;
  std::uint32_t number = 0;
  auto operator<=>(const CallId&) const = default;
};

// A build that is a command: nobody asked for it over an API.
struct CommandBuild {
  Process client;         // who executed it
  bool late = false;      // it may have run before it was met
  bool open_end = false;  // a working container: commands of their own go on with it
};

struct BuildRequested {
  TimeNs time = 0;
  CallId call;
  std::string method;
  std::string path;         // decoded, without the query
  std::string api_version;  // "1.41", empty for the bare path
  std::string user_agent;
  std::string remote_context;  // secrets masked
  std::string dockerfile_name;
  std::vector<std::string> tags;
  std::vector<std::string> build_arg_names;
  std::string network_mode;
  std::vector<std::string> entitlements;  // BuildKit: what steps may do beyond a sandbox
  std::string target;     // the stage that is the last one to be built; empty: the file's last
  bool labels = false;    // labels: one more instruction at the end
  bool quiet = false;     // q: the builder writes nothing while it works
  bool no_cache = false;  // nocache: every step runs
  EngineKind engine = EngineKind::kDocker;
  bool parallel = false;  // podman, buildah: stages may run side by side
  bool buildkit = false;  // version=2, or known by what it wrote
  bool browser = false;   // Origin, Referer or Sec-Fetch-* present
  bool midway = false;  // known by its output only: the request came before the sensor; the fields
                        // above are empty
  bool builder_unknown = false;  // midway: both builders end alike
  std::string build_ref;         // buildid: the client's own name for it
  std::string session;           // of the client that sends the files; empty: none
  std::string upload_for;        // no build: it carries the context of the one with that build_ref
  std::optional<CommandBuild> command = {};
};

struct Instruction {
  std::string text;  // one logical line, and the texts behind it (RUN <<EOF); secrets masked
  bool is_run = false;
  bool is_from = false;
  std::string stage = {};  // FROM … AS: in lower case
};

struct DockerfileSeen {
  TimeNs time = 0;
  CallId call;
  std::string text;    // secrets masked
  std::string sha256;  // of the bytes as sent
  std::vector<std::string> base_images;
  std::vector<Instruction> instructions;
  bool whole = true;  // false: it has more instructions
};

// Where the context of a build is, when its client sends it over this session.
inline std::string session_url(const std::string& session) { return "session:" + session; }

// The engine fetched something over plain HTTP, or from a session, that may be the context of a
// build.
struct ContextFetched {
  TimeNs time = 0;
  ConnId conn = 0;
  std::string url;                           // secrets masked
  std::string location;                      // where it was sent on to; empty: it was not
  std::optional<DockerfileSeen> dockerfile;  // its call is not set
};

// A client serves its files, for the build that names this session.
struct SessionOpened {
  TimeNs time = 0;
  ConnId conn = 0;
  std::string session;
};

// What was asked with this session builds nothing.
struct SessionIdle {
  TimeNs time = 0;
  ConnId conn = 0;  // where it was asked
  std::string session;
};

// One more process works for a build that is a command; what runs below it are steps of that build.
struct CommandJoined {
  TimeNs time = 0;
  CallId call;
  std::uint32_t pid = 0;
  TimeNs start = 0;
  std::string instruction = {};  // it is this step, secrets masked; empty: the Dockerfile tells
};

// The builder wrote "Step i/n : text". May be forged by a step's own output.
struct BuildStepAnnounced {
  TimeNs time = 0;
  CallId call;
  std::uint32_t number = 0;  // podman: within the stage
  std::uint32_t total = 0;   // 0: not told
  std::string instruction;
  std::uint32_t stage = 0;  // podman: of several, from 1; 0: the only one
  std::uint32_t stages = 0;
};

// "Running in <12 hex>". May be forged; counts only if the kernel saw that container.
struct BuildContainerAnnounced {
  TimeNs time = 0;
  CallId call;
  std::string short_id;
};

// "Removed intermediate container <12 hex>": the step is over. May be forged.
struct BuildContainerRemoved {
  TimeNs time = 0;
  CallId call;
  std::string short_id;
};

struct BuildImageAnnounced {
  TimeNs time = 0;
  CallId call;
  // "sha256:<64 hex>" (aux) or 12 hex ("Successfully built"). Empty: of a command, one of several.
  std::string id;
  bool final = false;  // "Successfully built", or the only text of a quiet build
};

struct BuildTagAnnounced {
  TimeNs time = 0;
  CallId call;
  std::string tag;
};

enum class BuildStatus : std::uint8_t {
  kRunning,
  kSucceeded,
  kFailed,
  kRefused,
  kCancelled,
  kUnknown
};

struct BuildEnded {
  TimeNs time = 0;
  CallId call;
  BuildStatus status = BuildStatus::kUnknown;
  std::uint32_t http_status = 0;
  std::string message;  // the engine's error text, secrets masked
};

// What BuildKit said of a node of its graph. A step's output cannot say it: that travels in fields
// of its own. The name holds the client's text, so it counts where a container agrees with it.
enum class VertexKind : std::uint8_t {
  kOther,
  kRun,
  kBase,  // `text` is an image that a stage starts from, without digest
};

struct VertexSeen {
  TimeNs time = 0;
  CallId call;
  std::string digest;               // the same node has the same one, in another build too
  std::vector<std::string> inputs;  // digests of the nodes that it stands on
  bool whole = true;                // false: it has more of them
  VertexKind kind = VertexKind::kOther;
  std::string stage;         // empty: the only one
  std::string platform;      // empty: not told
  std::uint32_t number = 0;  // within the stage, from 1; 0: none
  std::uint32_t total = 0;
  std::string text;             // the instruction, secrets masked
  bool cached = false;          // nothing runs for it
  std::uint64_t started = 0;    // ns since 1970, by the engine's clock; 0: not yet
  std::uint64_t completed = 0;  // likewise
  std::string error;            // secrets masked
};

// BuildKit had reached this time, by its own clock, when it wrote. It tells things in order: all
// that began or ended before is told.
struct BuilderClock {
  TimeNs time = 0;
  CallId call;
  std::uint64_t reached = 0;  // ns since 1970
};

// Of Kubernetes.
struct Pod {
  std::string name_space;
  std::string name;
};

// A sandbox that pods' containers are created in.
struct PodStarted {
  TimeNs time = 0;
  CallId call;
  std::string sandbox;  // its id, from the answer
  Pod pod;
  std::vector<std::string> host_namespaces;  // as in ContainerCreated: those of the pod
};

struct ContainerCreated {
  TimeNs time = 0;
  CallId call;
  // 64 hex, from the answer. Of containerd's own API: the client's name for it, unique in a
  // namespace.
  std::string container_id;
  std::string name;
  std::string image;  // as the client wrote it
  bool privileged = false;
  std::vector<std::string> binds;
  std::vector<std::string> capabilities;
  std::vector<std::string> host_namespaces;  // "pid", "net", "ipc", "uts", "user"
  std::string resolved_image = {};  // "sha256:<64 hex>", what the engine took; empty: not told
  // Made and started by a command: who executed it, where that is known.
  bool by_command = false;
  std::optional<Process> client = {};
  // containerd's: names of images and containers are of one each. Empty: dockerd's own.
  std::string engine_namespace = {};
  std::string image_id = {};  // the same image as a client wrote it besides; empty: it did not
  std::string sandbox = {};   // that it is created in
  Pod pod = {};               // empty: not told
  // Of the host, "PATH:ACCESS" (letters of "rwm"), or rules of devices, "b 8:0 rwm" ("*": any).
  std::vector<std::string> devices = {};
  // What confines containers and does not this one: "seccomp", "apparmor", "label", "masked-paths"
  // (of /proc and /sys some can be read), "read-only-paths" (/proc/sys can be written).
  std::vector<std::string> unconfined = {};
  std::vector<std::string> volumes_from = {};  // containers whose mounts it has besides
  std::uint32_t left_out = 0;                  // of these lists, for want of room
  bool command = false;  // in it a command was made with all capabilities (exec --privileged)
};

// A client asks for a start; the engine has not answered.
struct ContainerStartAsked {
  TimeNs time = 0;
  CallId call;
  std::string container;  // as in ContainerStarted
  std::string engine_namespace = {};
};

struct ContainerStarted {
  TimeNs time = 0;
  CallId call;
  std::string container;  // name, id or prefix as in the request; of containerd's: its id
  std::string engine_namespace = {};
};

// It is given more than it was created with: by exec --privileged, or as clients of dockerd's API
// before 1.24 give it when it starts.
struct ContainerEmpowered {
  TimeNs time = 0;
  CallId call;
  std::string container;  // as in ContainerStarted
  ContainerCreated with;  // that alone
};

// dockerd's and podman's own.
struct ContainerRenamed {
  TimeNs time = 0;
  CallId call;
  std::string container;  // as in ContainerStarted
  std::string name;
};

struct ImageTagged {
  TimeNs time = 0;
  CallId call;
  std::string source;
  std::string tag;
};

// Stands for all of containerd's namespaces; none can be called so.
inline constexpr const char* kAnyNamespace = "*";

// By which road an image came.
enum class Arrival : std::uint8_t { kUnknown, kPull, kLoad, kImport, kCommit };

// What was asked of an engine that took an image in.
struct ImageRequest {
  std::string method;
  std::string path;  // decoded, without the query
  std::string api_version;
  std::string user_agent;
  std::string source;     // import: the URL that the engine fetches, secrets masked; empty: none
  std::string container;  // commit: as in the request
};

// A reference came to name an image by a pull, a load, an import or a commit.
struct ImageMoved {
  TimeNs time = 0;
  CallId call;
  // Empty: none where `certain`, else any may have been moved; without a tag where `all_tags`.
  std::string reference;
  bool all_tags = false;
  std::string image;    // "sha256:<64 hex>" of what it names now; empty: not told
  bool certain = true;  // false: whether it names another image than before is not known
  Arrival arrival = Arrival::kUnknown;
  std::string digest = {};  // of the manifest or index; empty: not told
  bool perhaps = false;     // whether an image came at all is not known
  ImageRequest request = {};
  std::string engine_namespace = {};  // whose names `reference` is one of; empty: dockerd's
};

// An image was written to a registry.
struct ImagePushed {
  TimeNs time = 0;
  CallId call;
  std::string reference;
  std::string digest;  // of its manifest there
};

// A client looked a name up: what it names in that namespace of containerd.
struct ImageResolved {
  TimeNs time = 0;
  CallId call;
  TimeNs asked = 0;  // it was so at this time or later
  std::string engine_namespace;
  std::string reference;
  std::string digest;  // of the manifest or index
};

// A store took in a manifest or an index under the digest that the engine found, or gave it out.
struct ManifestStored {
  TimeNs time = 0;
  CallId call;
  std::string digest;
  std::string config;                  // of the image; empty: an index
  std::vector<std::string> manifests;  // of an index
  bool whole = true;                   // false: it has others, too
};

// Part of a conversation could not be read.
struct ConversationBlind {
  TimeNs time = 0;
  ConnId conn = 0;
  std::string reason;
  std::optional<CallId> build;  // set: this build lost facts
};

using ApiFact =
    std::variant<BuildRequested, CommandJoined, DockerfileSeen, ContextFetched, SessionOpened,
                 SessionIdle, BuildStepAnnounced, BuildContainerAnnounced, BuildContainerRemoved,
                 BuildImageAnnounced, BuildTagAnnounced, BuildEnded, VertexSeen, BuilderClock,
                 PodStarted, ContainerCreated, ContainerStartAsked, ContainerStarted,
                 ContainerRenamed, ContainerEmpowered, ImageTagged, ImageMoved, ImageResolved,
                 ImagePushed, ManifestStored, ConversationBlind>;

}  // namespace kilnwatch::domain
