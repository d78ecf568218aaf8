#include "kindred/eval/approximate_neighbors.h"

#include <gtest/gtest.h>

#include "naive_ranking.h"
#include "support/error_of.h"

namespace kindred {
namespace {

TEST(ApproximateNeighbors, FindMostOfTheExactOnes) {
  const Matrix gallery = testing_rows::uniform(3000, 16, 1);
  const Matrix queries = testing_rows::uniform(200, 16, 2);
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
    EXPECT_GT(neighbor_recall(one.index, exact.index, 10), 0.9);
    EXPECT_NEAR(one.score(0, 0), exact.score(0, 0), 1e-5);
    const Neighbors three =
        find_neighbors_approximately(Workers(3), queries, gallery, 10, similarity);
    EXPECT_EQ(neighbor_recall(three.index, one.index, 10), 1);
  }
}

}  // namespace
}  // namespace kindred
