#include "record/recorder.h"

#include <algorithm>
#include <variant>

#include "base/secrets.h"
#include "base/text.h"
#include "protocol/dns/message.h"
#include "protocol/http1/first_request.h"
#include "protocol/tls/client_hello.h"
#include "record/convert.h"
#include "stream/event_cost.h"

namespace kilnwatch::record {
namespace {

// A name as it was written: alerts tell it in lower case, which hides no shape of a secret and may
// make one of it.
std::string masked_name(const std::string& name) {
  std::string safe = base::mask_text_same_length(name);
  const std::string told = base::mask_text_same_length(base::lower(name));
  for (std::size_t i = 0; i < safe.size() && i < told.size(); ++i)
    if (told[i] == '*') safe[i] = '*';
  return safe;
}

// Of what userland sent first: the request line and the host of an HTTP request, or the lengths and
// the server's name of a TLS hello, secrets out, each in its place; '*' for every other byte.
void mask(domain::EgressPayload& payload) {
  std::string masked(payload.bytes.size(), '*');
  const auto keep = [&](std::string_view line) {
    if (line.empty()) return;
    const auto at = static_cast<std::size_t>(line.data() - payload.bytes.data());
    std::string safe = base::mask_text_same_length(line);
    safe.resize(line.size(), '*');
    masked.replace(at, safe.size(), safe);
    // The line before it ends there.
    for (std::size_t i = at;
         i > 0 && (payload.bytes[i - 1] == '\n' || payload.bytes[i - 1] == '\r'); --i)
      masked[i - 1] = payload.bytes[i - 1];
  };
  if (const auto request = protocol::read_first_request(payload.bytes)) {
    keep(request->line);
    keep(request->host_line);
  } else if (const auto hello = protocol::read_client_hello(payload.bytes)) {
    for (const auto& [at, length] : hello->open)
      masked.replace(at, length, payload.bytes, at, length);
    const std::size_t size = hello->server_name.size();
    if (const auto at = base::lower(masked).find(hello->server_name); at != masked.npos)
      masked.replace(at, size, masked_name(masked.substr(at, size)));
  }
  payload.bytes = std::move(masked);
}

// Of a resolver's answer: what it tells of names and addresses, secrets out of the names.
void mask(domain::DnsAnswered& answered) {
  const std::string& bytes = answered.bytes;
  std::string masked(bytes.size(), '*');
  if (const auto answer = protocol::read_dns_answer(bytes)) {
    for (const auto& [at, length] : answer->open) masked.replace(at, length, bytes, at, length);
    for (const auto& [at, length] : answer->names) {
      // As text: a length byte stands where the dot before its label would.
      std::string text = bytes.substr(at + 1, length - 1);
      for (std::size_t i = 1 + static_cast<std::uint8_t>(bytes[at]); i < length;
           i += 1 + static_cast<std::uint8_t>(bytes[at + i]))
        text[i - 1] = '.';
      const std::string safe = masked_name(text);
      for (std::size_t i = 0; i < text.size(); ++i) {
        const bool same = i < safe.size() && safe[i] == text[i];
        if (text[i] != '.' && !same) masked[at + 1 + i] = '*';
      }
    }
  }
  answered.bytes = std::move(masked);
}

}  // namespace

base::Result<Recorder> Recorder::create(const std::string& path, const Info& info,
                                        std::uint64_t max_bytes) {
  recording::v1::Header header;
  header.set_wire_version(info.wire_version);
  header.set_format_version(kFormatVersion);
  header.set_kernel(info.host.kernel);
  header.set_host_name(info.host.name);
  header.set_boot_id(info.host.boot_id);
  header.set_machine_id(info.host.machine_id);
  header.set_wall_offset_ns(info.host.wall_offset_ns);
  header.set_sensor_version(info.sensor_version);
  header.set_fleet(info.fleet);
  auto file = RecordingFile::create(path, header, max_bytes);
  if (!file) return file.error();
  return Recorder(std::move(*file));
}

void Recorder::event(const domain::Event& event) {
  now_ = std::max(now_, domain::time_of(event));
  drain(false);
  file_.advance(now_);
  if (std::holds_alternative<domain::Tick>(event)) return;
  Waiting waiting;
  if (const auto* data = std::get_if<domain::ConnData>(&event)) {
    domain::ConnData shape{data->time,        data->conn,    data->direction,
                           data->pos,         data->span,    data->skipped_before,
                           data->lost_before, data->at_head, {}};
    waiting.captured =
        static_cast<std::uint32_t>(std::min<std::size_t>(data->bytes.size(), data->span));
    waiting.event = std::move(shape);
    if (waiting.captured > 0) sides_[{data->conn, data->direction}].expect(data->pos);
  } else {
    waiting.event = event;
    if (auto* payload = std::get_if<domain::EgressPayload>(&waiting.event)) mask(*payload);
    if (auto* answered = std::get_if<domain::DnsAnswered>(&waiting.event)) mask(*answered);
    if (const auto* close = std::get_if<domain::ConnClosed>(&event)) closed_[close->conn] = now_;
  }
  waiting.cost = stream::cost_of(waiting.event);
  queue_bytes_ += waiting.cost;
  queue_.push_back(std::move(waiting));
}

void Recorder::safe(domain::ConnId conn, const engine::SafeRange& range) {
  const auto side = sides_.find({conn, range.direction});
  if (side != sides_.end()) queue_bytes_ += side->second.add(range.pos, range.bytes);
}

void Recorder::settled(domain::ConnId conn, domain::Direction direction, std::uint64_t pos) {
  const auto side = sides_.find({conn, direction});
  if (side != sides_.end()) side->second.settle(pos);
}

bool Recorder::judged(const Waiting& waiting) const {
  const auto* data = std::get_if<domain::ConnData>(&waiting.event);
  if (data == nullptr || waiting.captured == 0) return true;
  const auto side = sides_.find({data->conn, data->direction});
  return side == sides_.end() || side->second.settled(data->pos + waiting.captured);
}

// Whether the record goes although its bytes are not judged; why, is counted.
bool Recorder::overdue(const Waiting& waiting) {
  const auto& data = std::get<domain::ConnData>(waiting.event);
  if (const auto close = closed_.find(data.conn);
      close != closed_.end() && now_ >= close->second + kCloseGrace) {
    return true;  // the end of a conversation: nobody will judge any more
  }
  if (now_ >= data.time + kMaxWait) {
    ++refused_.aged;
    return true;
  }
  if (queue_bytes_ > kMaxQueueBytes) {
    ++refused_.crowded;
    return true;
  }
  return false;
}

void Recorder::write(const Waiting& waiting) {
  recording::v1::Record record;
  const auto* data = std::get_if<domain::ConnData>(&waiting.event);
  const auto side = data == nullptr ? sides_.end() : sides_.find({data->conn, data->direction});
  if (data == nullptr || waiting.captured == 0 || side == sides_.end()) {
    if (to_proto(waiting.event, record)) file_.append(record);
    if (const auto* close = std::get_if<domain::ConnClosed>(&waiting.event))
      closed_.erase(close->conn);
    return;
  }
  refused_.bytes_unvouched += waiting.captured;
  for (domain::ConnData& piece : side->second.rebuild(*data, waiting.captured)) {
    refused_.bytes_unvouched -= piece.bytes.size();
    if (to_proto(std::move(piece), record)) file_.append(record);
  }
  queue_bytes_ -= side->second.release(data->pos, data->pos + waiting.captured);
  if (side->second.idle()) sides_.erase(side);
}

void Recorder::drain(bool everything) {
  while (!queue_.empty()) {
    const Waiting& first = queue_.front();
    if (!everything && !judged(first) && !overdue(first)) return;
    write(first);
    queue_bytes_ -= first.cost;
    queue_.pop_front();
  }
}

void Recorder::answered(const domain::FleetAnswered& answer) { file_.append(to_proto(answer)); }

RecorderStats Recorder::stats() const {
  RecorderStats stats = refused_;
  stats.file = file_.stats();
  return stats;
}

base::Status Recorder::finish(domain::TimeNs end) {
  drain(true);
  if (end != 0) {
    recording::v1::Record record;
    record.set_time_ns(std::max(now_, end));
    record.mutable_ended();
    file_.append(record);
  }
  return file_.finish();
}

}  // namespace kilnwatch::record
