#include "eval/retrieval/rank_counter.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <limits>
#include <map>

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

  /// A relevant sample's rank with all that tie with it behind, and the groups that tie.
  struct Ranked {
    std::vector<Index> ranks;
    std::vector<std::vector<Index>> ties;  // first, relevant, others
    bool operator==(const Ranked&) const = default;
  };

  Ranked naive_ranks() const {
    std::map<float, std::pair<Index, Index>, std::greater<>> levels;  // relevant, others
    for (const Row& row : rows)
      ++(row.relevant ? levels[row.score].first : levels[row.score].second);
    Ranked ranked;
    Index others = 0;
    for (const auto& [score, counts] : levels) {
      const auto first = static_cast<Index>(ranked.ranks.size());
      for (Index i = 0; i < counts.first; ++i) ranked.ranks.push_back(first + i + others + 1);
      if (counts.first > 0 && counts.second > 0) {
        ranked.ties.push_back({first, counts.first, counts.second});
      }
      others += counts.second;
    }
    return ranked;
  }

  /// `blur`: how far the counter's scores are from the exact ones.
  Ranked counted_ranks(Index most, float blur = 0) const {
    RankCounter counter;
    RankScratch scratch;
    const auto exact = [this](Index row) {
      return static_cast<double>(rows[static_cast<std::size_t>(row)].score);
    };
    counter.start(2 * blur, exact);
    Random random(8, Purpose::test);
    std::vector<float> others;
    std::vector<Index> names;
    for (const Row& row : rows) {
      const float score = row.score + (blur > 0 ? random.uniform(-blur, blur) : 0.0F);
      if (row.relevant) {
        counter.add_relevant(score, row.row);
      } else {
        others.push_back(score);
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
    const RankedQuery found = counter.ranked();
    Ranked ranked{{found.ranks.begin(), found.ranks.end()}, {}};
    for (const TieGroup& group : found.ties) {
      ranked.ties.push_back({group.first, group.relevant, group.others});
    }
    return ranked;
  }
};

TEST(RankCounter, KnowsWhetherAGuessHolds) {
  RankCounter counter;
  RankScratch scratch;
  std::vector<float> block(128, -std::numeric_limits<float>::infinity());
  std::vector<Index> names(128, 5000);
  const auto exact = [](Index row) { return row < 300 ? 300.0 - static_cast<double>(row) : 0.5; };
  counter.start(0, exact);
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
  EXPECT_EQ(counter.ranked().ranks[49], 50);
  EXPECT_EQ(counter.ranked().ranks[50], 52);
  // With that many really there it holds.
  counter.recount();
  counter.guess(sample.data(), 100, 10000, scratch);
  std::fill_n(block.begin(), 100, 250.5F);
  for (int i = 0; i < 100; ++i) counter.count(block.data(), 100, names.data());
  EXPECT_TRUE(counter.guess_holds());
  EXPECT_EQ(counter.ranked().ranks[49], 50);
  EXPECT_GT(counter.ranked().ranks[50], 200);
}

// One, two and more nodes of 16, a full level, several levels.
TEST(RankCounter, RanksAndTiesAsASortDoes) {
  for (const Index relevant : {1, 2, 15, 16, 17, 31, 32, 33, 255, 256, 257, 4095, 4096, 4200}) {
    for (const Index values : {1, 5, 40, 100000}) {
      const Scores scores(relevant, 900, values);
      EXPECT_TRUE(scores.counted_ranks(1 << 20) == scores.naive_ranks())
          << relevant << " relevant, " << values << " values";
    }
  }
}

// Scores are off by up to two fifths of what lies between two values, or by far more: what may
// stand in either order is looked up.
TEST(RankCounter, LooksUpWhatItsScoresDoNotDecide) {
  for (const Index relevant : {1, 17, 300}) {
    for (const Index values : {5, 40, 100000}) {
      const Scores scores(relevant, 900, values);
      for (const float blur : {0.4F, 3.0F, 1e6F}) {
        EXPECT_TRUE(scores.counted_ranks(1 << 20, blur) == scores.naive_ranks())
            << relevant << " relevant, " << values << " values, " << blur;
      }
    }
  }
}

TEST(RankCounter, IsExactUpToTheHighestRankAsked) {
  for (const float blur : {0.0F, 0.4F}) {
    for (const Index relevant : {1, 20, 300}) {
      for (const Index most : {1, 20, 150}) {
        const Scores scores(relevant, 4000, 300);
        const Scores::Ranked naive = scores.naive_ranks();
        const Scores::Ranked counted = scores.counted_ranks(most, blur);
        ASSERT_EQ(counted.ranks.size(), naive.ranks.size());
        EXPECT_EQ(counted.ranks.front(), naive.ranks.front());
        for (std::size_t j = 0; j < naive.ranks.size(); ++j) {
          if (naive.ranks[j] <= most) {
            ASSERT_EQ(counted.ranks[j], naive.ranks[j]);
          } else if (j > 0) {
            ASSERT_GT(counted.ranks[j], most);
          }
        }
        std::vector<std::vector<Index>> ties;
        for (const std::vector<Index>& group : naive.ties) {
          if (group[0] == 0 || naive.ranks[static_cast<std::size_t>(group[0])] <= most) {
            ties.push_back(group);
          }
        }
        EXPECT_EQ(counted.ties, ties);
      }
    }
  }
}

}  // namespace
}  // namespace kindred
