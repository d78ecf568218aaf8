#include "kindred/eval/shared_neighbors.h"

#include <gtest/gtest.h>

#include <cmath>
#include <string>

#include "kindred/core/random.h"
#include "support/error_of.h"
#include "support/thread_group.h"

namespace kindred {
namespace {

constexpr Index kRows = 61;
constexpr Index kDimension = 7;

/// Small whole numbers, every fourth row twice: many scores are equal.
Matrix rows_with_ties(Index rows) {
  Matrix made(rows, kDimension);
  Random random(3, Purpose::test);
  for (Index i = 0; i < rows; ++i) {
    for (Index j = 0; j < kDimension; ++j) {
      made(i, j) = i % 4 == 3 ? made(i - 1, j) : std::floor(random.uniform(-2, 3));
    }
  }
  return made;
}

template <typename T>
void expect_equal(const BasicMatrix<T>& found, const BasicMatrix<T>& expected,
                  const std::string& what) {
  ASSERT_EQ(found.rows(), expected.rows());
  ASSERT_EQ(found.cols(), expected.cols());
  for (Index i = 0; i < found.rows(); ++i) {
    for (Index j = 0; j < found.cols(); ++j) {
      ASSERT_EQ(found(i, j), expected(i, j)) << what << ", query " << i << ", place " << j;
    }
  }
}

TEST(SharedNeighbors, AreThoseOfOneProcess) {
  const Matrix gallery = rows_with_ties(kRows);
  const Matrix others = rows_with_ties(20);
  for (const Similarity similarity :
       {Similarity::cosine, Similarity::inner_product, Similarity::euclidean}) {
    for (const bool leave_one_out : {false, true}) {
      const ConstMatrixView queries = leave_one_out ? gallery.view() : others.view();
      for (const Index k : {Index{1}, Index{9}, kRows - 1}) {
        const Workers one(1);
        const Neighbors expected =
            find_neighbors(one, queries, gallery.view(), k, similarity, leave_one_out);
        for (const int ranks : {1, 2, 3, 4, 70}) {  // with 70 some have no rows
          const std::string what = std::to_string(k) + " of " + std::to_string(ranks) + " ranks";
          test::ThreadRanks(ranks).run([&](ProcessGroup& group) {
            const Workers workers(1);
            const Index begin = begin_of_part(kRows, group.rank(), ranks);
            const Index end = begin_of_part(kRows, group.rank() + 1, ranks);
            const GalleryPart part{gallery.view().rows_from(begin, end - begin), kRows};
            const Neighbors found = find_neighbors_together(group, workers, queries, part, k,
                                                            similarity, leave_one_out);
            expect_equal(found.index, expected.index, what);
            expect_equal(found.score, expected.score, what);
          });
        }
      }
    }
  }
}

TEST(SharedNeighbors, MoreThanThereAreAreRefused) {
  const Matrix gallery = rows_with_ties(5);
  const Workers workers(1);
  SoloGroup group;
  const auto ask = [&](Index k, bool leave_one_out) {
    find_neighbors_together(group, workers, gallery.view(), {gallery.view(), 5}, k,
                            Similarity::cosine, leave_one_out);
  };
  EXPECT_NO_THROW(ask(5, false));
  EXPECT_NE(test::error_of([&] { ask(6, false); }, ErrorKind::usage).find("k = 6"),
            std::string::npos);
  EXPECT_NE(test::error_of([&] { ask(5, true); }, ErrorKind::usage).find("4 rows"),
            std::string::npos);
}

}  // namespace
}  // namespace kindred
