// Result<T>: what a call that can fail for reasons outside our control returns.
#pragma once

#include <string>
#include <utility>
#include <variant>

namespace kilnwatch::base {

// Classes of failure; each is one exit code of the program.
enum class ErrorClass : int {
  kOther = 1,        // incl. closed stdout
  kUsage = 2,        // flags, config
  kEnvironment = 3,  // privilege, kernel feature, unwritable state
  kInput = 4,        // unreadable or damaged input
  kFindings = 5,     // --fail-on, --expect
};

// `message` names the thing, the place and the remedy; it is shown as it is.
struct Error {
  ErrorClass kind = ErrorClass::kOther;
  std::string message;
};

template <class T>
class [[nodiscard]] Result {
 public:
  Result(T value)
      : state_(std::in_place_index<0>, std::move(value)) {}  // NOLINT: implicit by intent
  Result(Error error)
      : state_(std::in_place_index<1>, std::move(error)) {}  // NOLINT: implicit by intent

  explicit operator bool() const { return state_.index() == 0; }
  T& operator*() { return std::get<0>(state_); }
  const T& operator*() const { return std::get<0>(state_); }
  T* operator->() { return &std::get<0>(state_); }
  const T* operator->() const { return &std::get<0>(state_); }
  const Error& error() const { return std::get<1>(state_); }

 private:
  std::variant<T, Error> state_;
};

struct Done {};
using Status = Result<Done>;

}  // namespace kilnwatch::base
