#include "eval/scores/score_keys.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>

#include "kindred/core/random.h"

namespace kindred {
namespace {

TEST(ScoreKeys, OrderByFallingScoreThenRisingIndex) {
  const float scores[] = {
      std::numeric_limits<float>::infinity(), 3.5F, 1e-30F, 0.0F, -1e-30F, -2.0F,
      -std::numeric_limits<float>::infinity()};
  for (std::size_t i = 0; i + 1 < std::size(scores); ++i) {
    EXPECT_LT(order_key(scores[i], 9), order_key(scores[i + 1], 1));
    EXPECT_LT(order_key(scores[i], 1), order_key(scores[i], 2));
    EXPECT_EQ(score_of_key(order_key(scores[i], 5)), scores[i]);
    EXPECT_EQ(index_of_key(order_key(scores[i], 5)), 5U);
  }
  EXPECT_EQ(order_key(-0.0F, 3), order_key(0.0F, 3));
}

std::vector<std::uint64_t> random_keys(Index size, Index values, std::uint64_t seed) {
  Random random(seed, Purpose::test);
  std::vector<std::uint64_t> keys;
  for (Index i = 0; i < size; ++i) {
    const auto score = static_cast<float>(random.below(values)) / 7;
    keys.push_back(order_key(score, static_cast<std::uint32_t>(i)));
  }
  shuffle(keys.data(), size, random);
  return keys;
}

TEST(ScoreKeys, AreSortedAtEverySize) {
  std::vector<std::uint64_t> scratch;
  for (const Index size : {0, 1, 2, 191, 192, 193, 5000}) {
    for (const Index values : {1, 2, 1000000}) {
      std::vector<std::uint64_t> keys = random_keys(size, values, 1);
      std::vector<std::uint64_t> expected = keys;
      std::sort(expected.begin(), expected.end());
      sort_keys(keys, scratch);
      EXPECT_EQ(keys, expected) << size << " keys, " << values << " values";
    }
  }
}

TEST(ScoreKeys, AreSortedByScoreWhereIndicesRise) {
  std::vector<std::uint64_t> scratch;
  std::vector<std::uint32_t> more;
  for (const Index size : {1, 100, 191, 192, 1000, 2999, 3000, 7000}) {
    std::vector<std::uint64_t> keys;
    std::vector<std::uint32_t> numbers;
    for (Index i = 0; i < size; ++i) {
      Random random(6, Purpose::test, static_cast<std::uint64_t>(i));
      const auto score = static_cast<float>(random.below(500)) - 250;
      keys.push_back(order_key(score, static_cast<std::uint32_t>(i)));
      numbers.push_back(upper_half(keys.back()));
    }
    std::vector<std::uint64_t> expected = keys;
    std::sort(expected.begin(), expected.end());
    sort_keys_by_score(keys, scratch);
    EXPECT_EQ(keys, expected) << size;
    sort_numbers(numbers, more);
    for (std::size_t i = 0; i < numbers.size(); ++i) {
      ASSERT_EQ(numbers[i], upper_half(expected[i])) << size;
    }
  }
}

TEST(ScoreKeys, KeepTheSmallest) {
  std::vector<std::uint64_t> scratch;
  for (const Index size : {1, 5, 191, 192, 3000}) {
    for (const Index values : {1, 3, 1000000}) {
      for (const Index count : {Index{1}, (size + 1) / 2, size}) {
        std::vector<std::uint64_t> keys = random_keys(size, values, 2);
        std::vector<std::uint64_t> expected = keys;
        std::sort(expected.begin(), expected.end());
        expected.resize(static_cast<std::size_t>(count));
        EXPECT_EQ(keep_smallest(keys, static_cast<std::size_t>(count), scratch), expected.back());
        std::sort(keys.begin(), keys.end());
        EXPECT_EQ(keys, expected) << count << " of " << size << " keys, " << values << " values";
      }
    }
  }
}

}  // namespace
}  // namespace kindred
