// The one error type of the library.
#pragma once

#include <fmt/format.h>

#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

namespace tenfold {

/// What kind of thing went wrong.  Stable: the C API, Python exceptions and exit codes map from it.
enum class ErrorCode {
  invalid_argument,  ///< a caller's value is out of range, or of the wrong shape or type
  invalid_model,     ///< the model file is malformed or violates the ONNX specification
  unsupported,       ///< valid input that this version cannot handle
  not_found,         ///< a file, name or backend does not exist
  io,                ///< reading or writing failed
  data,              ///< the data set is empty, has NaN, or does not fit the model
  cancelled,         ///< the caller asked to stop
  internal,          ///< a broken invariant: a bug in tenfold
};

std::string_view to_string(ErrorCode code);

/// Thrown by every layer; caught at the public API, the CLI and the Python binding (docs/adr/0001).
/// The message says what failed, where, and how to mend it.
class Error : public std::runtime_error {
 public:
  Error(ErrorCode code, const std::string& message) : std::runtime_error(message), code_(code) {}
  ErrorCode code() const noexcept { return code_; }

 private:
  ErrorCode code_;
};

/// Throws Error with a formatted message.
template <class... Args>
[[noreturn]] void fail(ErrorCode code, fmt::format_string<Args...> format, Args&&... args) {
  throw Error(code, fmt::format(format, std::forward<Args>(args)...));
}

/// Throws an internal error unless `condition` holds; for invariants that input cannot break.
template <class... Args>
void ensure(bool condition, fmt::format_string<Args...> format, Args&&... args) {
  if (!condition) [[unlikely]]
    throw Error(ErrorCode::internal, fmt::format(format, std::forward<Args>(args)...));
}

}  // namespace tenfold
