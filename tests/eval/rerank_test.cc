#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <set>

#include "kindred/core/random.h"
#include "kindred/eval/retrieval.h"
#include "naive_ranking.h"
#include "support/error_of.h"

namespace kindred {
namespace {

using Labels = std::vector<std::int64_t>;
using Table = std::vector<std::vector<double>>;

struct Rows {
  Matrix embeddings;
  Labels labels;
};

Rows make_rows(Index count, Index classes, std::uint64_t seed) {
  Rows rows{Matrix(count, 8), {}};
  for (Index i = 0; i < count; ++i) {
    Random random(seed, Purpose::test, static_cast<std::uint64_t>(i));
    for (Index k = 0; k < 8; ++k) {
      rows.embeddings(i, k) = random.normal() + (k == i % classes ? 2.0F : 0.0F);
    }
    rows.labels.push_back(i % classes);
  }
  return rows;
}

/// The paper's algorithm with whole N x N tables in float64, as its authors' program goes about it.
Table naive_distances(const Matrix& rows, const Rerank& how) {
  const auto n = static_cast<std::size_t>(rows.rows());
  Table distance(n, std::vector<double>(n));
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t j = 0; j < n; ++j) {
      double ab = 0, aa = 0, bb = 0;
      for (Index k = 0; k < rows.cols(); ++k) {
        const double a = rows(static_cast<Index>(i), k);
        const double b = rows(static_cast<Index>(j), k);
        ab += a * b;
        aa += a * a;
        bb += b * b;
      }
      distance[i][j] = std::max(0.0, 2 - 2 * ab / std::sqrt(aa * bb));
    }
    const double most = *std::max_element(distance[i].begin(), distance[i].end());
    for (double& d : distance[i]) d /= most;
  }
  std::vector<std::vector<std::size_t>> rank(n, std::vector<std::size_t>(n));
  for (std::size_t i = 0; i < n; ++i) {
    std::iota(rank[i].begin(), rank[i].end(), std::size_t{0});
    std::stable_sort(rank[i].begin(), rank[i].end(), [&](std::size_t a, std::size_t b) {
      if ((a == i) != (b == i)) return a == i;
      return distance[i][a] < distance[i][b];
    });
  }
  const auto reciprocal = [&](std::size_t i, Index k) {
    std::set<std::size_t> found;
    for (std::size_t a = 0; a <= static_cast<std::size_t>(k); ++a) {
      const auto& theirs = rank[rank[i][a]];
      if (std::find(theirs.begin(), theirs.begin() + k + 1, i) != theirs.begin() + k + 1) {
        found.insert(rank[i][a]);
      }
    }
    return found;
  };
  Table encoding(n, std::vector<double>(n));
  for (std::size_t i = 0; i < n; ++i) {
    const std::set<std::size_t> own = reciprocal(i, how.k1);
    std::set<std::size_t> all = own;
    for (const std::size_t candidate : own) {
      const std::set<std::size_t> theirs = reciprocal(candidate, how.k1 / 2);
      const auto shared = static_cast<double>(std::count_if(
          theirs.begin(), theirs.end(), [&](std::size_t other) { return own.count(other) > 0; }));
      if (shared > 2.0 / 3 * static_cast<double>(theirs.size())) {
        all.insert(theirs.begin(), theirs.end());
      }
    }
    double sum = 0;
    for (const std::size_t other : all) sum += std::exp(-distance[i][other]);
    for (const std::size_t other : all) encoding[i][other] = std::exp(-distance[i][other]) / sum;
  }
  Table mean(n, std::vector<double>(n));
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t a = 0; a < static_cast<std::size_t>(how.k2); ++a) {
      for (std::size_t j = 0; j < n; ++j) {
        mean[i][j] += encoding[rank[i][a]][j] / static_cast<double>(how.k2);
      }
    }
  }
  Table result(n, std::vector<double>(n));
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t j = 0; j < n; ++j) {
      double shared = 0;
      for (std::size_t c = 0; c < n; ++c) shared += std::min(mean[i][c], mean[j][c]);
      result[i][j] = (1 - how.lambda) * (1 - shared / (2 - shared)) + how.lambda * distance[i][j];
    }
  }
  return result;
}

