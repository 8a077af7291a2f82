#include "stream/assembler.h"

#include <algorithm>
#include <string_view>

namespace kilnwatch::stream {

void Assembler::add(const domain::ConnData& r, StreamSink& sink) {
  Side& side = sides_[static_cast<std::size_t>(r.direction)];
  if (!side.begun && midway_) side.next = r.pos;
  side.begun = true;
  if (r.pos > side.next) {
    const auto missing = r.pos - side.next;
    // A lost record outweighs "on purpose": the jump may hide both.
    if (r.skipped_before && !r.lost_before)
      sink.skip(r.direction, r.time, missing);
    else
      sink.gap(r.direction, r.time, missing);
    side.next = r.pos;
  }
  const std::uint64_t span = std::max<std::uint64_t>(r.span, r.bytes.size());
  const std::uint64_t end = r.pos + span;
  if (end <= side.next) return;
  const std::uint64_t trim = side.next - r.pos;
  if (trim < r.bytes.size()) {
    sink.data({r.direction, r.time, side.next, std::string_view(r.bytes).substr(trim),
               r.at_head && trim == 0, trim == 0});
    side.next = r.pos + r.bytes.size();
  }
  if (end > side.next) sink.skip(r.direction, r.time, end - side.next);
  side.next = end;
}

}  // namespace kilnwatch::stream
