#pragma once
#include <stdexcept>
#include <string>

#include "kindred/core/export.h"

namespace KINDRED_API kindred {

/// What kind of thing went wrong; the values are the program's exit codes (sysexits).
enum class ErrorKind {
  usage = 64,          ///< the call itself: unknown flag, missing argument
  data = 65,           ///< an input exists but its content is wrong
  no_input = 66,       ///< an input is missing or cannot be opened
  diverged = 69,       ///< training lost its way: a loss or a gradient is no finite number
  internal = 70,       ///< our own mistake
  system = 71,         ///< the system refuses threads, processes or memory
  cannot_create = 73,  ///< an output cannot be created
  io = 74,             ///< reading or writing failed on the way (disk full, device error)
  recipe = 78,         ///< a recipe asks for something that is wrong or unknown
};

/// Every failure of the library. `what()` says what, where, expected, found, and what to do.
class Error : public std::runtime_error {
 public:
  Error(ErrorKind kind, const std::string& message) : std::runtime_error(message), kind_(kind) {}
  ErrorKind kind() const noexcept { return kind_; }
  int exit_code() const noexcept { return static_cast<int>(kind_); }

 private:
  ErrorKind kind_;
};

/// Throws Error(kind, message).
[[noreturn]] void fail(ErrorKind kind, const std::string& message);

}  // namespace kindred
