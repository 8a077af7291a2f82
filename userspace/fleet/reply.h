// The wire form of Valkey and Redis (RESP2): commands to bytes, bytes to replies. Within limits,
// since whoever answers may be anybody. The only file that knows hiredis.
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

struct redisReader;

namespace kilnwatch::fleet {

// Of one reply: the map of a large cluster's slots is the largest that is asked for.
inline constexpr std::size_t kMaxReply = std::size_t{256} << 10;  // bytes
inline constexpr std::size_t kMaxItems = 16'384;                  // of all its lists

// Codes of errors: the server's own word for a value of another kind; ours for one beyond
// kMaxReply.
inline constexpr const char* kWrongType = "WRONGTYPE";
inline constexpr const char* kTooLarge = "TOOLARGE";

struct Reply {
  enum class Kind : std::uint8_t { kNothing, kText, kNumber, kError, kList };
  Kind kind = Kind::kNothing;
  std::string text;  // of kText and kError
  std::int64_t number = 0;
  std::vector<Reply> items;

  bool is_error(std::string_view code) const;
};

// "MOVED" of "MOVED 3999 192.0.2.1:6381". What stands behind it may repeat what was sent, secrets
// too, and is for no log. A word that is no code is left out.
std::string error_code(const Reply& reply);

// It hangs up on whoever comes, whatever was asked.
bool turns_away(const Reply& reply);
// The server as it is does not do what it is asked, and may later. Empty: it is none of that.
std::string why_not_now(const Reply& reply);

// One command as it is sent.
std::string command(std::initializer_list<std::string_view> words);

class Reader {
 public:
  Reader();
  void feed(std::string_view bytes);
  // Nothing: the rest of it is to come. After an error no more is read.
  base::Result<std::optional<Reply>> next();
  // That error was a reply beyond the limits; else another protocol.
  bool is_beyond() const { return beyond_; }

  struct Budget {
    std::size_t bytes = 0;
    std::size_t items = 0;
  };

 private:
  struct Free {
    void operator()(redisReader* reader) const;
  };
  std::unique_ptr<redisReader, Free> reader_;
  std::unique_ptr<Budget> left_ = std::make_unique<Budget>();  // of the reply that is read
  bool beyond_ = false;
};

}  // namespace kilnwatch::fleet
