#pragma once
#include <cstdlib>

namespace kindred::test {

/// Compiled with AddressSanitizer or ThreadSanitizer: ten times as slow, and looking for what is
/// wrong on a path, not for what its numbers are. Tests of many like cases take a few of each kind.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
inline constexpr bool kSanitizer = true;
#else
inline constexpr bool kSanitizer = false;
#endif

/// `tools/test --long`.
inline bool long_tests() { return std::getenv("KINDRED_LONG_TESTS") != nullptr; }

}  // namespace kindred::test
