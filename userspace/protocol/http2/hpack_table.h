// The tables of HPACK (RFC 7541 section 2.3, appendix A), of which the dynamic one may be known in
// part only: a connection met midway, or a header block that was not seen.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace kilnwatch::protocol::http2 {

inline constexpr std::uint32_t kTableSize = 4096;    // RFC 9113 6.5.2: until a peer says otherwise
inline constexpr std::uint32_t kEntryOverhead = 32;  // RFC 7541 4.1
inline constexpr std::size_t kStaticEntries = 61;    // indices 1 to 61
inline constexpr std::size_t kTableHeld = 65536;     // memory of one table, whatever peers agree on

struct Entry {
  std::shared_ptr<const std::string> name;  // null: not known. Shared: a name may be 64 KiB, and
                                            // one byte of a block enters it anew.
  std::string value;
  bool value_known = false;
};

struct StaticEntry {
  std::string_view name, value;
};
const StaticEntry& static_entry(std::size_t index);  // 1 to kStaticEntries

// The encoder counts from the newest entry, so what was entered since then stays right whatever
// lies below. An entry that it holds no longer it does not name, so it does no harm to keep more
// than it does: where its capacity is not known, no more than that follows from it.
class DynamicTable {
 public:
  explicit DynamicTable(bool midway) : complete_(!midway) {
    if (!midway) capacity_ = kTableSize;
  }
  void add(Entry entry);
  // A dynamic table size update (RFC 7541 6.3).
  void resize(std::uint32_t capacity);
  // What the table holds is not known any more.
  void forget();
  // Entry 0 is the newest. Null: not held.
  const Entry* find(std::uint64_t index) const {
    return index < entries_.size() ? &entries_[static_cast<std::size_t>(index)] : nullptr;
  }
  // No entries are missing: what find() does not know does not exist.
  bool complete() const { return complete_; }
  // A number that stays with the entry while it moves through the table, known or not; none is used
  // twice on a connection.
  std::uint64_t serial(std::uint64_t index) const { return added_ - index; }
  std::size_t held_bytes() const { return held_; }

 private:
  // More than any index can count back: numbers of before and after forget() stay apart.
  static constexpr std::uint64_t kEpoch = std::uint64_t{1} << 33U;
  struct Cost {
    std::uint64_t size;  // RFC 7541 4.1; of a name that is not known: at least
    std::size_t held;    // of memory
  };
  static Cost cost(const Entry& entry);
  void drop_oldest();
  void shrink();

  std::deque<Entry> entries_;              // newest first
  std::optional<std::uint32_t> capacity_;  // none: not known
  std::uint64_t size_ = 0;
  std::size_t held_ = 0;
  std::uint64_t added_ = kEpoch;
  bool complete_;
};

}  // namespace kilnwatch::protocol::http2
