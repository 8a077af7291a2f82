#include "sink/encoder.h"

#include <fmt/format.h>
#include <google/protobuf/util/json_util.h>

#include <array>

#include "base/utf8.h"
#include "sink/text.h"

namespace kilnwatch::sink {
namespace {

// What the library leaves as it is although a reader would not see it: \uXXXX. Such a character can
// only stand inside a string.
std::string escaped(std::string_view json) {
  std::string out;
  out.reserve(json.size());
  while (!json.empty()) {
    const auto c = base::first_character(json);
    if (!c.valid || !base::invisible(c.code)) {
      out.append(json.substr(0, c.size));
    } else if (c.code < 0x10000) {
      out += fmt::format("\\u{:04x}", static_cast<std::uint32_t>(c.code));
    } else {
      const auto offset = static_cast<std::uint32_t>(c.code) - 0x10000;
      out += fmt::format("\\u{:04x}\\u{:04x}", 0xd800 + (offset >> 10), 0xdc00 + (offset & 0x3ff));
    }
    json.remove_prefix(c.size);
  }
  return out;
}

class Text : public Encoder {
 public:
  std::string encode(const v1::Alert& alert) override { return as_text(alert); }
};

class Json : public Encoder {
 public:
  std::string encode(const v1::Alert& alert) override {
    google::protobuf::util::JsonPrintOptions options;
    options.preserve_proto_field_names = true;
    std::string out;
    if (!google::protobuf::util::MessageToJsonString(alert, &out, options).ok()) {
      // Only a time that no calendar has gets here; our own have none, StreamDecoder refuses them.
      out = R"({"rule":"sensor-blind","summary":"an alert could not be written as JSON"})";
    }
    return escaped(out) + "\n";
  }
};

class Protobuf : public Encoder {
 public:
  std::string encode(const v1::Alert& alert) override {
    v1::AlertStream stream;
    *stream.add_alerts() = alert;
    return stream.SerializeAsString();
  }
};

base::Error damaged(const char* what) {
  return {base::ErrorClass::kInput, std::string(what) + "; the alerts before it are whole"};
}

bool in_calendar(const google::protobuf::Timestamp& time) {
  constexpr std::int64_t kFirst = -62'135'596'800, kLast = 253'402'300'799;  // years 1 to 9999
  return time.seconds() >= kFirst && time.seconds() <= kLast && time.nanos() >= 0 &&
         time.nanos() < 1'000'000'000;
}

bool times_are_times(const v1::Alert& a) {
  return in_calendar(a.time()) && in_calendar(a.build().started()) &&
         in_calendar(a.build().ended()) && in_calendar(a.connection().time()) &&
         in_calendar(a.deployment().time());
}

}  // namespace

base::Result<std::unique_ptr<Encoder>> make_encoder(std::string_view format) {
  if (format == "text") return std::unique_ptr<Encoder>(new Text);
  if (format == "json") return std::unique_ptr<Encoder>(new Json);
  if (format == "protobuf") return std::unique_ptr<Encoder>(new Protobuf);
  return base::Error{base::ErrorClass::kUsage, "unknown output format '" + std::string(format) +
                                                   "'; one of text, json, protobuf"};
}

void StreamDecoder::feed(std::string_view bytes) {
  buffer_.erase(0, used_);
  used_ = 0;
  buffer_.append(bytes);
}

base::Result<std::optional<v1::Alert>> StreamDecoder::next() {
  const auto rest = std::string_view(buffer_).substr(used_);
  if (rest.empty()) return std::optional<v1::Alert>{};
  constexpr char kAlerts = 0x0a;  // field 1, length-delimited
  if (rest[0] != kAlerts) return damaged("not an AlertStream: unexpected field");
  std::size_t size = 0, at = 1;
  for (unsigned shift = 0;; shift += 7, ++at) {
    if (shift > 28) return damaged("not an AlertStream: an alert is too long");
    if (at >= rest.size()) return std::optional<v1::Alert>{};
    const auto c = static_cast<unsigned char>(rest[at]);
    size |= static_cast<std::size_t>(c & 0x7f) << shift;
    if ((c & 0x80) == 0) break;
  }
  ++at;
  if (size > kMaxAlert) return damaged("not an AlertStream: an alert is too long");
  if (rest.size() - at < size) return std::optional<v1::Alert>{};
  v1::Alert alert;
  if (!alert.ParseFromArray(rest.data() + at, static_cast<int>(size)) || !times_are_times(alert)) {
    return damaged("an alert of the stream is damaged");
  }
  used_ += at + size;
  return std::optional<v1::Alert>(std::move(alert));
}

}  // namespace kilnwatch::sink
