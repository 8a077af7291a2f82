// What a client sent first over UDP: datagrams, and the frames that the keys of one would show.
#include <string>

#include "fuzz/fuzz.h"
#include "protocol/quic/initial_reader.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace kilnwatch;
  namespace quic = protocol::quic;
  const auto text = fuzz::text(data, size);
  quic::InitialReader reader;
  // Pieces as if each were handed over by a send of its own, then all in one.
  fuzz::Pieces pieces(text);
  for (std::size_t at = 0; at < text.size();) {
    const auto n = pieces.next(1, text.size() - at);
    reader.add(text.substr(at, n));
    at += n;
  }
  reader.add(text);
  const auto hello = reader.hello();
  fuzz::promise(hello.size() <= 5 + quic::kMaxHello, "a hello has its limit");
  fuzz::promise(!reader.whole() || !hello.empty(), "what is whole is there");

  quic::CryptoStream stream;
  quic::read_frames(text, stream);
  const std::string front(stream.front());
  fuzz::promise(front.size() <= text.size(), "no byte is made up");
  quic::read_frames(text, stream);
  fuzz::promise(stream.front() == front || stream.front().starts_with(front),
                "what came again changes nothing");
  return 0;
}
