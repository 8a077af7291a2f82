#include "decode/decode.h"

#include <catch2/catch_test_macros.hpp>
#include <cstring>
#include <vector>

#include "wire/events.h"

namespace kilnwatch {
namespace {

using Bytes = std::vector<std::byte>;

template <class Wire>
Bytes bytes_of(Wire wire, kw_kind kind, const std::string& tail = {}) {
  wire.h = {KW_WIRE_VERSION, static_cast<__u16>(kind),
            static_cast<__u32>(sizeof(wire) + tail.size()), 9};
  Bytes all(sizeof(wire));
  std::memcpy(all.data(), &wire, sizeof(wire));
  for (const char c : tail) all.push_back(static_cast<std::byte>(c));
  return all;
}

template <std::size_t N>
void put(char (&field)[N], std::string_view text) {
  std::memset(field, 0, N);
  std::memcpy(field, text.data(), text.size());
}

kw_task task() {
  kw_task t{};
  t.pid = 100;
  t.loginuid = domain::kNoLoginUid;
  put(t.comm, "curl");
  put(t.cgroup, std::string_view("docker-1.scope\0system.slice\0\0stale", 34));
  return t;
}

std::vector<Bytes> every_record() {
  kw_conn_open open{};
  open.engine = KW_ENGINE_DOCKER;
  open.transport = KW_UNIX;
  open.flags = KW_F_MIDWAY;
  put(open.path, std::string_view("\0kiln", 5));
  kw_conn_data data{};
  data.captured = 3;
  data.span = 10;
  data.direction = KW_RESPONSE;
  data.flags = KW_F_AT_HEAD | KW_F_LOST_BEFORE;
  kw_client client{};
  client.transport = KW_TCP;
  client.client.port = 5;
  client.client.ip[10] = client.client.ip[11] = 0xff;
  client.client.ip[12] = 192;
  client.client.ip[15] = 7;
  client.server.port = 6;
  client.server.ip[0] = 0x20;
  client.server.ip[15] = 1;
  client.task = task();
  client.argv_len = 7;
  put(client.argv, std::string_view("curl\0-s", 7));
  kw_exec exec{};
  exec.task = task();
  exec.argv_len = 5;
  put(exec.argv, std::string_view("curl\0", 5));
  put(exec.file, "/usr/bin/curl");
  kw_egress egress{};
  egress.task = task();
  egress.protocol = 6;
  egress.net = 7;
  kw_egress_data payload{};
  payload.captured = payload.length = 4;
  kw_egress_data datagram{};
  datagram.egress = 3;
  datagram.captured = 5;
  datagram.length = 1200;
  kw_dns answered{};
  answered.task = task();
  answered.net = 7;
  answered.flags = KW_F_LOOPBACK | KW_F_RAW | KW_F_HEARD;
  answered.resolver.port = 53;
  answered.resolver.ip[15] = 1;
  answered.captured = 6;
  put(answered.payload, "answer");
  kw_dns_bytes read{};
  read.task = task();
  read.net = 7;
  read.stream = 9;
  read.resolver.port = 53;
  read.captured = 6;
  read.length = 60;
  put(read.payload, "reads.");
  kw_egress_outcome outcome{};
  outcome.outcome = KW_REFUSED;
  return {bytes_of(open, KW_CONN_OPEN),
          bytes_of(data, KW_CONN_DATA, "abcXX"),
          bytes_of(kw_conn_close{}, KW_CONN_CLOSE),
          bytes_of(client, KW_CLIENT),
          bytes_of(kw_fork{}, KW_FORK),
          bytes_of(exec, KW_EXEC),
          bytes_of(kw_exit{}, KW_EXIT),
          bytes_of(egress, KW_EGRESS),
          bytes_of(payload, KW_EGRESS_DATA, "GET XX"),
          bytes_of(outcome, KW_EGRESS_OUTCOME),
          bytes_of(answered, KW_DNS),
          bytes_of(datagram, KW_EGRESS_DATAGRAM, "quic!XX"),
          bytes_of(read, KW_DNS_BYTES),
          bytes_of(payload, KW_EGRESS_MORE, "HostXX")};
}

TEST_CASE("every kind becomes its event") {
  const auto records = every_record();
  std::vector<domain::Event> events;
  for (const auto& record : records) {
    auto event = decode::decode(record);
    REQUIRE(event);
    CHECK(domain::time_of(*event) == 9);
    events.push_back(*event);
  }
  const auto& open = std::get<domain::ConnOpened>(events[0]);
  CHECK(open.path == "@kiln");
  CHECK(open.midway);
  CHECK(open.client.ip.empty());
  const auto& data = std::get<domain::ConnData>(events[1]);
  CHECK(data.bytes == "abc");
  CHECK(data.span == 10);
  CHECK(data.at_head);
  CHECK(data.lost_before);
  CHECK_FALSE(data.skipped_before);
  const auto& client = std::get<domain::ClientSeen>(events[3]);
  CHECK(client.client.ip == "192.0.0.7");
  CHECK(client.server.ip == "2000::1");
  CHECK(client.process.args == std::vector<std::string>{"curl", "-s"});
  CHECK(client.process.cgroup.path == "system.slice/docker-1.scope");
  const auto& exec = std::get<domain::ProcessExecuted>(events[5]);
  CHECK(exec.process.exe == "/usr/bin/curl");
  CHECK(exec.process.args.size() == 1);
  const auto& sent = std::get<domain::EgressSent>(events[8]);
  CHECK(sent.bytes == "GET ");
  CHECK(sent.first);
  CHECK(sent.whole);
  const auto& more = std::get<domain::EgressSent>(events[13]);
  CHECK(more.bytes == "Host");
  CHECK_FALSE(more.first);
  const auto& datagram = std::get<domain::EgressDatagram>(events[11]);
  CHECK(datagram.bytes == "quic!");
  CHECK(datagram.egress == 3);
  CHECK(std::get<domain::EgressOutcome>(events[9]).outcome == domain::Outcome::kRefused);
  CHECK(std::get<domain::EgressStarted>(events[7]).net == 7);
  const auto& answered = std::get<domain::DnsAnswered>(events[10]);
  CHECK(answered.bytes == "answer");
  CHECK(answered.resolver == domain::Endpoint{"::1", 53});
  CHECK(answered.loopback);
  CHECK(answered.raw);
  CHECK(answered.heard);
  CHECK_FALSE(answered.configured);  // nothing that the kernel knows
  CHECK(answered.net == 7);
  CHECK(answered.process.cgroup.path == "system.slice/docker-1.scope");
  const auto& read = std::get<domain::DnsBytes>(events[12]);
  CHECK(read.bytes.size() == 6);
  CHECK(read.length == 60);
  CHECK(read.stream == 9);
  CHECK(read.net == 7);
  CHECK(read.resolver.port == 53);
  CHECK(read.process.cgroup.path == "system.slice/docker-1.scope");
}

TEST_CASE("cut at every byte, grown, of another version: refused") {
  for (const auto& record : every_record()) {
    for (std::size_t size = 0; size < record.size(); ++size) {
      REQUIRE_FALSE(decode::decode({record.data(), size}));
    }
    Bytes longer = record;
    longer.push_back({});
    CHECK_FALSE(decode::decode(longer));
    Bytes other = record;
    other[0] = std::byte{KW_WIRE_VERSION + 1};
    CHECK_FALSE(decode::decode(other));
  }
}

TEST_CASE("flipped bits never crash") {
  for (const auto& record : every_record()) {
    for (std::size_t at = 0; at < record.size(); ++at) {
      for (int bit = 0; bit < 8; ++bit) {
        Bytes bad = record;
        bad[at] ^= std::byte{static_cast<unsigned char>(1 << bit)};
        static_cast<void>(decode::decode(bad));
      }
    }
  }
  SUCCEED();
}

TEST_CASE("inner lengths beyond the record are refused") {
  kw_conn_data data{};
  data.captured = 4;
  data.span = 4;
  CHECK_FALSE(decode::decode(bytes_of(data, KW_CONN_DATA, "abc")));
  data.span = 3;
  CHECK_FALSE(decode::decode(bytes_of(data, KW_CONN_DATA, "abcd")));
  kw_exec exec{};
  exec.argv_len = KW_ARGV_LEN + 1;
  CHECK_FALSE(decode::decode(bytes_of(exec, KW_EXEC)));
  kw_egress_data payload{};
  payload.captured = payload.length = 4;
  CHECK_FALSE(decode::decode(bytes_of(payload, KW_EGRESS_DATA, "abc")));
  CHECK_FALSE(
      decode::decode(bytes_of(payload, KW_EGRESS_DATA, std::string(KW_DATA_LARGE + 1, 'x'))));
  kw_egress_data datagram{};
  datagram.captured = 4;
  datagram.length = 3;
  CHECK_FALSE(decode::decode(bytes_of(datagram, KW_EGRESS_DATAGRAM, "abcd")));
  kw_dns answered{};
  answered.captured = KW_DNS_LEN + 1;
  CHECK_FALSE(decode::decode(bytes_of(answered, KW_DNS)));
  kw_dns_bytes read{};
  read.captured = KW_DNS_LEN + 1;
  read.length = KW_DNS_LEN + 1;
  CHECK_FALSE(decode::decode(bytes_of(read, KW_DNS_BYTES)));
  read.captured = read.length = 6;
  CHECK(decode::decode(bytes_of(read, KW_DNS_BYTES)));
  read.length = 5;
  CHECK_FALSE(decode::decode(bytes_of(read, KW_DNS_BYTES)));
}

}  // namespace
}  // namespace kilnwatch
