// A client and a server of nghttp2 that talk to each other, and what each of them understood.
#pragma once

#include <nghttp2/nghttp2.h>

#include <map>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "harness/nghttp2_hpack.h"

namespace kilnwatch::test {

// What came in one direction.
struct Understood {
  std::vector<std::string> events;              // all but data, one line each
  std::map<std::uint32_t, std::string> bodies;  // by stream
  bool operator==(const Understood&) const = default;
};

class Peer {
 public:
  // printable: header values are letters and digits.
  Peer(bool server, unsigned seed, bool printable);
  // What it wants to send now, one text for each piece that it made.
  std::vector<std::string> send();
  bool receive(const std::string& bytes);  // false: refused
  // Does one of the things that a peer may do now.
  void act(std::mt19937& random);

  Understood understood;

 private:
  struct Delete {
    void operator()(nghttp2_session* session) const { nghttp2_session_del(session); }
  };
  struct Outgoing {
    std::size_t left = 0;
    bool trailers = false;
  };
  static int header(nghttp2_session*, const nghttp2_frame*, const std::uint8_t*, std::size_t,
                    const std::uint8_t*, std::size_t, std::uint8_t, void* self);
  static int frame(nghttp2_session*, const nghttp2_frame*, void* self);
  static int data(nghttp2_session*, std::uint8_t, std::int32_t, const std::uint8_t*, std::size_t,
                  void* self);
  static int closed(nghttp2_session*, std::int32_t, std::uint32_t, void* self);
  static ssize_t read(nghttp2_session*, std::int32_t, std::uint8_t*, std::size_t, std::uint32_t*,
                      nghttp2_data_source*, void* self);
  static ssize_t padding(nghttp2_session*, const nghttp2_frame*, std::size_t, void* self);
  void respond(std::int32_t stream);
  std::vector<NameValue> fields(bool request);

  bool server_;
  bool printable_;
  std::mt19937 random_;
  std::unique_ptr<nghttp2_session, Delete> session_;
  std::string list_;                           // of the header block that is being received
  std::map<std::int32_t, Outgoing> outgoing_;  // by stream
  std::vector<std::int32_t> unanswered_;
  std::set<std::int32_t> closed_;
};

}  // namespace kilnwatch::test
