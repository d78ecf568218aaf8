#include "core/ranks/gradient_tree.h"

#include <gtest/gtest.h>

#include "kindred/core/random.h"
#include "support/thread_group.h"

namespace kindred {
namespace {

using test::ThreadRanks;

Matrix random_rows(Index rows, Index cols) {
  Matrix made(rows, cols);
  Random random(1, Purpose::test);
  for (Index i = 0; i < rows; ++i) {
    for (Index j = 0; j < cols; ++j) made(i, j) = random.normal();
  }
  return made;
}

/// By definition: neighbouring rows first, then neighbouring pairs, and so on.
std::vector<float> naive_sum(Matrix rows) {
  for (Index apart = 1; apart < rows.rows(); apart *= 2) {
    for (Index i = 0; i + apart < rows.rows(); i += 2 * apart) {
      for (Index j = 0; j < rows.cols(); ++j) rows(i, j) += rows(i + apart, j);
    }
  }
  return {rows.row(0), rows.row(0) + rows.cols()};
}

TEST(GradientTree, CutsRowsIntoWholePartsOfTheTree) {
  const auto starts = [](Index begin, Index end, Index rows) {
    std::vector<Index> found;
    for (const Subtree& tree : subtrees_of(begin, end, rows)) found.push_back(tree.first);
    return found;
  };
  EXPECT_EQ(starts(0, 16, 16), (std::vector<Index>{0}));
  EXPECT_EQ(starts(8, 16, 16), (std::vector<Index>{8}));
  EXPECT_EQ(starts(5, 10, 16), (std::vector<Index>{5, 6, 8}));
  EXPECT_EQ(starts(4, 6, 6), (std::vector<Index>{4})) << "the tree's last part is cut off";
  EXPECT_EQ(starts(0, 6, 6), (std::vector<Index>{0}));
  EXPECT_EQ(starts(3, 3, 6), (std::vector<Index>{}));
}

TEST(GradientTree, SumsTheSameBitsForAnyNumberOfRanks) {
  for (const Index rows : {1, 2, 3, 5, 8, 11, 16}) {
    const Index size = 37;  // fewer lines than the last of many ranks has any of
    const Matrix all = random_rows(rows, size);
    const std::vector<float> expected = naive_sum(random_rows(rows, size));
    for (const int ranks : {1, 2, 3, 4, 7, 20}) {
      ThreadRanks(ranks).run([&](ProcessGroup& group) {
        const Workers workers(2);
        GradientTree tree(group, rows, size);
        for (int again = 0; again < 2; ++again) {
          Matrix own(tree.own_rows(), size);
          for (Index i = 0; i < own.rows(); ++i) {
            std::copy_n(all.row(tree.first_row() + i), size, own.row(i));
          }
          const std::span<const float> sum = tree.sum(workers, own.view());
          EXPECT_EQ(std::vector<float>(sum.begin(), sum.end()), expected)
              << rows << " rows, " << ranks << " ranks";
        }
      });
    }
  }
}

// The least that moves where every rank ends with the sum of all: (R - 1) / R of a row twice.
TEST(GradientTree, SendsNoMoreThanItMust) {
  constexpr Index kSize = 1024;
  ThreadRanks(4).run([](ProcessGroup& group) {
    const Workers workers(1);
    GradientTree tree(group, 16, kSize);
    Matrix own(tree.own_rows(), kSize);
    tree.sum(workers, own.view());
    EXPECT_EQ(group.traffic().bytes, 2 * 3 * kSize / 4 * static_cast<Index>(sizeof(float)));
  });
}

}  // namespace
}  // namespace kindred
