#include "core/threads.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <vector>

#include "kindred/core/buffer.h"
#include "kindred/core/memory.h"
#include "kindred/core/parallel.h"
#include "support/little_memory.h"
#include "support/temp_folder.h"

namespace kindred {
namespace {

using test::expect_refusal;

TEST(Threads, AreProven) {
  prove_threads(8);
  bool ran = false;
  start_thread([&] { ran = true; }).join();
  EXPECT_TRUE(ran);
}

// TBB ended the process (134) where it could not start its threads.
TEST(LimitsDeathTest, WorkersThatCannotBeStartedAreAnError) {
  expect_refusal(
      Index{64} << 20, [] { Workers(256).for_each(1000, [](Index, int) {}); },
      "refuses 255 more threads.*--threads");
}

TEST(LimitsDeathTest, AThreadThatCannotBeStartedIsAnError) {
  expect_refusal(
      Index{64} << 20,
      [] {
        std::vector<std::thread> threads;
        try {
          for (int i = 0; i < 256; ++i) threads.push_back(start_thread([] { ::pause(); }));
        } catch (const Error&) {
          for (std::thread& thread : threads) thread.detach();
          throw;
        }
      },
      "refuses 1 more thread:");
}

TEST(LimitsDeathTest, MemoryThatIsNotThereIsAnError) {
  expect_refusal(
      Index{256} << 20, [] { Buffer<float>(Index{1} << 30); }, "4 GiB of memory are needed");
}

TEST(Memory, NoSizeWrapsAround) {
  for (const Index size : {Index{1} << 62, Index{-1}, Index{1} << 50}) {
    test::expect_error(ErrorKind::system, "of memory are needed", [&] { Buffer<double>{size}; });
  }
  EXPECT_LE(machine_memory(), ::sysconf(_SC_PHYS_PAGES) * ::sysconf(_SC_PAGESIZE));
}

}  // namespace
}  // namespace kindred
