#include "engine/containerd/cri.h"

#include <algorithm>

#include "base/secrets.h"
#include "base/text.h"
#include "engine/created.h"
#include "engine/docker/mask.h"
#include "engine/wire.h"

namespace kilnwatch::engine::containerd {
namespace {

// RunPodSandboxRequest; PodSandboxConfig and its metadata, LinuxPodSandboxConfig and its context
constexpr std::uint32_t kPodConfig = 1, kPodMetadata = 1, kPodLinux = 8;
constexpr std::uint32_t kName = 1, kUid = 2, kNamespace = 3;
constexpr std::uint32_t kPodSecurity = 2, kPodOptions = 1;
// CreateContainerRequest; ContainerConfig and its metadata
constexpr std::uint32_t kSandbox = 1, kConfig = 2, kSandboxConfig = 3;
constexpr std::uint32_t kMetadata = 1, kImage = 2, kMounts = 7, kDevices = 8, kLinux = 15;
// ImageSpec; Mount and Device; LinuxContainerConfig and its context; Capability; NamespaceOption
constexpr std::uint32_t kReference = 1, kUserImage = 18, kImageRef = 20;
constexpr std::uint32_t kContainerPath = 1, kHostPath = 2, kReadOnly = 3, kPermissions = 3;
constexpr std::uint32_t kSecurity = 2, kCapabilities = 1, kPrivileged = 2, kOptions = 3;
constexpr std::uint32_t kAdd = 1, kNetwork = 1, kPid = 2, kIpc = 3, kNode = 2;
// PullImageRequest
constexpr std::uint32_t kPulled = 1, kPulledFor = 3;

constexpr std::size_t kMaxName = 253;  // bytes: of a name in Kubernetes (DNS-1123 subdomain)
constexpr std::size_t kIdSize = 64;

std::string kept(std::string_view value) { return base::mask_text_same_length(value); }
std::string name_of(std::string_view text) { return base::mask_text(text.substr(0, kMaxName)); }

template <class Take>
void each(std::string_view message, std::uint32_t wanted, const Take& take) {
  Fields fields(message);
  Field field;
  while (fields.next(field)) {
    if (field.text && field.number == wanted) take(message.substr(field.at, field.size));
  }
}

// Names, and numbers of namespaces: nothing else stands in these.
std::string masked_metadata(std::string_view bytes) {
  return rewritten_part(bytes, [](const Field& field, std::string_view value) {
    const bool keep =
        field.text && (field.number == kName || field.number == kUid || field.number == kNamespace);
    return keep ? kept(value) : blank(field);
  });
}

std::string masked_options(std::string_view bytes) {
  return rewritten_part(bytes, [](const Field& field, std::string_view value) {
    return field.varint && field.number <= kIpc ? std::string(value) : blank(field);
  });
}

std::string masked_image_spec(std::string_view bytes) {
  return rewritten_part(bytes, [](const Field& field, std::string_view value) {
    const bool keep = field.text && (field.number == kReference || field.number == kUserImage ||
                                     field.number == kImageRef);
    return keep ? docker::masked_reference(value) : blank(field);
  });
}

std::string masked_mount(std::string_view bytes) {
  return rewritten_part(bytes, [](const Field& field, std::string_view value) {
    if (field.varint && field.number == kReadOnly) return std::string(value);
    const bool keep = field.text && (field.number == kContainerPath || field.number == kHostPath);
    return keep ? kept(value) : blank(field);
  });
}

std::string masked_device(std::string_view bytes) {
  return rewritten_part(bytes, [](const Field& field, std::string_view value) {
    const bool keep = field.text && (field.number == kHostPath || field.number == kPermissions);
    return keep ? kept(value) : blank(field);
  });
}

std::string masked_security(std::string_view bytes) {
  return rewritten_part(bytes, [](const Field& field, std::string_view value) {
    if (field.varint && field.number == kPrivileged) return std::string(value);
    if (field.text && field.number == kOptions) return masked_options(value);
    if (!field.text || field.number != kCapabilities) return blank(field);
    return rewritten_part(value, [](const Field& own, std::string_view text) {
      return own.text && own.number == kAdd ? kept(text) : blank(own);
    });
  });
}

std::string masked_pod_config(std::string_view bytes) {
  return rewritten_part(bytes, [](const Field& field, std::string_view value) {
    if (field.text && field.number == kPodMetadata) return masked_metadata(value);
    if (!field.text || field.number != kPodLinux) return blank(field);
    return rewritten_part(value, [](const Field& own, std::string_view text) {
      if (!own.text || own.number != kPodSecurity) return blank(own);
      return rewritten_part(text, [](const Field& of, std::string_view options) {
        return of.text && of.number == kPodOptions ? masked_options(options) : blank(of);
      });
    });
  });
}

std::string masked_config(std::string_view bytes) {
  return rewritten_part(bytes, [](const Field& field, std::string_view value) {
    if (!field.text) return blank(field);
    if (field.number == kMetadata) return masked_metadata(value);
    if (field.number == kImage) return masked_image_spec(value);
    if (field.number == kMounts) return masked_mount(value);
    if (field.number == kDevices) return masked_device(value);
    if (field.number != kLinux) return blank(field);
    return rewritten_part(value, [](const Field& own, std::string_view text) {
      return own.text && own.number == kSecurity ? masked_security(text) : blank(own);
    });
  });
}

void take_namespaces(std::string_view options, std::vector<std::string>& out) {
  static constexpr std::pair<std::uint32_t, std::string_view> kKinds[] = {
      {kNetwork, "net"}, {kPid, "pid"}, {kIpc, "ipc"}};
  for (const auto& [kind, name] : kKinds) {
    if (number_of(options, kind) == kNode && std::find(out.begin(), out.end(), name) == out.end())
      out.emplace_back(name);
  }
}

domain::Pod pod_of(std::string_view config) {
  const auto metadata = message_of(config, kPodMetadata);
  return {name_of(text_of(metadata, kNamespace)), name_of(text_of(metadata, kName))};
}

std::string pod_options(std::string_view config) {
  return message_of(message_of(message_of(config, kPodLinux), kPodSecurity), kPodOptions);
}

bool is_pod(std::string_view config) {
  const auto metadata = message_of(config, kPodMetadata);
  return !text_of(metadata, kName).empty() && !text_of(metadata, kUid).empty() &&
         !text_of(metadata, kNamespace).empty();
}

bool is_id(std::string_view text) { return text.size() == kIdSize && base::is_hex(text); }

}  // namespace

std::string masked_run_pod(std::string_view message) {
  return rewritten(message, [](const Field& field, std::string_view value) {
    return field.text && field.number == kPodConfig ? masked_pod_config(value) : blank(field);
  });
}

domain::PodStarted read_run_pod(std::string_view message) {
  domain::PodStarted out;
  const auto config = message_of(message, kPodConfig);
  out.pod = pod_of(config);
  take_namespaces(pod_options(config), out.host_namespaces);
  return out;
}

std::string masked_create(std::string_view message) {
  return rewritten(message, [](const Field& field, std::string_view value) {
    if (!field.text) return blank(field);
    if (field.number == kSandbox) return kept(value);
    if (field.number == kConfig) return masked_config(value);
    return field.number == kSandboxConfig ? masked_pod_config(value) : blank(field);
  });
}

domain::ContainerCreated read_create(std::string_view message) {
  domain::ContainerCreated out;
  const auto config = message_of(message, kConfig), image = message_of(config, kImage);
  out.sandbox = name_of(text_of(message, kSandbox));
  out.pod = pod_of(message_of(message, kSandboxConfig));
  out.name = name_of(text_of(message_of(config, kMetadata), kName));
  // The kubelet asks for the id that it was told, and says besides what stands in the pod.
  out.image = docker::safe_reference(text_of(image, kUserImage));
  out.image_id = docker::safe_reference(text_of(image, kReference));
  if (out.image.empty()) out.image = out.image_id;
  each(config, kMounts, [&out](std::string_view mount) {
    const auto path = text_of(mount, kHostPath);
    if (path.empty()) return;
    add_bind(out, path, text_of(mount, kContainerPath), number_of(mount, kReadOnly) != 0);
  });
  each(config, kDevices, [&out](std::string_view device) {
    const auto path = text_of(device, kHostPath);
    if (!path.empty())
      add_listed(out.devices, path + ":" + text_of(device, kPermissions), out.left_out);
  });
  const auto security = message_of(message_of(config, kLinux), kSecurity);
  out.privileged = number_of(security, kPrivileged) != 0;
  each(message_of(security, kCapabilities), kAdd,
       [&out](std::string_view cap) { add_listed(out.capabilities, cap, out.left_out); });
  take_namespaces(message_of(security, kOptions), out.host_namespaces);
  take_namespaces(pod_options(message_of(message, kSandboxConfig)), out.host_namespaces);
  return out;
}

std::string masked_pull(std::string_view message) {
  return rewritten(message, [](const Field& field, std::string_view value) {
    return field.text && field.number == kPulled ? masked_image_spec(value) : blank(field);
  });
}

domain::ImageMoved read_pull(std::string_view message) {
  domain::ImageMoved out;
  out.reference = docker::safe_reference(text_of(message_of(message, kPulled), kReference));
  out.arrival = domain::Arrival::kPull;
  return out;
}

std::string masked_id(std::string_view message) {
  return rewritten(message, [](const Field& field, std::string_view value) {
    return field.text && field.number == 1 ? docker::masked_reference(value) : blank(field);
  });
}

std::string read_id(std::string_view message) {
  return docker::safe_reference(text_of(message, 1).substr(0, kMaxName));
}

bool is_run_pod(std::string_view message) { return is_pod(message_of(message, kPodConfig)); }

bool is_pull(std::string_view message) {
  return !text_of(message_of(message, kPulled), kReference).empty() &&
         is_pod(message_of(message, kPulledFor));
}

bool is_create(std::string_view message) {
  const auto config = message_of(message, kConfig);
  return is_id(text_of(message, kSandbox)) &&
         !text_of(message_of(config, kMetadata), kName).empty() &&
         !text_of(message_of(config, kImage), kReference).empty();
}

}  // namespace kilnwatch::engine::containerd
