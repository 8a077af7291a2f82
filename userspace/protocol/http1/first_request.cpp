#include "protocol/http1/first_request.h"

#include <algorithm>

#include "base/text.h"

namespace kilnwatch::protocol {
namespace {

constexpr std::size_t kMaxMethod = 10;  // CONNECT and PROPPATCH are the longest in use

bool is_capital(char c) { return c >= 'A' && c <= 'Z'; }

// The first line with its line end; empty: it is cut off.
std::string_view first_line(std::string_view text) {
  const auto end = text.find('\n');
  return end == std::string_view::npos ? std::string_view{} : text.substr(0, end + 1);
}

std::string_view without_end(std::string_view line) {
  while (!line.empty() && (line.back() == '\n' || line.back() == '\r')) line.remove_suffix(1);
  return line;
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

// Of a target that has one: CONNECT's, or a whole URL. A user's name is no part of it.
std::string_view authority_in(std::string_view method, std::string_view target) {
  if (method != "CONNECT") {
    constexpr std::string_view kAfterScheme = "://";
    const auto colon = target.find_first_of(":/?#");
    if (colon == target.npos || !target.substr(colon).starts_with(kAfterScheme)) return {};
    target.remove_prefix(colon + kAfterScheme.size());
  }
  target = target.substr(0, target.find_first_of("/?#"));
  target.remove_prefix(target.rfind('@') + 1);  // npos + 1: none
  return target;
}

}  // namespace

bool host_may_follow(std::string_view text) {
  if (text.find('\n') == text.npos) {
    const std::string_view method = text.substr(0, text.find(' '));
    return !method.empty() && method.size() <= kMaxMethod &&
           std::all_of(method.begin(), method.end(), is_capital);
  }
  const auto request = read_first_request(text);
  return request && request->host.empty() && text.find("\r\n\r\n") == text.npos &&
         text.find("\n\n") == text.npos;
}

std::optional<FirstRequest> read_first_request(std::string_view text) {
  FirstRequest request;
  request.line = first_line(text);
  const auto line = without_end(request.line);
  const auto first = line.find(' ');
  const auto last = line.rfind(' ');
  if (first == std::string_view::npos || first == last) return std::nullopt;
  request.method = line.substr(0, first);
  request.target = line.substr(first + 1, last - first - 1);
  const auto printable = [](char c) { return c > ' ' && c != '\x7f'; };  // bytes above 127 are not
  if (request.method.empty() || request.method.size() > kMaxMethod || request.target.empty() ||
      !std::all_of(request.method.begin(), request.method.end(), is_capital) ||
      !std::all_of(request.target.begin(), request.target.end(), printable) ||
      (line.substr(last + 1) != "HTTP/1.1" && line.substr(last + 1) != "HTTP/1.0")) {
    return std::nullopt;
  }
  text.remove_prefix(request.line.size());
  for (auto field = first_line(text); !without_end(field).empty(); field = first_line(text)) {
    text.remove_prefix(field.size());
    if (base::lower(field.substr(0, 5)) != "host:") continue;
    request.host_line = field;
    request.host = trimmed(without_end(field).substr(5));
    break;
  }
  if (const auto asked = authority_in(request.method, request.target); !asked.empty())
    request.host = asked;
  return request;
}

}  // namespace kilnwatch::protocol
