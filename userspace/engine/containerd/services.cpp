#include "engine/containerd/services.h"

#include "base/secrets.h"
#include "base/text.h"
#include "engine/containerd/spec.h"
#include "engine/docker/mask.h"
#include "engine/wire.h"

namespace kilnwatch::engine::containerd {
namespace {

// CreateImageRequest, UpdateImageRequest, DeleteImageRequest; Image; Descriptor
constexpr std::uint32_t kImage = 1, kImageName = 1, kTarget = 3, kMediaType = 1, kDigest = 2;
// UpdateImageRequest; google.protobuf.FieldMask
constexpr std::uint32_t kMask = 2, kPath = 1;
constexpr std::string_view kTargetPath = "target";  // no other path sets what a name names
// CreateContainerRequest; Container; google.protobuf.Any; an entry of a map
constexpr std::uint32_t kContainer = 1, kId = 1, kLabels = 2, kContainerImage = 3, kSpec = 5;
constexpr std::uint32_t kTypeUrl = 1, kAnyValue = 2, kKey = 1, kValue = 2;
// StartRequest of tasks
constexpr std::uint32_t kTaskContainer = 1, kExec = 2;
// TransferRequest; OCIRegistry and ImageStore
constexpr std::uint32_t kSource = 1, kDestination = 2, kReference = 1;

constexpr std::size_t kMaxId = 256;  // bytes of an id kept; containerd's own have 76 at most

// nerdctl: pkg/labels
constexpr std::string_view kNameLabel = "nerdctl/name";

std::string kept(std::string_view value) { return base::mask_text_same_length(value); }

std::string id_of(std::string_view text) { return base::mask_text(text.substr(0, kMaxId)); }

std::string masked_target(std::string_view bytes) {
  return rewritten_part(bytes, [](const Field& field, std::string_view value) {
    const bool keep = field.text && (field.number == kMediaType || field.number == kDigest);
    return keep ? kept(value) : blank(field);
  });
}

// Of Images/Create a time stands here.
std::string masked_mask(std::string_view bytes) {
  return rewritten_part(bytes, [](const Field& field, std::string_view value) {
    const bool keep = field.text && field.number == kPath && value == kTargetPath;
    return keep ? std::string(value) : blank(field);
  });
}

std::string masked_any(std::string_view bytes) {
  return rewritten_part(bytes, [](const Field& field, std::string_view value) {
    if (field.text && field.number == kTypeUrl) return kept(value);
    return field.text && field.number == kAnyValue ? masked_spec(value) : blank(field);
  });
}

std::string masked_label(std::string_view bytes) {
  const bool name = text_of(bytes, kKey) == kNameLabel;
  return rewritten_part(bytes, [name](const Field& field, std::string_view value) {
    return name && field.text ? kept(value) : blank(field);
  });
}

}  // namespace

std::string masked_image(std::string_view message) {
  return rewritten(message, [](const Field& field, std::string_view value) {
    if (field.text && field.number == kMask) return masked_mask(value);
    if (!field.text || field.number != kImage) return blank(field);
    return rewritten_part(value, [](const Field& own, std::string_view text) {
      if (own.text && own.number == kImageName) return docker::masked_reference(text);
      return own.text && own.number == kTarget ? masked_target(text) : blank(own);
    });
  });
}

domain::ImageMoved read_image(std::string_view message) {
  domain::ImageMoved out;
  const auto image = message_of(message, kImage), target = message_of(image, kTarget);
  out.reference = docker::safe_reference(text_of(image, kImageName));
  if (const auto digest = text_of(target, kDigest); base::is_digest(digest)) out.digest = digest;
  out.certain = is_whole(message) && is_whole(image) && is_whole(target);
  return out;
}

bool sets_target(std::string_view message) {
  const auto mask = message_of(message, kMask);
  Fields fields(mask);
  Field field;
  bool any = false;
  while (fields.next(field)) {
    if (!field.text || field.number != kPath) continue;
    if (mask.substr(field.at, field.size) == kTargetPath) return true;
    any = true;
  }
  return !any;
}

bool is_set_image(std::string_view message) {
  const auto image = message_of(message, kImage);
  const auto target = message_of(image, kTarget);
  return !text_of(image, kImageName).empty() && !text_of(target, kMediaType).empty() &&
         base::is_digest(text_of(target, kDigest));
}

bool is_create_container(std::string_view message) {
  const auto container = message_of(message, kContainer);
  return !text_of(container, kId).empty() && !text_of(container, kContainerImage).empty() &&
         !text_of(message_of(container, kSpec), kTypeUrl).empty();
}

std::string masked_name(std::string_view message) {
  return rewritten(message, [](const Field& field, std::string_view value) {
    return field.text && field.number == kImageName ? docker::masked_reference(value)
                                                    : blank(field);
  });
}

domain::ImageMoved read_deleted(std::string_view message) {
  domain::ImageMoved out;
  out.reference = docker::safe_reference(text_of(message, kImageName));
  return out;
}

std::string masked_container(std::string_view message) {
  return rewritten(message, [](const Field& field, std::string_view value) {
    if (!field.text || field.number != kContainer) return blank(field);
    return rewritten_part(value, [](const Field& own, std::string_view text) {
      if (!own.text) return blank(own);
      if (own.number == kId) return kept(text);
      if (own.number == kContainerImage) return docker::masked_reference(text);
      if (own.number == kLabels) return masked_label(text);
      return own.number == kSpec ? masked_any(text) : blank(own);
    });
  });
}

Container read_container(std::string_view message) {
  Container out;
  const auto container = message_of(message, kContainer);
  Fields fields(container);
  Field field;
  while (fields.next(field)) {
    const auto value = container.substr(field.at, field.size);
    if (!field.text) continue;
    if (field.number == kId) out.created.container_id = id_of(value);
    if (field.number == kContainerImage) out.created.image = docker::safe_reference(value);
    if (field.number == kLabels && text_of(value, kKey) == kNameLabel)
      out.created.name = id_of(text_of(value, kValue));
  }
  out.read = read_spec(text_of(message_of(container, kSpec), kAnyValue), out.created);
  return out;
}

std::string masked_start(std::string_view message) {
  return rewritten(message, [](const Field& field, std::string_view value) {
    const bool keep = field.text && (field.number == kTaskContainer || field.number == kExec);
    return keep ? kept(value) : blank(field);
  });
}

TaskStart read_start(std::string_view message) {
  return {id_of(text_of(message, kTaskContainer)), !text_of(message, kExec).empty()};
}

std::string masked_transfer(std::string_view message) {
  return rewritten(message, [](const Field& field, std::string_view value) {
    if (!field.text || (field.number != kSource && field.number != kDestination))
      return blank(field);
    return rewritten_part(value, [](const Field& own, std::string_view text) {
      if (own.text && own.number == kTypeUrl) return kept(text);
      if (!own.text || own.number != kAnyValue) return blank(own);
      // A registry's reference, a store's name: both come first. Resolvers and their secrets go.
      return masked_name(text);
    });
  });
}

std::optional<domain::ImageMoved> read_transfer(std::string_view message) {
  const auto source = message_of(message, kSource), to = message_of(message, kDestination);
  const auto from = text_of(source, kTypeUrl), into = text_of(to, kTypeUrl);
  if (!into.ends_with(".ImageStore")) return std::nullopt;
  domain::ImageMoved out;
  out.reference = docker::safe_reference(text_of(text_of(to, kAnyValue), kReference));
  out.certain = false;  // containerd itself learns what it is
  if (from.ends_with(".OCIRegistry")) {
    out.arrival = domain::Arrival::kPull;
    if (out.reference.empty())
      out.reference = docker::safe_reference(text_of(text_of(source, kAnyValue), kReference));
  } else if (from.ends_with(".ImageImportStream")) {
    out.arrival = domain::Arrival::kLoad;
  } else if (!from.ends_with(".ImageStore")) {
    return std::nullopt;
  }
  return out;
}

}  // namespace kilnwatch::engine::containerd
