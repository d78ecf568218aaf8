#pragma once
#include <string>

namespace kindred {

/// "PATH: WHAT failed: REASON" by errno, with what to do where the disk is full. Throws Error(io).
[[noreturn]] void fail_io(const std::string& path, const char* what);

}  // namespace kindred
