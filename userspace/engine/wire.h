// The wire form of protobuf, field by field with its place: what may be told and what must be
// masked is decided without another copy, and of a message that is cut the front is read.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace kilnwatch::engine {

struct Field {
  std::uint32_t number = 0;
  bool text = false;  // length-delimited: bytes, strings, messages
  bool varint = false;
  std::uint64_t value = 0;  // of a varint
  std::size_t at = 0;       // where the value begins
  std::size_t size = 0;     // and its bytes
};

// In place of a value: as long, zeroes, or a number as long of the value 0.
std::string blank(const Field& field);

// One message (protobuf.dev: encoding). Pure.
class Fields {
 public:
  explicit Fields(std::string_view bytes) : bytes_(bytes) {}
  // The next whole field; false: none follows, or what follows is none.
  bool next(Field& field);
  // Everything was read.
  bool whole() const { return at_ == bytes_.size(); }
  // When not whole: the number of the field that the bytes end in; 0: not known.
  std::uint32_t cut_in() const { return cut_in_; }
  // And of a string or message: what there is of its value.
  std::string_view cut() const { return cut_; }

 private:
  bool varint(std::uint64_t& value, std::size_t& at) const;
  std::string_view bytes_;
  std::size_t at_ = 0;
  std::uint32_t cut_in_ = 0;
  std::string_view cut_;
};

// Of the fields of that number: the last one, as a string; all of them in a row, as one message
// within another, which readers merge (protobuf.dev: encoding, "Last One Wins"); the last number.
// Empty, 0: there is none.
std::string text_of(std::string_view message, std::uint32_t number);
std::string message_of(std::string_view message, std::uint32_t number);
std::uint64_t number_of(std::string_view message, std::uint32_t number);

// Read to its end. Behind a group nothing is read here, but by whom the message is for.
bool is_whole(std::string_view message);

// The whole fields from the beginning on, each value as keep(field, value) gives it, of equal
// length.
template <class Keep>
std::string rewritten(std::string_view bytes, const Keep& keep) {
  std::string out;
  Fields fields(bytes);
  Field field;
  while (fields.next(field)) {
    out += bytes.substr(out.size(), field.at - out.size());
    out += keep(field, bytes.substr(field.at, field.size));
  }
  return out;
}

// The same of a message within another: one that is not whole is zero.
template <class Keep>
std::string rewritten_part(std::string_view bytes, const Keep& keep) {
  std::string out = rewritten(bytes, keep);
  return out.size() == bytes.size() ? out : std::string(bytes.size(), '\0');
}

}  // namespace kilnwatch::engine
