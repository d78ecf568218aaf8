#include "kindred/eval/projection.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <string>

#include "naive_ranking.h"
#include "support/error_of.h"

namespace kindred {
namespace {

/// Two groups of rows around opposite unit vectors; row i is of group i % 2.
Matrix two_groups(Index rows, Index cols) {
  Matrix matrix = testing_rows::uniform(rows, cols, 3);
  for (Index i = 0; i < rows; ++i) {
    for (Index k = 0; k < cols; ++k)
      matrix(i, k) = 0.2F * matrix(i, k) + (i % 2 == 0 ? 1.0F : -1.0F);
  }
  return matrix;
}

// Points on the line (1, 2, 2)/3 at -3, 0, 3 about (1, 0, 5), and two at ±1 along (2, 1, -2)/3.
TEST(Pca, FindsTheAxesOfAHandWorkedCase) {
  const double axis[2][3] = {{1.0 / 3, 2.0 / 3, 2.0 / 3}, {2.0 / 3, 1.0 / 3, -2.0 / 3}};
  const double along[5][2] = {{-3, 0}, {0, 0}, {3, 0}, {0, 1}, {0, -1}};
  const double middle[3] = {1, 0, 5};
  Matrix rows(5, 3);
  for (Index i = 0; i < 5; ++i) {
    for (Index k = 0; k < 3; ++k) {
      rows(i, k) =
          static_cast<float>(middle[k] + along[i][0] * axis[0][k] + along[i][1] * axis[1][k]);
    }
  }
  const PcaProjection pca = project_pca(Workers(2), rows);
  // Scatter 9 + 9 along the first, 1 + 1 along the second axis. The first axis has two coefficients
  // of 2/3, both positive; the second's largest are 2/3 and -2/3, so that either sign may come.
  EXPECT_NEAR(pca.variance_share[0], 0.9, 1e-6);
  EXPECT_NEAR(pca.variance_share[1], 0.1, 1e-6);
  const float sign = pca.points(3, 1) > 0 ? 1.0F : -1.0F;
  for (Index i = 0; i < 5; ++i) {
    EXPECT_NEAR(pca.points(i, 0), along[i][0], 1e-5) << i;
    EXPECT_NEAR(sign * pca.points(i, 1), along[i][1], 1e-5) << i;
  }
}

TEST(Pca, TakesASecondCoordinateOfZeroFromOneColumn) {
  Matrix rows(3, 1);
  rows(0, 0) = 1;
  rows(2, 0) = 5;
  const PcaProjection pca = project_pca(Workers(1), rows);
  EXPECT_FLOAT_EQ(pca.points(2, 0), 3);
  EXPECT_EQ(pca.points(2, 1), 0);
  EXPECT_NEAR(pca.variance_share[0], 1, 1e-12);
  EXPECT_EQ(pca.variance_share[1], 0);
}

TEST(Pca, OfEqualRowsIsOnePoint) {
  Matrix rows(4, 3);
  rows.fill(2);
  const PcaProjection pca = project_pca(Workers(1), rows);
  for (Index i = 0; i < 4; ++i) EXPECT_EQ(pca.points(i, 0), 0);
  EXPECT_EQ(pca.variance_share[0], 0);
}

TEST(Tsne, SetsSeparateGroupsApart) {
  const Matrix rows = two_groups(200, 16);
  for (const Similarity similarity : {Similarity::cosine, Similarity::euclidean}) {
    TsneOptions options;
    options.similarity = similarity;
    const Matrix points = project_tsne(Workers(2), rows, options);
    // Every point's nearest other point is of its own group.
    for (Index i = 0; i < 200; ++i) {
      double least = std::numeric_limits<double>::infinity();
      Index nearest = -1;
      for (Index j = 0; j < 200; ++j) {
        const double distance =
            std::hypot(points(i, 0) - points(j, 0), points(i, 1) - points(j, 1));
        if (j != i && distance < least) {
          least = distance;
          nearest = j;
        }
      }
      EXPECT_EQ(nearest % 2, i % 2) << i;
    }
  }
}

// Barnes-Hut sums are near the plain ones: groups of groups keep their order of distance.
TEST(Tsne, KeepsNeighboursTogether) {
  const Matrix rows = testing_rows::uniform(600, 4, 5);
  const Matrix points = project_tsne(Workers(2), rows);
  // By chance 10 of 599 others would hold 1.7 % of the ten nearest.
  Index kept = 0;
  for (Index i = 0; i < 600; ++i) {
    const auto near = naive::ranking(rows.row(i), rows, Similarity::cosine, i);
    const auto shown = naive::ranking(points.row(i), points, Similarity::euclidean, i);
    for (Index n = 0; n < 10; ++n) {
      const auto place =
          std::find(near.begin(), near.begin() + 10, shown[static_cast<std::size_t>(n)]);
      kept += place != near.begin() + 10 ? 1 : 0;
    }
  }
  EXPECT_GT(kept, 6000 / 4);
}

TEST(Projections, HaveTheSameBitsForAnyNumberOfThreads) {
  const Matrix rows = testing_rows::uniform(700, 20, 7);
  TsneOptions options;
  options.iterations = 60;
  const PcaProjection pca = project_pca(Workers(1), rows);
  const Matrix tsne = project_tsne(Workers(1), rows, options);
  for (const int threads : {2, 3}) {
    const PcaProjection pca_again = project_pca(Workers(threads), rows);
    const Matrix tsne_again = project_tsne(Workers(threads), rows, options);
    for (Index i = 0; i < rows.rows(); ++i) {
      for (Index c = 0; c < 2; ++c) {
        ASSERT_EQ(pca.points(i, c), pca_again.points(i, c));
        ASSERT_EQ(tsne(i, c), tsne_again(i, c));
      }
    }
  }
}

TEST(Tsne, BearsEqualRowsAndFewRows) {
  Matrix equal(40, 3);
  equal.fill(1);
  const Matrix points = project_tsne(Workers(2), equal);
  for (Index i = 0; i < 40; ++i) EXPECT_TRUE(std::isfinite(points(i, 0))) << i;
  const Matrix four = project_tsne(Workers(2), testing_rows::uniform(4, 3, 1));
  for (Index i = 0; i < 4; ++i) EXPECT_TRUE(std::isfinite(four(i, 1))) << i;
}

TEST(Projections, RefuseBadInput) {
  Matrix rows = testing_rows::uniform(5, 2, 1);
  TsneOptions products;
  products.similarity = Similarity::inner_product;
  EXPECT_EQ(test::error_of([&] { project_tsne(Workers(1), rows, products); }, ErrorKind::usage),
            "t-SNE works with cosine or Euclidean distance, not inner products");
  EXPECT_EQ(test::error_of([&] { project_tsne(Workers(1), rows.view().rows_from(0, 3)); },
                           ErrorKind::usage),
            "t-SNE of 3 embeddings; it needs at least 4");
  rows(4, 1) = std::nanf("");
  const std::string expected = "embeddings: row 4 of 5 has NaN at column 1";
  EXPECT_EQ(test::error_of([&] { project_pca(Workers(1), rows); }, ErrorKind::data), expected);
  EXPECT_EQ(test::error_of([&] { project_tsne(Workers(1), rows); }, ErrorKind::data), expected);
}

}  // namespace
}  // namespace kindred