double naive_map_at_r(const Table& distance, const Labels& labels) {
  double sum = 0;
  for (std::size_t i = 0; i < labels.size(); ++i) {
    std::vector<std::size_t> order(labels.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::stable_sort(order.begin(), order.end(),
                     [&](std::size_t a, std::size_t b) { return distance[i][a] < distance[i][b]; });
    std::erase(order, i);
    // Without the distance itself many are equal: those that share no neighbour.
    std::vector<naive::Level> levels;
    double last = -1;
    for (const std::size_t j : order) {
      if (distance[i][j] > last + 1e-12) levels.push_back({});
      last = distance[i][j];
      levels.back().all += 1;
      levels.back().relevant += labels[j] == labels[i] ? 1 : 0;
    }
    const naive::Expectation expected(levels);
    sum += expected.precision_sum(static_cast<std::size_t>(expected.relevant()));
  }
  return sum / static_cast<double>(labels.size());
}

RetrievalOptions reranked(const Rerank& how, bool leave_one_out = true) {
  RetrievalOptions options;
  options.leave_one_out = leave_one_out;
  options.rerank = how;
  return options;
}

TEST(Rerank, AgreesWithWholeTables) {
  const Rows rows = make_rows(150, 6, 1);
  for (const Rerank& how : {Rerank{20, 6, 0.3F}, Rerank{8, 1, 0.0F}, Rerank{4, 3, 0.8F}}) {
    const RetrievalResult result = evaluate_retrieval(Workers(2), rows.embeddings, rows.labels,
                                                      rows.embeddings, rows.labels, reranked(how));
    const double expected = naive_map_at_r(naive_distances(rows.embeddings, how), rows.labels);
    // Float32 rounding may exchange neighbours that are equal but for it.
    EXPECT_NEAR(result["map@r"], expected, 2e-4) << how.k1;
    EXPECT_EQ(result.queries_used, 150);
  }
}

TEST(Rerank, IsNoneWithLambdaOne) {
  const Rows rows = make_rows(120, 6, 2);
  RetrievalOptions plain;
  plain.leave_one_out = true;
  const auto run = [&](const RetrievalOptions& options) {
    return evaluate_retrieval(Workers(2), rows.embeddings, rows.labels, rows.embeddings,
                              rows.labels, options);
  };
  const RetrievalResult expected = run(plain);
  const RetrievalResult found = run(reranked({20, 6, 1}));
  for (const MetricValue& metric : expected.metrics) {
    EXPECT_NEAR(found[metric.name], metric.value, 1e-3) << metric.name;
  }
}

TEST(Rerank, HelpsWhereClassesAreClusters) {
  const Rows rows = make_rows(400, 8, 3);
  const auto map_at_r = [&](float lambda) {
    return evaluate_retrieval(Workers(2), rows.embeddings, rows.labels, rows.embeddings,
                              rows.labels, reranked({20, 6, lambda}))["map@r"];
  };
  EXPECT_GT(map_at_r(0.3F), map_at_r(1) + 0.05);
}

TEST(Rerank, SearchesAGalleryAndPassesOverGroups) {
  // Rows 0 to 59 are the queries. Without groups, with all in one group, with two groups.
  const Rows rows = make_rows(180, 6, 4);
  const ConstMatrixView all = rows.embeddings;
  const std::span<const std::int64_t> labels = rows.labels;
  const Labels ones(180, 1);
  RetrievalOptions options = reranked({10, 3, 0.3F}, false);
  const auto run = [&](int threads) {
    return evaluate_retrieval(Workers(threads), all.rows_from(0, 60), labels.first(60),
                              all.rows_from(60, 120), labels.subspan(60), options);
  };
  const RetrievalResult found = run(1);
  EXPECT_GT(found["recall@1"], 0.6);
  for (const int threads : {2, 3, 8}) {
    const RetrievalResult same = run(threads);
    for (std::size_t m = 0; m < found.metrics.size(); ++m) {
      EXPECT_EQ(same.metrics[m].value, found.metrics[m].value) << found.metrics[m].name;
    }
  }
  Labels camera(120, 2);
  std::fill_n(camera.begin(), 60, 1);
  options.query_groups = std::span(ones).first(60);
  options.gallery_groups = camera;
  const RetrievalResult other = run(2);
  EXPECT_EQ(other.queries_used, 60);
  EXPECT_NE(other["map"], found["map"]);
}

TEST(Rerank, RefusesWhatCannotBe) {
  const Rows rows = make_rows(12, 3, 5);
  const auto message = [&](const RetrievalOptions& options) {
    return test::error_of(
        [&] {
          evaluate_retrieval(Workers(1), rows.embeddings, rows.labels, rows.embeddings, rows.labels,
                             options);
        },
        ErrorKind::usage);
  };
  EXPECT_NE(message(reranked({0, 6, 0.3F})).find("k1 = 0"), std::string::npos);
  EXPECT_NE(message(reranked({20, 0, 0.3F})).find("k2 = 0"), std::string::npos);
  EXPECT_NE(message(reranked({20, 6, 1.5F})).find("lambda"), std::string::npos);
  RetrievalOptions euclidean = reranked({20, 6, 0.3F});
  euclidean.similarity = Similarity::euclidean;
  EXPECT_NE(message(euclidean).find("cosine"), std::string::npos);
  // More neighbours asked for than there are: all there are.
  EXPECT_EQ(message(reranked({50, 20, 0.3F})), "(no error)");
}

}  // namespace
}  // namespace kindred
