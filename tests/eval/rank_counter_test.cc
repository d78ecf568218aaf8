#include "eval/retrieval/rank_counter.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>

#include "kindred/core/random.h"

namespace kindred {
namespace {

/// Scores of which every second row is relevant up to `relevant` of them; whole numbers, so that
/// ties are many.
struct Scores {
  Scores(Index relevant, Index others, Index values)
      : rows(static_cast<std::size_t>(relevant + others)) {
    Random random(7, Purpose::test, static_cast<std::uint64_t>(relevant));
    for (Index row = 0; row < relevant + others; ++row) {
      rows[static_cast<std::size_t>(row)] = {static_cast<float>(random.below(values)) - 3, row,
                                             row % 2 == 0 ? row / 2 < relevant : row / 2 >= others};
    }
  }
  struct Row {
    float score;
    Index row;
    bool relevant;
  };
  std::vector<Row> rows;

  std::vector<Index> naive_ranks() const {
    std::vector<Row> sorted = rows;
    std::stable_sort(sorted.begin(), sorted.end(),
                     [](const Row& a, const Row& b) { return a.score > b.score; });
    std::vector<Index> ranks;
    for (std::size_t i = 0; i < sorted.size(); ++i) {
      if (sorted[i].relevant) ranks.push_back(static_cast<Index>(i) + 1);
    }
    return ranks;
  }

  std::vector<Index> counted_ranks(Index most) const {
    RankCounter counter;
    RankScratch scratch;
    counter.start();
    std::vector<float> others;
    std::vector<Index> names;
    for (const Row& row : rows) {
      if (row.relevant) {
        counter.add_relevant(row.score, row.row);
      } else {
        others.push_back(row.score);
        names.push_back(row.row);
      }
    }
    counter.sort(most, scratch);
    constexpr std::size_t kAtOnce = 100;
    for (std::size_t begin = 0; begin < others.size(); begin += kAtOnce) {
      const std::size_t end = std::min(others.size(), begin + kAtOnce);
      std::vector<float> block(others.begin() + static_cast<std::ptrdiff_t>(begin),
                               others.begin() + static_cast<std::ptrdiff_t>(end));
      block.resize(128, -std::numeric_limits<float>::infinity());
      counter.count(block.data(), static_cast<Index>(end - begin), names.data() + begin);
    }
    const std::span<const Index> ranks = counter.ranks();
    return {ranks.begin(), ranks.end()};
  }
};

TEST(RankCounter, KnowsWhetherAGuessHolds) {
  RankCounter counter;
  RankScratch scratch;
  std::vector<float> block(128, -std::numeric_limits<float>::infinity());
  std::vector<Index> names(128, 5000);
  counter.start();
  for (Index i = 0; i < 300; ++i) counter.add_relevant(static_cast<float>(300 - i), i);
  counter.sort(200, scratch);
  ASSERT_TRUE(counter.wants_guess());
  // All 100 of a sample of 10,000 score 250.5: the first 200 places are taken by the 50 relevant
  // ones above and by those, so says the sample.
  const std::vector<float> sample(100, 250.5F);
  counter.guess(sample.data(), 100, 10000, scratch);
  block[0] = 250.5F;
  block[1] = 100.5F;
  counter.count(block.data(), 2, names.data());
  EXPECT_FALSE(counter.guess_holds());
  counter.recount();
  counter.count(block.data(), 2, names.data());
  EXPECT_TRUE(counter.guess_holds());
  EXPECT_EQ(counter.ranks()[49], 50);
  EXPECT_EQ(counter.ranks()[50], 52);
  // With that many really there it holds.
  counter.recount();
  counter.guess(sample.data(), 100, 10000, scratch);
  std::fill_n(block.begin(), 100, 250.5F);
  for (int i = 0; i < 100; ++i) counter.count(block.data(), 100, names.data());
  EXPECT_TRUE(counter.guess_holds());
  EXPECT_EQ(counter.ranks()[49], 50);
  EXPECT_GT(counter.ranks()[50], 200);
}

// One, two and more nodes of 16, a full level, several levels.
TEST(RankCounter, RanksAsASortDoes) {
  for (const Index relevant : {1, 2, 15, 16, 17, 31, 32, 33, 255, 256, 257, 4095, 4096, 4200}) {
    for (const Index values : {1, 5, 40, 100000}) {
      const Scores scores(relevant, 900, values);
      EXPECT_EQ(scores.counted_ranks(1 << 20), scores.naive_ranks())
          << relevant << " relevant, " << values << " values";
    }
  }
}

TEST(RankCounter, IsExactUpToTheHighestRankAsked) {
  for (const Index relevant : {1, 20, 300}) {
    for (const Index most : {1, 20, 150}) {
      const Scores scores(relevant, 4000, 300);
      const std::vector<Index> naive = scores.naive_ranks();
      const std::vector<Index> counted = scores.counted_ranks(most);
      ASSERT_EQ(counted.size(), naive.size());
      EXPECT_EQ(counted.front(), naive.front());
      for (std::size_t j = 0; j < naive.size(); ++j) {
        if (naive[j] <= most) {
          ASSERT_EQ(counted[j], naive[j]);
        } else if (j > 0) {
          ASSERT_GT(counted[j], most);
        }
      }
    }
  }
}

}  // namespace
}  // namespace kindred
