// Passive HPACK decoder of one direction (RFC 7541).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/http2/hpack_table.h"

namespace kilnwatch::protocol::http2 {

// Of one header list this much is kept, name, value and 32 bytes of each field counted; beyond it
// only what says where a request goes and how its body reads, up to as much again. A block of a few
// bytes can stand for gigabytes.
inline constexpr std::size_t kFieldsKept = 65536;

struct Field {
  std::string name, value;
  bool name_known = true, value_known = true;
  bool sensitive = false;  // never indexed (6.2.3)
  // Where the value's coded string stands in the block, without its length; size 0: in no block,
  // the value is an entry of a table.
  std::size_t value_at = 0, value_size = 0;
  bool huffman = false;
  // Of a field that names an entry of the dynamic table: DynamicTable::serial of it. The same
  // number is the same entry, so what an unknown one stands for can be learnt.
  std::optional<std::uint64_t> entry;
};

struct HeaderList {
  std::vector<Field> fields;    // as they came
  std::uint64_t dropped = 0;    // fields beyond kFieldsKept
  std::string_view error = {};  // not empty: a receiver must refuse this; no fields are given

  // Value of the first field of that name; empty: none, or not known.
  std::string_view field(std::string_view name) const;
  // Names or values are missing.
  bool has_unknown() const;
};

// Replaces what a value of `block` is coded as by stars: as long, and decodes to stars.
void mask_value(std::string& block, const Field& field);

class HpackDecoder {
 public:
  // midway: entries may be in the table already.
  explicit HpackDecoder(bool midway);

  // One header block, whole. Blocks come in the order in which they were sent. After an error the
  // table is unknown, but what follows is read.
  HeaderList decode(std::string_view block);
  // The receiver allowed this SETTINGS_HEADER_TABLE_SIZE. When the sender read it is not known, so
  // the largest one counts.
  void allow(std::uint32_t size);
  // What the receiver allowed is not known.
  void allow_any() { allowed_.reset(); }
  // A block was not seen.
  void forget() { table_.forget(); }
  std::size_t held_bytes() const { return table_.held_bytes(); }

 private:
  struct Budget;
  std::string_view read(std::string_view block, HeaderList& list);
  std::string_view indexed(std::uint64_t index, HeaderList& list, Budget& budget);

  DynamicTable table_;
  std::optional<std::uint32_t> allowed_;
};

}  // namespace kilnwatch::protocol::http2
