#include "kindred/eval/approximate_neighbors.h"

#include <gtest/gtest.h>

#include "kindred/core/random.h"
#include "support/error_of.h"

namespace kindred {
namespace {

Matrix random_rows(Index rows, Index cols, std::uint64_t seed) {
  Matrix matrix(rows, cols);
  Random random(seed, Purpose::test);
  for (Index i = 0; i < rows; ++i) {
    for (Index k = 0; k < cols; ++k) matrix(i, k) = random.normal();
  }
  return matrix;
}

TEST(ApproximateNeighbors, RecallCountsSharedIndices) {
  Neighbors exact{BasicMatrix<std::int64_t>(2, 2), Matrix()};
  Neighbors found{BasicMatrix<std::int64_t>(2, 2), Matrix()};
  const std::int64_t right[] = {1, 2, 3, 4};
  const std::int64_t other[] = {2, 1, 4, -1};
  for (Index i = 0; i < 4; ++i) {
    exact.index(i / 2, i % 2) = right[i];
    found.index(i / 2, i % 2) = other[i];
  }
  EXPECT_EQ(neighbor_recall(found, exact), 0.75);
}

TEST(ApproximateNeighbors, FindMostOfTheExactOnes) {
  const Matrix gallery = random_rows(3000, 16, 1);
  const Matrix queries = random_rows(200, 16, 2);
  if (!has_approximate_neighbors()) {
    const auto search = [&] {
      find_neighbors_approximately(Workers(1), queries, gallery, 10, Similarity::cosine);
    };
    EXPECT_NE(test::error_of(search, ErrorKind::usage).find("KINDRED_FAISS"), std::string::npos);
    GTEST_SKIP() << "built without FAISS";
  }
  for (const Similarity similarity :
       {Similarity::cosine, Similarity::inner_product, Similarity::euclidean}) {
    const Neighbors exact = find_neighbors(Workers(2), queries, gallery, 10, similarity);
    const Neighbors one =
        find_neighbors_approximately(Workers(1), queries, gallery, 10, similarity);
    EXPECT_GT(neighbor_recall(one, exact), 0.9);
    EXPECT_NEAR(one.score(0, 0), exact.score(0, 0), 1e-5);
    const Neighbors three =
        find_neighbors_approximately(Workers(3), queries, gallery, 10, similarity);
    EXPECT_EQ(neighbor_recall(three, one), 1);
  }
}

}  // namespace
}  // namespace kindred
