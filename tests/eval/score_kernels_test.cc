// The loops over scores at every level of this machine, against the plainest form.
#include "eval/scores/score_kernels.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "kindred/core/buffer.h"
#include "kindred/core/random.h"
#include "support/levels.h"

namespace kindred {
namespace {

constexpr float kLowest = -std::numeric_limits<float>::infinity();
constexpr Index kMost = 512;

/// Whole and half numbers, so that many equal each other and the threshold; minus infinity behind.
struct Scores {
  explicit Scores(Index count) : values(round_up(count, 64)), rows(count) {
    Random random(3, Purpose::test, static_cast<std::uint64_t>(count));
    values.fill(kLowest);
    for (Index i = 0; i < count; ++i) {
      values[i] = static_cast<float>(random.below(40)) / 2;
      rows[i] = 1000 + 3 * i;
    }
  }
  Buffer<float> values;
  Buffer<Index> rows;
};

/// A tree of `size` falling whole numbers, as RankCounter builds it.
struct Tree {
  explicit Tree(Index size) {
    tree.size = size;
    tree.levels = 0;
    std::vector<float> leaves;
    for (Index i = 0; i < size; ++i) leaves.push_back(static_cast<float>((size - i) * 20 / size));
    std::vector<float> all;
    for (std::vector<float> level = leaves;;) {
      level.push_back(kLowest);
      while (level.size() % 16 != 0) level.push_back(kLowest);
      if (tree.levels > 0) {
        level.clear();
        const Index below = tree.first[tree.levels - 1];
        const Index above = (static_cast<Index>(all.size()) - below) / 16;
        for (Index i = 0; i < above; ++i) {
          level.push_back(all[static_cast<std::size_t>(below + i * 16 + 15)]);
        }
        while (level.size() % 16 != 0) level.push_back(kLowest);
      }
      tree.first[tree.levels++] = static_cast<Index>(all.size());
      all.insert(all.end(), level.begin(), level.end());
      if (level.size() == 16) break;
    }
    nodes = Buffer<float>(static_cast<Index>(all.size()));
    std::copy(all.begin(), all.end(), nodes.data());
    tree.nodes = nodes.data();
  }
  Buffer<float> nodes;
  ScoreTree tree{};
};

TEST(ScoreKernels, FilterAsAComparisonDoes) {
  for (const Isa level : levels_here()) {
    const ScoreKernels& loops = kernels_at<ScoreKernels>(level);
    for (const Index count : {1, 63, 64, 65, 200, 512}) {
      const Scores scores(count);
      for (const float threshold : {kLowest, 0.0F, 7.5F, 19.0F, 100.0F}) {
        std::vector<float> kept;
        std::vector<std::uint32_t> rows;
        for (Index i = 0; i < count; ++i) {
          if (scores.values[i] < threshold) continue;
          kept.push_back(scores.values[i]);
          rows.push_back(static_cast<std::uint32_t>(scores.rows[i]));
        }
        std::vector<std::uint32_t> places(kMost);
        if (threshold == kLowest) continue;  // what stands behind the last must fail it
        std::vector<float> found(kMost);
        std::vector<std::uint32_t> found_rows(kMost);
        const Index size = loops.keep(scores.values.data(), count, threshold, scores.rows.data(),
                                      found.data(), found_rows.data());
        found.resize(static_cast<std::size_t>(size));
        found_rows.resize(static_cast<std::size_t>(size));
        EXPECT_EQ(found, kept) << name_of(level) << ' ' << count << ' ' << threshold;
        EXPECT_EQ(found_rows, rows);
        std::vector<std::uint32_t> not_below;
        std::vector<std::uint32_t> not_below_own;
        std::vector<float> own(kMost);
        for (Index i = 0; i < kMost; ++i) own[i] = threshold + static_cast<float>(i % 3);
        for (Index i = 0; i < count; ++i) {
          if (scores.values[i] >= threshold) not_below.push_back(static_cast<std::uint32_t>(i));
          if (scores.values[i] >= own[i]) not_below_own.push_back(static_cast<std::uint32_t>(i));
        }
        places.resize(kMost);
        places.resize(static_cast<std::size_t>(
            loops.not_below(scores.values.data(), count, threshold, places.data())));
        EXPECT_EQ(places, not_below) << name_of(level) << ' ' << count << ' ' << threshold;
        places.resize(kMost);
        places.resize(static_cast<std::size_t>(
            loops.not_below_each(scores.values.data(), count, own.data(), places.data())));
        EXPECT_EQ(places, not_below_own) << name_of(level) << ' ' << count << ' ' << threshold;
      }
    }
  }
}

// Trees of one node, of two, and of two and three levels; the last size of each and the next.
TEST(ScoreKernels, TallyAsCountingDoes) {
  constexpr Index kCount = 509;
  const Scores scores(kCount);
  for (const Index size : {1, 15, 16, 31, 32, 255, 256, 300, 5000}) {
    const Tree tree(size);
    const auto leaf = [&](Index i) { return tree.nodes[i]; };
    for (const float width : {0.0F, 0.5F, 2.0F}) {
      const float threshold = width == 2 ? leaf(size - 1) : 3.0F;
      std::vector<std::uint32_t> gaps(static_cast<std::size_t>(size) + 1);
      std::vector<std::uint32_t> all_gaps = gaps;
      std::vector<std::uint32_t> ties;
      std::vector<std::uint32_t> all_ties;
      for (Index i = 0; i < kCount; ++i) {
        const float score = scores.values[i];
        Index ahead = 0;
        bool tied = false;
        for (Index j = 0; j < size; ++j) {
          if (leaf(j) >= score) ++ahead;
          tied = tied || std::abs(leaf(j) - score) <= width;
        }
        const auto count_into = [&](auto& into, auto& places) {
          if (tied) {
            places.push_back(static_cast<std::uint32_t>(i));
          } else {
            ++into[static_cast<std::size_t>(ahead)];
          }
        };
        if (score >= threshold) count_into(gaps, ties);
        count_into(all_gaps, all_ties);
      }
      for (const Isa level : levels_here()) {
        const ScoreKernels& loops = kernels_at<ScoreKernels>(level);
        std::vector<std::uint32_t> found(gaps.size());
        std::vector<std::uint32_t> places(kMost);
        places.resize(
            static_cast<std::size_t>(loops.tally(tree.tree, scores.values.data(), kCount, threshold,
                                                 width, found.data(), places.data())));
        EXPECT_EQ(found, gaps) << name_of(level) << ' ' << size << ' ' << width;
        EXPECT_EQ(places, ties);
        found.assign(gaps.size(), 0);
        places.resize(kMost);
        places.resize(static_cast<std::size_t>(loops.tally_all(
            tree.tree, scores.values.data(), kCount, width, found.data(), places.data())));
        EXPECT_EQ(found, all_gaps) << name_of(level) << ' ' << size;
        EXPECT_EQ(places, all_ties);
      }
    }
  }
}

TEST(ScoreKernels, MakeProductsDistances) {
  constexpr Index kCount = 77;
  Random random(4, Purpose::test);
  std::vector<float> products;
  std::vector<float> squares;
  for (Index i = 0; i < kCount; ++i) {
    products.push_back(random.normal());
    squares.push_back(std::abs(random.normal()));
  }
  products[5] = squares[5] = 2;  // of the query with itself
  for (const Isa level : levels_here()) {
    std::vector<float> scores = products;
    kernels_at<ScoreKernels>(level).finish_euclidean(scores.data(), kCount, 2, squares.data());
    for (std::size_t i = 0; i < scores.size(); ++i) {
      EXPECT_EQ(scores[i], std::min(2 * products[i] - (2 + squares[i]), 0.0F)) << name_of(level);
    }
    EXPECT_EQ(scores[5], 0);
  }
}

}  // namespace
}  // namespace kindred
