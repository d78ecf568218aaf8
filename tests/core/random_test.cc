#include "kindred/core/random.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <numeric>
#include <set>
#include <vector>

namespace kindred {
namespace {

using Block = std::array<std::uint32_t, 4>;

// The known answers that the authors publish with Random123 (kat_vectors, philox4x32 10).
TEST(Philox, GivesThePublishedVectors) {
  EXPECT_EQ(Random::philox({0, 0, 0, 0}, {0, 0}),
            (Block{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
  constexpr std::uint32_t kOnes = 0xffffffff;
  EXPECT_EQ(Random::philox({kOnes, kOnes, kOnes, kOnes}, {kOnes, kOnes}),
            (Block{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}));
  EXPECT_EQ(
      Random::philox({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}),
      (Block{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}));
}

TEST(Random, IsAFunctionOfItsKeyAlone) {
  Random first(7, Purpose::test, 3, 5);
  Random other(8, Purpose::test, 3, 5);
  std::vector<std::uint32_t> numbers;
  for (int i = 0; i < 10; ++i) {
    numbers.push_back(first.next());
    other.next();
  }
  Random again(7, Purpose::test, 3, 5);
  for (const std::uint32_t number : numbers) EXPECT_EQ(again.next(), number);
}

TEST(Random, SkipsAsManyAsNextWouldGive) {
  for (int before = 0; before < 6; ++before) {
    for (std::uint64_t skipped = 0; skipped < 14; ++skipped) {
      Random drawn(7, Purpose::test, 3, 5);
      Random jumped(7, Purpose::test, 3, 5);
      for (int i = 0; i < before; ++i) {
        drawn.next();
        jumped.next();
      }
      for (std::uint64_t i = 0; i < skipped; ++i) drawn.next();
      jumped.skip(skipped);
      for (int i = 0; i < 9; ++i)
        ASSERT_EQ(jumped.next(), drawn.next()) << before << ", " << skipped;
    }
  }
}

TEST(Random, DiffersInEveryPartOfItsKey) {
  std::set<std::uint64_t> starts;
  int count = 0;
  const auto add = [&](std::uint64_t seed, Purpose purpose, std::uint64_t a, std::uint64_t b) {
    starts.insert(Random(seed, purpose, a, b).next64());
    ++count;
  };
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    for (std::uint64_t a = 0; a < 20; ++a) {
      for (std::uint64_t b = 0; b < 20; ++b) {
        add(seed, Purpose::sample, a, b);
        add(seed, Purpose::augment, a, b);
      }
    }
  }
  add(1, Purpose::sample, std::uint64_t{1} << 40, 0);  // the upper words count too
  add(1, Purpose::sample, 0, std::uint64_t{1} << 40);
  add(std::uint64_t{1} << 40, Purpose::sample, 0, 0);
  // 16,003 draws of 64 bits: two alike by chance in one of 10^11 such tests.
  EXPECT_EQ(starts.size(), static_cast<std::size_t>(count));
}

TEST(Random, UniformStaysInsideItsBounds) {
  Random random(1, Purpose::test);
  double sum = 0;
  double squares = 0;
  constexpr int kDraws = 100000;
  for (int i = 0; i < kDraws; ++i) {
    const float u = random.uniform();
    ASSERT_GE(u, 0.0f);
    ASSERT_LT(u, 1.0f);
    sum += u;
    squares += (u - 0.5) * (u - 0.5);
  }
  // Standard errors: sqrt(1/12/n) = 9.1e-4 of the mean, sqrt(1/180/n) = 2.4e-4 of the variance;
  // the seed is fixed, five of them are far.
  EXPECT_NEAR(sum / kDraws, 0.5, 5 * 9.1e-4);
  EXPECT_NEAR(squares / kDraws, 1.0 / 12, 5 * 2.4e-4);
  for (int i = 0; i < 1000; ++i) {
    const float u = random.uniform(-3.0f, 2.0f);
    ASSERT_GE(u, -3.0f);
    ASSERT_LT(u, 2.0f);
  }
}

TEST(Random, NormalHasTheMomentsOfTheNormalDistribution) {
  Random random(2, Purpose::test);
  constexpr int kDraws = 100000;
  double mean = 0;
  double variance = 0;
  double fourth = 0;
  int beyond_two = 0;
  for (int i = 0; i < kDraws; ++i) {
    const double z = random.normal();
    ASSERT_TRUE(std::isfinite(z));
    mean += z / kDraws;
    variance += z * z / kDraws;
    fourth += z * z * z * z / kDraws;
    beyond_two += std::abs(z) > 2 ? 1 : 0;
  }
  // Standard errors 1/sqrt(n), sqrt(2/n), sqrt(96/n), and of the share 0.0455 (binomial).
  EXPECT_NEAR(mean, 0, 5 * 3.2e-3);
  EXPECT_NEAR(variance, 1, 5 * 4.5e-3);
  EXPECT_NEAR(fourth, 3, 5 * 3.1e-2);
  EXPECT_NEAR(static_cast<double>(beyond_two) / kDraws, 0.0455, 5 * 6.6e-4);
}

TEST(Random, BelowIsUnbiased) {
  for (const Index n : {Index{1}, Index{2}, Index{3}, Index{7}, Index{10}, Index{100}}) {
    Random random(3, Purpose::test, static_cast<std::uint64_t>(n));
    constexpr int kDraws = 100000;
    std::vector<double> counts(static_cast<std::size_t>(n));
    for (int i = 0; i < kDraws; ++i) {
      const Index drawn = random.below(n);
      ASSERT_GE(drawn, 0);
      ASSERT_LT(drawn, n);
      ++counts[static_cast<std::size_t>(drawn)];
    }
    const double expected = static_cast<double>(kDraws) / static_cast<double>(n);
    double chi_square = 0;
    for (const double count : counts) chi_square += (count - expected) * (count - expected);
    chi_square /= expected;
    // n - 1 degrees of freedom: mean n - 1, variance 2 (n - 1).
    const auto freedom = static_cast<double>(n - 1);
    EXPECT_LE(chi_square, freedom + 5 * std::sqrt(2 * freedom)) << "n = " << n;
  }
}

TEST(Random, BelowRejectsWhatWouldFavourLowResults) {
  // n = 3 * 2^30: without rejection every third residue would come twice as often, so that two
  // thirds of the draws were not 1/3 each of [0, n) but 1/2, 1/4, 1/4 modulo 3.
  const Index n = Index{3} << 30;
  Random random(4, Purpose::test);
  std::array<int, 3> counts{};
  constexpr int kDraws = 30000;
  for (int i = 0; i < kDraws; ++i) ++counts[static_cast<std::size_t>(random.below(n) % 3)];
  for (const int count : counts) EXPECT_NEAR(count, kDraws / 3, 5 * 82);  // sqrt(n 1/3 2/3) = 82
}

TEST(Random, BelowTakesRangesBeyond32Bits) {
  const Index n = Index{1} << 40;
  Random random(5, Purpose::test);
  Index largest = 0;
  for (int i = 0; i < 1000; ++i) {
    const Index drawn = random.below(n);
    ASSERT_GE(drawn, 0);
    ASSERT_LT(drawn, n);
    largest = std::max(largest, drawn);
  }
  EXPECT_GT(largest, n / 100 * 98);  // all of 1,000 below 98 %: 2e-9
}

TEST(Shuffle, PermutesAndReachesEveryOrder) {
  std::vector<int> items(50);
  std::iota(items.begin(), items.end(), 0);
  Random random(6, Purpose::test);
  std::vector<int> shuffled = items;
  shuffle(shuffled.data(), 50, random);
  EXPECT_NE(shuffled, items);
  std::sort(shuffled.begin(), shuffled.end());
  EXPECT_EQ(shuffled, items);

  std::array<int, 6> counts{};
  constexpr int kDraws = 6000;
  for (int i = 0; i < kDraws; ++i) {
    std::array<int, 3> order{0, 1, 2};
    shuffle(order.data(), 3, random);
    ++counts[static_cast<std::size_t>(order[0] * 2 + (order[1] > order[2] ? 1 : 0))];
  }
  for (const int count : counts) EXPECT_NEAR(count, 1000, 5 * 29);  // sqrt(n 1/6 5/6) = 29
}

TEST(Shuffle, LeavesOneOrNoItemAlone) {
  Random random(6, Purpose::test);
  int item = 4;
  shuffle(&item, 1, random);
  shuffle(&item, 0, random);
  EXPECT_EQ(item, 4);
}

}  // namespace
}  // namespace kindred
