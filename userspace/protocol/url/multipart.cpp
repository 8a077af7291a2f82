#include <algorithm>

#include "base/text.h"
#include "protocol/url/url.h"

namespace kilnwatch::protocol {
namespace {

constexpr std::size_t kMaxParts = 1000;  // mime/multipart: defaultMaxParts

}  // namespace

std::optional<std::string> header_parameter(std::string_view header, std::string_view name) {
  const auto low = base::lower(header);
  for (auto at = low.find(';'); at != low.npos; at = low.find(';', at + 1)) {
    auto from = low.find_first_not_of(" \t", at + 1);
    if (from == low.npos || !std::string_view(low).substr(from).starts_with(name)) continue;
    from = low.find_first_not_of(" \t", from + name.size());
    if (from == low.npos || low[from] != '=') continue;
    from = std::min(low.find_first_not_of(" \t", from + 1), low.size());
    if (from < low.size() && low[from] == '"') {
      const auto end = header.find('"', from + 1);
      return std::string(header.substr(from + 1, end == header.npos ? end : end - from - 1));
    }
    const auto end = std::min(header.find_first_of("; \t\r\n", from), header.size());
    return std::string(header.substr(from, end - from));
  }
  return std::nullopt;
}

std::vector<std::pair<std::string, std::string>> parse_multipart(std::string_view content_type,
                                                                 std::string_view body) {
  std::vector<std::pair<std::string, std::string>> out;
  if (!base::lower(content_type.substr(0, content_type.find(';')))
           .starts_with("multipart/form-data"))
    return out;
  const auto boundary = header_parameter(content_type, "boundary");
  if (!boundary || boundary->empty()) return out;
  const auto mark = "--" + *boundary;
  auto at = body.starts_with(mark) ? 0 : body.find("\n" + mark);
  for (std::size_t part = 0; part < kMaxParts && at != body.npos; ++part) {
    const auto head = body.find('\n', at + mark.size());
    if (head == body.npos) break;
    auto end = body.find("\n" + mark, head);
    const auto whole = body.substr(head + 1, end == body.npos ? 0 : end - head - 1);
    at = end == body.npos ? end : end + 1;
    auto blank = whole.find("\r\n\r\n");
    std::size_t width = 4;
    if (blank == whole.npos) {
      blank = whole.find("\n\n");
      width = 2;
    }
    if (blank == whole.npos) continue;
    const auto low = base::lower(whole.substr(0, blank));
    const auto line = low.find("content-disposition:");
    if (line == low.npos) continue;
    const auto disposition = whole.substr(line, std::min(low.find('\n', line), blank) - line);
    auto name = header_parameter(disposition, "name");
    if (!name || header_parameter(disposition, "filename")) continue;
    auto value = whole.substr(blank + width);
    if (value.ends_with('\r')) value.remove_suffix(1);
    out.emplace_back(std::move(*name), std::string(value));
  }
  return out;
}

}  // namespace kilnwatch::protocol
