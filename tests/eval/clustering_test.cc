#include "kindred/eval/clustering.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <numeric>
#include <set>

#include "kindred/core/error.h"
#include "kindred/core/random.h"
#include "kindred/eval/silhouette.h"
#include "naive_ranking.h"
#include "support/error_of.h"

namespace kindred {
namespace {

using Labels = std::vector<std::int64_t>;

double metric(const std::vector<MetricValue>& metrics, const std::string& name) {
  for (const MetricValue& value : metrics) {
    if (value.name == name) return value.value;
  }
  return std::nan("");
}

// Classes a a a b b b, clusters 0 0 1 1 1 1.
TEST(Clusters, AreComparedAsAHandWorkedCaseSays) {
  const auto metrics = compare_clusters(Labels{1, 1, 1, 2, 2, 2}, Labels{0, 0, 1, 1, 1, 1});
  EXPECT_NEAR(metric(metrics, "purity"), 5.0 / 6, 1e-15);
  // Pairs in one cluster 1 + 6, in one class 3 + 3, in both 1 + 3: p = 4/7, r = 4/6.
  EXPECT_NEAR(metric(metrics, "pairwise_f"), 2 * 4.0 / (7 + 6), 1e-15);
  const double information = 2.0 / 6 * std::log(2.0 * 6 / (2 * 3)) +
                             1.0 / 6 * std::log(1.0 * 6 / (4 * 3)) +
                             3.0 / 6 * std::log(3.0 * 6 / (4 * 3));
  const double classes = std::log(2.0);
  const double clusters = -(1.0 / 3 * std::log(1.0 / 3) + 2.0 / 3 * std::log(2.0 / 3));
  EXPECT_NEAR(metric(metrics, "nmi"), information / ((classes + clusters) / 2), 1e-14);
  // By chance: cluster 0 draws two of six. Both of a class: chance 2 · 3/15; one of each: 9/15.
  const double same = 2.0 / 6 * std::log(2.0 * 6 / (2 * 3)) +
                      1.0 / 6 * std::log(1.0 * 6 / (4 * 3)) + 3.0 / 6 * std::log(3.0 * 6 / (4 * 3));
  const double mixed = 0;  // each cell is as large as independence has it
  const double expected = 6.0 / 15 * same + 9.0 / 15 * mixed;
  EXPECT_NEAR(metric(metrics, "ami"),
              (information - expected) / ((classes + clusters) / 2 - expected), 1e-13);
}

TEST(Clusters, AreOneWhereTheyAreTheClasses) {
  for (const Labels& labels :
       {Labels{1, 1, 2, 2, 3}, Labels{4, 4, 4}, Labels{1, 2, 3}, Labels{9}}) {
    Labels renamed;
    for (const std::int64_t label : labels) renamed.push_back(100 - 5 * label);
    const auto metrics = compare_clusters(labels, renamed);
    EXPECT_EQ(metric(metrics, "nmi"), 1);
    EXPECT_EQ(metric(metrics, "ami"), 1);
    EXPECT_EQ(metric(metrics, "purity"), 1);
  }
  EXPECT_EQ(metric(compare_clusters(Labels{1, 1, 2}, Labels{5, 5, 4}), "pairwise_f"), 1);
  EXPECT_EQ(metric(compare_clusters(Labels{1, 2, 3}, Labels{5, 6, 4}), "pairwise_f"), 0);
}

TEST(Clusters, OfOnePieceSayNothing) {
  const auto metrics = compare_clusters(Labels{1, 1, 2, 2}, Labels{0, 0, 0, 0});
  EXPECT_NEAR(metric(metrics, "nmi"), 0, 1e-15);
  EXPECT_NEAR(metric(metrics, "ami"), 0, 1e-15);
  EXPECT_EQ(metric(metrics, "purity"), 0.5);
}

TEST(Clusters, DrawnByLotHaveNoAdjustedInformation) {
  const Labels labels = testing_rows::labels(3000, 60, 1);
  const auto metrics = compare_clusters(labels, testing_rows::labels(3000, 50, 2));
  EXPECT_GT(metric(metrics, "nmi"), 0.1);
  // The deviation of mutual information by chance is some sqrt(2 · 59 · 49) / (2 · 3000) of 4.
  EXPECT_NEAR(metric(metrics, "ami"), 0, 0.02);
}

TEST(Clusters, RefuseBadInput) {
  EXPECT_EQ(test::error_of(
                [] {
                  compare_clusters(Labels{1, 2}, Labels{1});
                },
                ErrorKind::data),
            "1 cluster numbers for 2 labels; each row needs one");
  EXPECT_EQ(test::error_of([] { compare_clusters({}, {}); }, ErrorKind::data),
            "there are no samples to compare clusters on");
}

/// Rows about well separated centers; row i belongs to center i % centers.
Matrix blobs(Index rows, Index centers, Index cols, float spread) {
  const Matrix middle = testing_rows::uniform(centers, cols, 8);
  Matrix blob = testing_rows::uniform(rows, cols, 9);
  for (Index i = 0; i < rows; ++i) {
    for (Index k = 0; k < cols; ++k) {
      blob(i, k) = middle(i % centers, k) + spread * blob(i, k);
    }
  }
  return blob;
}

KMeansOptions options_of(Index clusters, Similarity similarity = Similarity::cosine) {
  KMeansOptions options;
  options.clusters = clusters;
  options.similarity = similarity;
  return options;
}

TEST(KMeans, FindsClustersThatAreThere) {
  const Matrix rows = blobs(600, 30, 16, 0.1F);
  Labels truth;
  for (std::int64_t i = 0; i < 600; ++i) truth.push_back(i % 30);
  for (const Similarity similarity : {Similarity::cosine, Similarity::euclidean}) {
    const KMeansResult result = cluster_kmeans(Workers(2), rows, options_of(30, similarity));
    EXPECT_EQ(metric(compare_clusters(truth, result.assignments), "nmi"), 1);
  }
}

// What k-means promises: each row is with its nearest center, each center is its rows' mean.
TEST(KMeans, EndsWhereNothingMoves) {
  const Matrix rows = testing_rows::uniform(700, 7, 1);
  const KMeansResult result =
      cluster_kmeans(Workers(2), rows, options_of(23, Similarity::euclidean));
  EXPECT_LT(result.iterations, 100);
  double inertia = 0;
  std::vector<std::vector<double>> sums(23, std::vector<double>(8));
  for (Index i = 0; i < 700; ++i) {
    const auto own = result.assignments[static_cast<std::size_t>(i)];
    double nearest = std::numeric_limits<double>::infinity();
    double distance = 0;
    for (Index c = 0; c < 23; ++c) {
      const double score =
          naive::score(rows.row(i), result.centers.row(c), 7, Similarity::euclidean);
      nearest = std::min(nearest, score * score);
      if (c == own) distance = score * score;
    }
    // Squares of some units, float32: 2e-6 is some 10 roundings.
    EXPECT_NEAR(distance, nearest, 2e-6) << i;
    inertia += distance;
    for (Index k = 0; k < 7; ++k) {
      sums[static_cast<std::size_t>(own)][static_cast<std::size_t>(k)] += rows(i, k);
    }
    sums[static_cast<std::size_t>(own)][7] += 1;
  }
  EXPECT_NEAR(result.inertia, inertia, 1e-9);
  for (Index c = 0; c < 23; ++c) {
    const auto& sum = sums[static_cast<std::size_t>(c)];
    ASSERT_GT(sum[7], 0);
    for (Index k = 0; k < 7; ++k) {
      EXPECT_NEAR(result.centers(c, k), sum[static_cast<std::size_t>(k)] / sum[7], 1e-6);
    }
  }
}

TEST(KMeans, HasTheSameBitsForAnyNumberOfThreads) {
  const Matrix rows = testing_rows::uniform(1500, 12, 1);
  const KMeansResult first = cluster_kmeans(Workers(1), rows, options_of(40));
  for (const int threads : {2, 3, 8}) {
    const KMeansResult again = cluster_kmeans(Workers(threads), rows, options_of(40));
    EXPECT_EQ(first.assignments, again.assignments);
    EXPECT_EQ(first.inertia, again.inertia);
    for (Index c = 0; c < 40; ++c) {
      for (Index k = 0; k < 12; ++k) ASSERT_EQ(first.centers(c, k), again.centers(c, k));
    }
  }
  KMeansOptions other = options_of(40);
  other.seed = 2;
  EXPECT_NE(first.assignments, cluster_kmeans(Workers(2), rows, other).assignments);
}

TEST(KMeans, GivesEachRowAClusterOfItsOwnWhenAsked) {
  const Matrix rows = testing_rows::uniform(40, 3, 1);
  const KMeansResult result = cluster_kmeans(Workers(2), rows, options_of(40));
  EXPECT_EQ(std::set<std::int64_t>(result.assignments.begin(), result.assignments.end()).size(),
            40U);
  EXPECT_EQ(result.inertia, 0);
}

// Fewer different rows than clusters: the rows left over share them out, none stays empty.
TEST(KMeans, LeavesNoClusterEmpty) {
  Matrix rows(12, 2);
  for (Index i = 0; i < 12; ++i) rows(i, i % 2) = 1;
  const KMeansResult result = cluster_kmeans(Workers(2), rows, options_of(5));
  EXPECT_EQ(std::set<std::int64_t>(result.assignments.begin(), result.assignments.end()).size(),
            5U);
  EXPECT_EQ(result.inertia, 0);
}

TEST(KMeans, OfOneClusterIsTheMean) {
  const Matrix rows = testing_rows::uniform(100, 2, 1);
  const KMeansResult result =
      cluster_kmeans(Workers(1), rows, options_of(1, Similarity::euclidean));
  double sum = 0;
  for (Index i = 0; i < 100; ++i) sum += rows(i, 1);
  EXPECT_NEAR(result.centers(0, 1), sum / 100, 1e-7);
}

TEST(KMeans, RefusesBadInput) {
  Matrix rows = testing_rows::uniform(5, 2, 1);
  const auto message = [&](const KMeansOptions& options, ErrorKind kind) {
    return test::error_of([&] { cluster_kmeans(Workers(1), rows, options); }, kind);
  };
  EXPECT_EQ(message(options_of(6), ErrorKind::usage),
            "6 clusters of 5 embeddings; there can be 1 to 5");
  EXPECT_EQ(message(options_of(0), ErrorKind::usage),
            "0 clusters of 5 embeddings; there can be 1 to 5");
  EXPECT_EQ(message(options_of(2, Similarity::inner_product), ErrorKind::usage),
            "k-means works with cosine or Euclidean distance, not inner products");
  rows(4, 1) = std::nanf("");
  EXPECT_EQ(message(options_of(2), ErrorKind::data), "embeddings: row 4 of 5 has NaN at column 1");
}

TEST(KMeans, SilhouetteByHand) {
  // Clusters {0, 1, 2} and {10, 12} on a line, centers 1 and 11.
  Matrix rows(5, 1);
  const float values[] = {0, 1, 2, 10, 12};
  for (Index i = 0; i < 5; ++i) rows(i, 0) = values[i];
  KMeansOptions options;
  options.clusters = 2;
  options.similarity = Similarity::euclidean;
  const KMeansResult result = cluster_kmeans(Workers(1), rows, options);
  // Distance to the mean of the others: 1.5, 0, 1.5, 2, 2; to the other center 11, 10, 9, 9, 11.
  EXPECT_NEAR(result.silhouette, (9.5 / 11 + 1 + 7.5 / 9 + 7.0 / 9 + 9.0 / 11) / 5, 1e-6);
  options.clusters = 5;
  EXPECT_EQ(cluster_kmeans(Workers(1), rows, options).silhouette, 0);
  options.clusters = 1;
  EXPECT_EQ(cluster_kmeans(Workers(1), rows, options).silhouette, 0);
}

TEST(KMeans, FindsTheNumberOfClusters) {
  for (const Index clusters : {2, 6, 12}) {
    Matrix rows(240, 16);
    for (Index i = 0; i < 240; ++i) {
      Random random(3, Purpose::test, static_cast<std::uint64_t>(i));
      for (Index k = 0; k < 16; ++k) {
        rows(i, k) = 0.1F * random.normal() + (k == i % clusters ? 1.0F : 0.0F);
      }
    }
    const KMeansResult result = cluster_by_silhouette(Workers(2), rows, {});
    EXPECT_EQ(result.centers.rows(), clusters);
  }
  EXPECT_THROW(cluster_by_silhouette(Workers(1), Matrix(3, 2), {}), Error);
}

// Clusters {0, 1, 3} and {10, 12} and {20} on a line: mean distances to the own others and to the
// nearest other cluster are 2 and 11, 1.5 and 10, 2.5 and 8; 2 and 26/3, 2 and 8; none.
TEST(Silhouette, IsThatOfAHandWorkedCase) {
  Matrix rows(6, 1);
  const float values[] = {0, 1, 3, 10, 12, 20};
  for (Index i = 0; i < 6; ++i) rows(i, 0) = values[i];
  const Labels clusters = {7, 7, 7, -1, -1, 3};
  const double expected =
      (9.0 / 11 + 8.5 / 10 + 5.5 / 8 + (26.0 / 3 - 2) / (26.0 / 3) + 6.0 / 8 + 0) / 6;
  for (const int threads : {1, 2, 3}) {
    EXPECT_NEAR(silhouette_score(Workers(threads), rows, clusters, Similarity::euclidean), expected,
                1e-14);
  }
}

TEST(Silhouette, TakesOneLessTheCosine) {
  Matrix rows(4, 2);  // two directions at right angles, of any length
  const float values[] = {1, 0, 5, 0, 0, 2, 0, 3};
  for (Index i = 0; i < 4; ++i) std::copy_n(values + 2 * i, 2, rows.row(i));
  EXPECT_EQ(silhouette_score(Workers(1), rows, Labels{1, 1, 2, 2}), 1);
  // Each row's own cluster is at 1, the nearest other at (0 + 1) / 2.
  EXPECT_EQ(silhouette_score(Workers(1), rows, Labels{1, 2, 1, 2}), -0.5);
}

TEST(Silhouette, SaysWhatItCannotDo) {
  Matrix rows(4, 2);
  for (Index i = 0; i < 4; ++i) rows(i, i % 2) = 1;
  const auto message = [&](const Labels& clusters, Similarity similarity, ErrorKind kind) {
    return test::error_of([&] { silhouette_score(Workers(1), rows, clusters, similarity); }, kind);
  };
  const auto cosine = Similarity::cosine;
  EXPECT_EQ(message({1, 1, 1, 1}, cosine, ErrorKind::data),
            "4 rows in 1 clusters; a silhouette needs from 2 clusters to one less than rows");
  EXPECT_EQ(message({1, 2, 3, 4}, cosine, ErrorKind::data),
            "4 rows in 4 clusters; a silhouette needs from 2 clusters to one less than rows");
  EXPECT_NE(message({1, 2, 3}, cosine, ErrorKind::data).find("clusters"), std::string::npos);
  EXPECT_EQ(message({1, 1, 2, 2}, Similarity::inner_product, ErrorKind::usage),
            "a silhouette is of distances; take the cosine or Euclidean ones");
  rows(2, 0) = std::nanf("");
  EXPECT_EQ(message({1, 1, 2, 2}, cosine, ErrorKind::data),
            "embeddings: row 2 of 4 has NaN at column 0");
}

}  // namespace
}  // namespace kindred
