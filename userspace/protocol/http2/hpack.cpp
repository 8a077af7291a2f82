#include "protocol/http2/hpack.h"

#include <algorithm>
#include <utility>

#include "protocol/http2/huffman.h"

namespace kilnwatch::protocol::http2 {
namespace {

constexpr std::string_view kCut = "a header block ends within a field";
constexpr std::string_view kNumber = "a number in a header block is beyond 32 bits";
constexpr std::string_view kNoEntry = "a header field names an entry that does not exist";

// RFC 7541 section 5: numbers and strings from the front of a block.
class Cursor {
 public:
  explicit Cursor(std::string_view block) : block_(block) {}
  bool empty() const { return at_ == block_.size(); }
  std::size_t at() const { return at_; }
  std::uint8_t peek() const { return static_cast<std::uint8_t>(block_[at_]); }
  std::string_view error() const { return error_; }

  // A number whose first byte has `bits` bits of it; 0 and an error when it is cut or beyond 32
  // bits.
  std::uint32_t number(unsigned bits) {
    if (empty()) return fail(kCut);
    const std::uint32_t full = (1U << bits) - 1;
    std::uint64_t value = peek() & full;
    ++at_;
    if (value < full) return static_cast<std::uint32_t>(value);
    for (unsigned shift = 0; shift < 32; shift += 7) {
      if (empty()) return fail(kCut);
      const auto byte = peek();
      ++at_;
      value += static_cast<std::uint64_t>(byte & 0x7fU) << shift;
      if (value > UINT32_MAX) return fail(kNumber);
      if ((byte & 0x80U) == 0) return static_cast<std::uint32_t>(value);
    }
    return fail(kNumber);
  }

  struct Text {
    std::size_t at = 0, size = 0;
    bool huffman = false;
    std::string text;
  };
  Text string() {
    Text out;
    if (empty()) {
      fail(kCut);
      return out;
    }
    out.huffman = (peek() & 0x80U) != 0;
    out.size = number(7);
    out.at = at_;
    if (!error_.empty()) return out;
    if (out.size > block_.size() - at_) {
      fail(kCut);
      return out;
    }
    const auto coded = block_.substr(at_, out.size);
    at_ += out.size;
    if (!out.huffman) {
      out.text = coded;
    } else if (!huffman_decode(coded, out.text)) {
      fail("a header block holds a wrong Huffman code");
    }
    return out;
  }

 private:
  std::uint32_t fail(std::string_view error) {
    error_ = error;
    return 0;
  }
  std::string_view block_;
  std::size_t at_ = 0;
  std::string_view error_;
};

bool is_leading(std::string_view name) {
  return name.starts_with(':') || name == "content-type" || name == "grpc-encoding" ||
         name == "grpc-status";
}

}  // namespace

std::string_view HeaderList::field(std::string_view name) const {
  for (const auto& field : fields) {
    if (field.name_known && field.value_known && field.name == name) return field.value;
  }
  return {};
}

bool HeaderList::has_unknown() const {
  return std::any_of(fields.begin(), fields.end(),
                     [](const Field& f) { return !f.name_known || !f.value_known; });
}

void mask_value(std::string& block, const Field& field) {
  // '*' is 0x2a, and its Huffman code the eight bits 0xf9.
  const char star = field.huffman ? '\xf9' : '*';
  if (field.value_at > block.size()) return;
  const auto size = std::min(field.value_size, block.size() - field.value_at);
  std::fill_n(block.begin() + static_cast<std::ptrdiff_t>(field.value_at), size, star);
}

// Of one header list.
struct HpackDecoder::Budget {
  std::size_t all = kFieldsKept;
  std::size_t leading = kFieldsKept;

