#pragma once
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <functional>

#include "kindred/core/error.h"
#include "kindred/core/index.h"

namespace kindred::test {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
inline constexpr bool kAddressesAreUnlimited = true;  // sanitizers map terabytes
#else
inline constexpr bool kAddressesAreUnlimited = false;
#endif

/// Leaves the process so much address space beside what it has.
inline void leave_address_space(Index bytes) {
  Index pages = 0;
  std::ifstream("/proc/self/statm") >> pages;
  const auto most = static_cast<rlim_t>(pages * ::sysconf(_SC_PAGESIZE) + bytes);
  const rlimit limit{most, most};
  ::setrlimit(RLIMIT_AS, &limit);
}

/// Runs `work` in a process of little address space; expects an Error of kind system whose message
/// matches. The test's name ends in DeathTest.
inline void expect_refusal(Index bytes, const std::function<void()>& work, const char* message) {
  if (kAddressesAreUnlimited) GTEST_SKIP() << "a sanitizer's address space has no limit";
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(
      {
        leave_address_space(bytes);
        try {
          work();
        } catch (const Error& error) {
          std::fprintf(stderr, "%s\n", error.what());
          std::_Exit(error.exit_code());
        }
        std::_Exit(0);
      },
      ::testing::ExitedWithCode(71), message);
}

}  // namespace kindred::test
