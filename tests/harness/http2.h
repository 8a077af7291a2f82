// HTTP/2 frames and gRPC messages written by hand, and what a Connection tells of them as text.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "harness/gzip.h"
#include "protocol/http2/connection.h"

namespace kilnwatch::test {

namespace h2 = protocol::http2;
namespace grpc = protocol::grpc;

std::string big_endian(std::uint64_t value, unsigned bytes);
std::string frame(h2::Type type, unsigned flags, std::uint32_t stream, std::string_view payload);
// A header block of literals that enter no table.
std::string literals(const std::vector<std::pair<std::string, std::string>>& fields);
std::string grpc_message(std::string_view bytes, bool compressed = false);

// A HEADERS frame that opens a gRPC call; the block enters no table.
std::string call(std::uint32_t stream, std::string_view path, unsigned flags = h2::kEndHeaders);
std::string answer(std::uint32_t stream);                             // 200, application/grpc
std::string trailers(std::uint32_t stream, std::string_view status);  // grpc-status, END_STREAM
std::string data(std::uint32_t stream, std::string_view bytes, unsigned flags = 0);
std::string settings(std::string_view payload = {});
std::string client_start();  // preface and SETTINGS

// Hears nothing.
struct NoSink : h2::ConnectionSink {
  void plain(h2::Sender, std::uint64_t, std::string_view) override {}
  void synced(h2::Sender, h2::Sync) override {}
  void headers(const h2::Stream&, h2::Sender, const h2::HeaderBlock&) override {}
  void trailers(const h2::Stream&, h2::Sender, const h2::HeaderBlock&) override {}
  void headers_unknown(const h2::Stream&, h2::Sender, std::string_view) override {}
  void message(const h2::Stream&, h2::Sender, const grpc::Message&) override {}
  void message_skipped(const h2::Stream&, h2::Sender, const grpc::Skipped&) override {}
  void body(const h2::Stream&, h2::Sender, std::uint64_t, std::string_view) override {}
  void body_hole(const h2::Stream&, h2::Sender, std::uint64_t) override {}
  void end(const h2::Stream&, h2::Sender) override {}
  void reset(const h2::Stream&, h2::Sender, std::uint32_t) override {}
  void dropped(const h2::Stream&) override {}
  void go_away(h2::Sender, std::uint32_t, std::uint32_t) override {}
  void broken(h2::Sender, std::string_view) override {}
};

// One socket call, or bytes that were not seen.
struct Step {
  h2::Sender from = h2::Sender::kConnector;
  std::string bytes;
  std::uint64_t hole = 0;
};
inline Step ask(std::string bytes) { return {h2::Sender::kConnector, std::move(bytes)}; }
inline Step reply(std::string bytes) { return {h2::Sender::kAcceptor, std::move(bytes)}; }
inline Step hole(h2::Sender from, std::uint64_t count) { return {from, {}, count}; }

// Sizes of the pieces that a step's bytes are fed in; given how many are left.
using Cut = std::function<std::size_t(std::size_t)>;

struct Heard {
  std::string text;  // one line for each callback
  h2::Counters counters;
  std::string plain[2];  // all bytes that were told as plain, by sender
};

// Holds promises that the text does not show: places ascend, and lie in what was fed.
Heard tell(const std::vector<Step>& steps, const h2::Options& options, const Cut& cut);
// Whole, byte by byte and in 20 random ways; "" and a failed check when they differ.
std::string tell_all(const std::vector<Step>& steps, const h2::Options& options = {});

}  // namespace kilnwatch::test
