#include "record/recorder.h"

#include <algorithm>
#include <variant>

#include "base/secrets.h"
#include "record/convert.h"

namespace kilnwatch::record {
namespace {

constexpr std::size_t kRecordCost = 256;  // a queued record without its text, about

// Bytes that userland sent: known secrets out, length kept.
void mask(domain::EgressPayload& payload) {
  const std::size_t size = payload.bytes.size();
  payload.bytes = base::mask_text_same_length(payload.bytes);
  payload.bytes.resize(size, '*');
}

std::size_t cost_of(const domain::Event& event) {
  std::size_t cost = kRecordCost;
  const auto add = [&](const domain::Process& process) {
    cost += process.exe.size() + process.cgroup.path.size();
    for (const std::string& arg : process.args) cost += arg.size() + sizeof(arg);
  };
  if (const auto* client = std::get_if<domain::ClientSeen>(&event)) add(client->process);
  if (const auto* exec = std::get_if<domain::ProcessExecuted>(&event)) add(exec->process);
  if (const auto* egress = std::get_if<domain::EgressStarted>(&event)) add(egress->process);
  if (const auto* payload = std::get_if<domain::EgressPayload>(&event))
    cost += payload->bytes.size();
  return cost;
}

}  // namespace

base::Result<Recorder> Recorder::create(const std::string& path, const Info& info,
                                        std::uint64_t max_bytes) {
  recording::v1::Header header;
  header.set_wire_version(info.wire_version);
  header.set_format_version(kFormatVersion);
  header.set_kernel(info.kernel);
  header.set_host_name(info.host_name);
  header.set_boot_id(info.boot_id);
  header.set_machine_id(info.machine_id);
  header.set_wall_offset_ns(info.wall_offset_ns);
  header.set_sensor_version(info.sensor_version);
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
    if (const auto* close = std::get_if<domain::ConnClosed>(&event)) closed_[close->conn] = now_;
  }
  waiting.cost = cost_of(waiting.event);
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

bool Recorder::ready(const Waiting& waiting) const {
  const auto* data = std::get_if<domain::ConnData>(&waiting.event);
  if (data == nullptr || waiting.captured == 0) return true;
  if (now_ >= data->time + kMaxWait || queue_bytes_ > kMaxQueueBytes) return true;
  if (const auto close = closed_.find(data->conn);
      close != closed_.end() && now_ >= close->second + kCloseGrace) {
    return true;
  }
  const auto side = sides_.find({data->conn, data->direction});
  return side == sides_.end() || side->second.settled(data->pos + waiting.captured);
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
  for (domain::ConnData& piece : side->second.rebuild(*data, waiting.captured)) {
    if (to_proto(std::move(piece), record)) file_.append(record);
  }
  queue_bytes_ -= side->second.release(data->pos, data->pos + waiting.captured);
  if (side->second.idle()) sides_.erase(side);
}

void Recorder::drain(bool everything) {
  while (!queue_.empty() && (everything || ready(queue_.front()))) {
    write(queue_.front());
    queue_bytes_ -= queue_.front().cost;
    queue_.pop_front();
  }
}

base::Status Recorder::finish() {
  drain(true);
  return file_.finish();
}

}  // namespace kilnwatch::record
