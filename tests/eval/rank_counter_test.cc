#include "eval/rank_counter.h"

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
    std::vector<std::uint64_t> scratch;
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
