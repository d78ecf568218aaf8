#pragma once
#include <string>
#include <string_view>

#include "kindred/core/error.h"

namespace kindred {

/// The kind of an error that a call on a file gave as `reason` (an errno): `usual`, or system where
/// the process or the machine has no more descriptors or memory.
ErrorKind kind_of_failure(int reason, ErrorKind usual);

/// What the system calls the reason, and what to do about it where that is known.
std::string text_of_failure(int reason);

/// The reason that others' text names, of those that text_of_failure() gives advice for; 0: none.
int failure_named(std::string_view text);

/// "PATH: WHAT failed: REASON" by errno, with what to do. Throws Error: io, or system.
[[noreturn]] void fail_io(const std::string& path, const char* what);

}  // namespace kindred