  bool take(std::string_view name, std::size_t value) {
    const auto cost = name.size() + value + kEntryOverhead;
    auto& left = cost <= all || !is_leading(name) ? all : leading;
    if (cost > left) return false;
    left -= cost;
    return true;
  }
};

HpackDecoder::HpackDecoder(bool midway) : table_(midway) {
  if (!midway) allowed_ = kTableSize;
}

void HpackDecoder::allow(std::uint32_t size) {
  if (allowed_) allowed_ = std::max(*allowed_, size);
}

HeaderList HpackDecoder::decode(std::string_view block) {
  HeaderList list;
  const auto error = read(block, list);
  if (!error.empty()) {
    list = {};
    list.error = error;
    forget();
  }
  return list;
}

std::string_view HpackDecoder::indexed(std::uint64_t index, HeaderList& list, Budget& budget) {
  if (index == 0) return kNoEntry;
  Field field;
  if (index <= kStaticEntries) {
    const auto& entry = static_entry(static_cast<std::size_t>(index));
    if (!budget.take(entry.name, entry.value.size())) {
      ++list.dropped;
      return {};
    }
    field.name = entry.name;
    field.value = entry.value;
  } else {
    const auto place = index - kStaticEntries - 1;
    const auto* entry = table_.find(place);
    if (entry == nullptr && table_.complete()) return kNoEntry;
    const bool name = entry != nullptr && entry->name;
    const bool value = entry != nullptr && entry->value_known;
    if (!budget.take(name ? std::string_view(*entry->name) : "", value ? entry->value.size() : 0)) {
      ++list.dropped;
      return {};
    }
    if (name) field.name = *entry->name;
    if (value) field.value = entry->value;
    field.name_known = name;
    field.value_known = value;
    field.entry = table_.serial(place);
  }
  list.fields.push_back(std::move(field));
  return {};
}

std::string_view HpackDecoder::read(std::string_view block, HeaderList& list) {
  Cursor in(block);
  Budget budget;
  bool begun = false;
  while (!in.empty()) {
    const auto first = in.peek();
    if ((first & 0x80U) != 0) {  // 6.1
      const auto index = in.number(7);
      if (!in.error().empty()) return in.error();
      if (const auto error = indexed(index, list, budget); !error.empty()) return error;
      begun = true;
      continue;
    }
    if ((first & 0xe0U) == 0x20U) {  // 6.3
      const auto size = in.number(5);
      if (!in.error().empty()) return in.error();
      if (begun) return "a table size update behind a header field";
      if (allowed_ && size > *allowed_) return "a table size beyond what the receiver allowed";
      table_.resize(size);
      continue;
    }
    begun = true;
    const bool enters = (first & 0x40U) != 0;  // 6.2.1; else 6.2.2 or 6.2.3
    const auto index = in.number(enters ? 6 : 4);
    if (!in.error().empty()) return in.error();
    Entry entry;
    std::optional<std::uint64_t> serial;
    if (index == 0) {
      entry.name = std::make_shared<const std::string>(in.string().text);
    } else if (index <= kStaticEntries) {
      entry.name = std::make_shared<const std::string>(static_entry(index).name);
    } else {
      const auto place = std::uint64_t{index} - kStaticEntries - 1;
      const auto* named = table_.find(place);
      if (named == nullptr && table_.complete()) return kNoEntry;
      if (named != nullptr) entry.name = named->name;
      serial = table_.serial(place);
    }
    if (!in.error().empty()) return in.error();
    auto value = in.string();
    if (!in.error().empty()) return in.error();
    const std::string_view name = entry.name ? std::string_view(*entry.name) : "";
    if (budget.take(name, value.text.size())) {
      list.fields.push_back({std::string(name), value.text, entry.name != nullptr, true,
                             (first & 0x10U) != 0 && !enters, value.at, value.size, value.huffman,
                             serial});
    } else {
      ++list.dropped;
    }
    if (!enters) continue;
    entry.value = std::move(value.text);
    entry.value_known = true;
    table_.add(std::move(entry));
  }
  return {};
}

}  // namespace kilnwatch::protocol::http2
