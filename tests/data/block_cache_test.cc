#include "data/dataset/block_cache.h"

#include <gtest/gtest.h>

#include <atomic>
#include <cstring>
#include <thread>

#include "kindred/core/memory.h"
#include "kindred/core/random.h"
#include "support/temp_folder.h"

namespace kindred {
namespace {

constexpr Index kBytes = 100;

void make(Index block, std::byte* bytes) {
  std::memset(bytes, static_cast<int>(block), static_cast<std::size_t>(kBytes));
}

// Asks for a block, and says whether it was made for that.
bool made(BlockCache& cache, Index block, Reading reading = Reading::random) {
  bool now = false;
  cache.with(
      block, reading,
      [&](std::byte* bytes) {
        now = true;
        make(block, bytes);
      },
      [&](const std::byte* bytes) {
        EXPECT_EQ(bytes[0], static_cast<std::byte>(block));
        EXPECT_EQ(bytes[kBytes - 1], static_cast<std::byte>(block));
      });
  return now;
}

TEST(BlockCache, TheLeastRecentlyUsedMakesWay) {
  BlockCache cache(10, kBytes, {.bytes = 3 * kBytes + 99});
  EXPECT_TRUE(made(cache, 1));
  EXPECT_TRUE(made(cache, 2));
  EXPECT_TRUE(made(cache, 3));
  EXPECT_FALSE(made(cache, 1));
  EXPECT_TRUE(made(cache, 4));  // in place of 2
  EXPECT_FALSE(cache.holds(2));
  EXPECT_FALSE(made(cache, 1));
  EXPECT_FALSE(made(cache, 3));
  EXPECT_TRUE(made(cache, 2));
  EXPECT_FALSE(cache.holds(4));
}

TEST(BlockCache, OneBlockIsHeldHoweverLittleMemoryThereIs) {
  BlockCache cache(10, kBytes, {.bytes = -1, .resident_bytes = 0});
  EXPECT_TRUE(made(cache, 1));
  EXPECT_FALSE(made(cache, 1));
  EXPECT_TRUE(made(cache, 2));
  EXPECT_TRUE(made(cache, 1));
}

TEST(BlockCache, ReadingInOrderHoldsAFew) {
  BlockCache cache(100, kBytes, {.bytes = 100 * kBytes});
  for (Index i = 0; i < 50; ++i) EXPECT_TRUE(made(cache, i, Reading::in_order));
  EXPECT_TRUE(cache.holds(49));
  EXPECT_FALSE(cache.holds(49 - BlockCache::kFew));
  for (Index i = 0; i < 50; ++i) made(cache, i);
  EXPECT_TRUE(cache.holds(0));
  EXPECT_TRUE(made(cache, 60, Reading::in_order));  // gives the rest back
  EXPECT_FALSE(cache.holds(0));
  for (Index i = 0; i < 50; ++i) made(cache, i);
  EXPECT_FALSE(made(cache, 0));
}

TEST(BlockCache, DoesNotGrowWhereTheProcessIsLargeAlready) {
  BlockCache cache(100, kBytes, {.bytes = 100 * kBytes, .resident_bytes = 1});
  for (Index i = 0; i < 50; ++i) EXPECT_TRUE(made(cache, i));
  EXPECT_FALSE(cache.holds(49 - BlockCache::kFew));
  BlockCache roomy(100, kBytes, {.bytes = 100 * kBytes, .resident_bytes = Index{1} << 50});
  for (Index i = 0; i < 50; ++i) EXPECT_TRUE(made(roomy, i));
  EXPECT_TRUE(roomy.holds(0));
}

TEST(BlockCache, MemoryIsTakenWhenItIsUsedAndGivenBack) {
  constexpr Index kLarge = Index{1} << 20;
  BlockCache cache(128, kLarge, {.bytes = 128 * kLarge});
  const auto touch = [&](Index block, Reading reading) {
    cache.with(
        block, reading, [&](std::byte* bytes) { std::memset(bytes, 1, kLarge); },
        [](const std::byte*) {});
  };
  const Index before = resident_memory();
  for (Index i = 0; i < 64; ++i) touch(i, Reading::random);
  EXPECT_GT(resident_memory(), before + 48 * kLarge);
  touch(100, Reading::in_order);
  EXPECT_LT(resident_memory(), before + 16 * kLarge);
}

TEST(BlockCache, AFailureIsTheCallersAndTheNextTriesAgain) {
  BlockCache cache(10, kBytes, {.bytes = 2 * kBytes});
  for (int i = 0; i < 5; ++i) {
    test::expect_error(ErrorKind::io, "the disk is gone", [&] {
      cache.with(
          3, Reading::random, [](std::byte*) { fail(ErrorKind::io, "the disk is gone"); },
          [](const std::byte*) { FAIL(); });
    });
    EXPECT_FALSE(cache.holds(3));
  }
  EXPECT_TRUE(made(cache, 3));
}

// More threads than blocks are held: each gets what it asks for, and nobody waits for ever.
TEST(BlockCache, ManyThreadsGetWhatTheyAskFor) {
  for (const Index held : {1, 3, 40}) {
    BlockCache cache(40, kBytes, {.bytes = held * kBytes});
    std::atomic<int> count = 0;
    const auto work = [&](std::uint64_t thread) {
      Random random(1, Purpose::test, thread);
      for (int i = 0; i < 2000; ++i) {
        const bool in_order = random.below(50) == 0;
        if (made(cache, random.below(40), in_order ? Reading::in_order : Reading::random)) ++count;
      }
    };
    std::vector<std::thread> threads;
    for (std::uint64_t thread = 0; thread < 6; ++thread) threads.emplace_back(work, thread);
    for (std::thread& thread : threads) thread.join();
    EXPECT_GE(count, 40);
  }
}

}  // namespace
}  // namespace kindred
