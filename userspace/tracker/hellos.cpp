#include "tracker/hellos.h"

#include <utility>

namespace kilnwatch::tracker {

using namespace domain;

// Of the oldest nothing is waited for any more; where all are young none has to give way to a
// flood.
bool Hellos::make_room(TimeNs now) {
  while (!order_.empty() && order_.front().first + kHelloWait < now) {
    readings_.erase(order_.front().second);
    order_.pop_front();
  }
  return readings_.size() < kMaxHellos;
}

std::optional<EgressPayload> Hellos::read(const EgressDatagram& event) {
  const bool room = make_room(event.time);
  auto at = readings_.find(event.egress);
  if (at == readings_.end()) {
    if (!room) {
      ++refused_;
      return std::nullopt;
    }
    at = readings_.emplace(event.egress, Reading{}).first;
    order_.emplace_back(event.time, event.egress);
  }
  Reading& reading = at->second;
  if (reading.whole) return std::nullopt;
  const auto before = reading.reader.refused();
  reading.reader.add(event.bytes);
  refused_ += reading.reader.refused() - before;
  std::string hello = reading.reader.hello();
  reading.whole = reading.reader.whole();
  if (hello.size() <= reading.told && !reading.whole) return std::nullopt;
  reading.told = hello.size();
  if (reading.whole) reading.reader = {};
  return EgressPayload{event.time, event.egress, std::move(hello)};
}

}  // namespace kilnwatch::tracker
