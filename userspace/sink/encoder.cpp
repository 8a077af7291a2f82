#include "sink/encoder.h"

#include <google/protobuf/util/json_util.h>

namespace kilnwatch::sink {
namespace {

// Control characters and bidirectional overrides as \xNN: a terminal shows them, never obeys.
std::string safe(const std::string& in) {
  static constexpr char kHex[] = "0123456789abcdef";
  std::string out;
  for (std::size_t i = 0; i < in.size(); ++i) {
    const auto c = static_cast<unsigned char>(in[i]);
    const auto at = [&](std::size_t k) {
      return i + k < in.size() ? static_cast<unsigned char>(in[i + k]) : 0u;
    };
    const bool c1 = c == 0xc2 && at(1) >= 0x80 && at(1) < 0xa0;
    const bool bidi =
        c == 0xe2 &&
        ((at(1) == 0x80 && ((at(2) >= 0xa8 && at(2) <= 0xae) || at(2) == 0x8e || at(2) == 0x8f)) ||
         (at(1) == 0x81 && at(2) >= 0xa6 && at(2) <= 0xa9));
    const std::size_t n = bidi ? 3 : c1 ? 2 : c < 0x20 || c == 0x7f ? 1 : 0;
    if (n == 0) {
      out += in[i];
      continue;
    }
    for (std::size_t k = 0; k < n; ++k) {
      const auto b = static_cast<unsigned char>(in[i + k]);
      out += {'\\', 'x', kHex[b >> 4], kHex[b & 15]};
    }
    i += n - 1;
  }
  return out;
}

template <class List>
std::string joined(const List& list) {
  std::string out;
  for (const auto& s : list) out += (out.empty() ? "" : " ") + safe(s);
  return out;
}

class Text : public Encoder {
 public:
  std::string encode(const v1::Alert& a) override {
    std::string out = "[" + v1::Severity_Name(a.severity()).substr(9) + "] " + a.rule() + ": " +
                      safe(a.summary()) + "\n";
    const auto line = [&out](const char* name, const std::string& value) {
      if (!value.empty()) out += std::string("    ") + name + ": " + value + "\n";
    };
    for (const auto& r : a.reasons()) line("why", r.code() + ", " + safe(r.text()));
    if (a.has_build()) {
      const auto& b = a.build();
      line("build", b.id());
      const auto& c = b.client();
      if (c.has_pid())
        line("client", safe(c.exe()) + " pid " + std::to_string(c.pid()) + " uid " +
                           std::to_string(c.uid()) + " " + joined(c.args()));
      if (c.has_address())
        line("client address",
             safe(c.address().ip()) + " port " + std::to_string(c.address().port()));
      line("request", safe(b.request().method() + " " + b.request().path()));
      line("remote context", safe(b.request().remote_context()));
      line("base images", joined(b.request().base_images()));
      line("tags", joined(b.request().tags()));
    }
    if (a.has_step()) {
      const auto& s = a.step();
      line("step", std::to_string(s.number()) + "/" + std::to_string(s.total()) + " " +
                       safe(s.instruction()) + " (" +
                       v1::Attribution_Name(s.attribution()).substr(12) + ")");
      line("step container", s.container_id());
    }
    if (a.has_connection()) {
      const auto& c = a.connection();
      line("connection", c.protocol() + " " + c.destination().ip() + " port " +
                             std::to_string(c.destination().port()) + " " +
                             v1::Outcome_Name(c.outcome()).substr(8));
      if (c.has_http())
        line("http", safe(c.http().method() + " " + c.domain() + " " + c.http().path()));
      line("process", safe(c.process().exe()) + " pid " + std::to_string(c.process().pid()) + " " +
                          joined(c.process().args()));
    }
    if (a.has_image()) line("image", safe(a.image().id()) + " " + joined(a.image().tags()));
    if (a.has_deployment())
      line("container", a.deployment().container_id() + " " + safe(a.deployment().name()));
    line("alert", a.id());
    return out;
  }
};

class Json : public Encoder {
 public:
  std::string encode(const v1::Alert& alert) override {
    google::protobuf::util::JsonPrintOptions options;
    options.preserve_proto_field_names = true;
    std::string out;
    if (!google::protobuf::util::MessageToJsonString(alert, &out, options).ok()) out = "{}";
    return out + "\n";
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

}  // namespace

base::Result<std::unique_ptr<Encoder>> make_encoder(std::string_view format) {
  if (format == "text") return std::unique_ptr<Encoder>(new Text);
  if (format == "json") return std::unique_ptr<Encoder>(new Json);
  if (format == "protobuf") return std::unique_ptr<Encoder>(new Protobuf);
  return base::Error{base::ErrorClass::kUsage, "unknown output format '" + std::string(format) +
                                                   "'; one of text, json, protobuf"};
}

base::Result<std::optional<v1::Alert>> StreamDecoder::next() {
  if (buffer_.empty()) return std::optional<v1::Alert>{};
  if (buffer_[0] != 0x0a)
    return base::Error{base::ErrorClass::kInput, "not an AlertStream: unexpected field"};
  std::size_t size = 0;
  std::size_t at = 1;
  for (unsigned shift = 0;; shift += 7, ++at) {
    if (shift > 28)
      return base::Error{base::ErrorClass::kInput, "not an AlertStream: alert too long"};
    if (at >= buffer_.size()) return std::optional<v1::Alert>{};
    const auto c = static_cast<unsigned char>(buffer_[at]);
    size |= static_cast<std::size_t>(c & 0x7f) << shift;
    if ((c & 0x80) == 0) break;
  }
  ++at;
  if (size > 64u * 1024 * 1024)
    return base::Error{base::ErrorClass::kInput, "not an AlertStream: alert too long"};
  if (buffer_.size() - at < size) return std::optional<v1::Alert>{};
  v1::Alert alert;
  if (!alert.ParseFromArray(buffer_.data() + at, static_cast<int>(size))) {
    return base::Error{base::ErrorClass::kInput, "damaged alert in the stream"};
  }
  buffer_.erase(0, at + size);
  return std::optional<v1::Alert>(std::move(alert));
}

}  // namespace kilnwatch::sink
