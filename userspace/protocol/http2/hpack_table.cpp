#include "protocol/http2/hpack_table.h"

#include <array>
#include <utility>

namespace kilnwatch::protocol::http2 {
namespace {

constexpr std::array<StaticEntry, kStaticEntries> kStatic = {{
    {":authority", ""},
    {":method", "GET"},
    {":method", "POST"},
    {":path", "/"},
    {":path", "/index.html"},
    {":scheme", "http"},
    {":scheme", "https"},
    {":status", "200"},
    {":status", "204"},
    {":status", "206"},
    {":status", "304"},
    {":status", "400"},
    {":status", "404"},
    {":status", "500"},
    {"accept-charset", ""},
    {"accept-encoding", "gzip, deflate"},
    {"accept-language", ""},
    {"accept-ranges", ""},
    {"accept", ""},
    {"access-control-allow-origin", ""},
    {"age", ""},
    {"allow", ""},
    {"authorization", ""},
    {"cache-control", ""},
    {"content-disposition", ""},
    {"content-encoding", ""},
    {"content-language", ""},
    {"content-length", ""},
    {"content-location", ""},
    {"content-range", ""},
    {"content-type", ""},
    {"cookie", ""},
    {"date", ""},
    {"etag", ""},
    {"expect", ""},
    {"expires", ""},
    {"from", ""},
    {"host", ""},
    {"if-match", ""},
    {"if-modified-since", ""},
    {"if-none-match", ""},
    {"if-range", ""},
    {"if-unmodified-since", ""},
    {"last-modified", ""},
    {"link", ""},
    {"location", ""},
    {"max-forwards", ""},
    {"proxy-authenticate", ""},
    {"proxy-authorization", ""},
    {"range", ""},
    {"referer", ""},
    {"refresh", ""},
    {"retry-after", ""},
    {"server", ""},
    {"set-cookie", ""},
    {"strict-transport-security", ""},
    {"transfer-encoding", ""},
    {"user-agent", ""},
    {"vary", ""},
    {"via", ""},
    {"www-authenticate", ""},
}};

}  // namespace

const StaticEntry& static_entry(std::size_t index) { return kStatic.at(index - 1); }

DynamicTable::Cost DynamicTable::cost(const Entry& entry) {
  const auto text = (entry.name ? entry.name->size() : 0) + entry.value.size();
  return {text + kEntryOverhead, text + sizeof(Entry) + kEntryOverhead};
}

void DynamicTable::drop_oldest() {
  const auto gone = cost(entries_.back());
  size_ -= gone.size;
  held_ -= gone.held;
  entries_.pop_back();
}

void DynamicTable::shrink() {
  if (!capacity_) return;
  if (*capacity_ < kEntryOverhead) complete_ = true;  // no entry fits
  while (size_ > *capacity_) {
    drop_oldest();
    complete_ = true;  // what was older went first
  }
}

void DynamicTable::add(Entry entry) {
  auto added = cost(entry);
  if (capacity_ && added.size > *capacity_) {  // RFC 7541 4.4: not an error, empties the table
    entries_.clear();
    size_ = held_ = 0;
    complete_ = true;
    return;
  }
  ++added_;
  if (added.held > kTableHeld) {
    entry = {};
    added = cost(entry);
  }
  size_ += added.size;
  held_ += added.held;
  entries_.push_front(std::move(entry));
  shrink();
  while (held_ > kTableHeld) {
    drop_oldest();
    complete_ = false;
  }
}

void DynamicTable::resize(std::uint32_t capacity) {
  capacity_ = capacity;
  shrink();
}

void DynamicTable::forget() {
  entries_.clear();
  size_ = held_ = 0;
  added_ += kEpoch;
  capacity_.reset();
  complete_ = false;
}

}  // namespace kilnwatch::protocol::http2
