// Inside of Connection: hands what a stream's reader finds to the connection's sink.
#pragma once

#include "protocol/http2/connection.h"

namespace kilnwatch::protocol::http2 {

struct Connection::Teller final : grpc::MessageSink {
  Teller(Connection& connection, const Stream& stream, Sender from)
      : connection_(connection), stream_(stream), from_(from) {}
  void message(const grpc::Message& message) override {
    ++connection_.counters_.messages;
    connection_.sink_.message(stream_, from_, message);
  }
  void skipped(const grpc::Skipped& skipped) override {
    ++connection_.counters_.messages_skipped;
    connection_.sink_.message_skipped(stream_, from_, skipped);
  }

 private:
  Connection& connection_;
  const Stream& stream_;
  Sender from_;
};

template <class Call>
void Connection::read(Tracked& tracked, Sender from, Call call) {
  auto& reader = tracked.readers[at(from)];
  Teller teller(*this, tracked.stream, from);
  const auto before = reader.held_bytes();
  call(reader, teller);
  gathered_ = gathered_ - before + reader.held_bytes();
}

}  // namespace kilnwatch::protocol::http2
