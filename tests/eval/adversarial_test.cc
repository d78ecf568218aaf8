// Everything that looks at scores, on embeddings that float32 arithmetic gets wrong, against
// extended precision: orders may differ only where scores agree within 1e-12.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <numeric>
#include <set>

#include "adversarial_rows.h"
#include "kindred/eval/all_pairs.h"
#include "kindred/eval/clustering.h"
#include "kindred/eval/neighbors.h"
#include "kindred/eval/oneshot.h"
#include "kindred/eval/retrieval.h"
#include "kindred/eval/verification.h"

namespace kindred {
namespace {

using adversarial::kSimilarities;
using adversarial::make_set;
using adversarial::may_precede;
using adversarial::Score;
using adversarial::Set;

template <typename Check>
void for_each_set(Check check) {
  for (int n = 0; n < adversarial::kSets; ++n) {
    const Set set = make_set(n);
    for (const Similarity similarity : kSimilarities) {
      SCOPED_TRACE(testing::Message()
                   << set.name << ", similarity " << static_cast<int>(similarity));
      check(set, similarity);
      if (testing::Test::HasFatalFailure()) return;
    }
  }
}

/// A score that a neighbour or a pair was told to have, as Score has it.
long double as_value(double told, Similarity similarity) {
  const auto exact = static_cast<long double>(told);
  return similarity == Similarity::euclidean ? -exact * exact : exact;
}

void expect_neighbors(const Set& set, Similarity similarity, Index k, bool leave_one_out) {
  const Index count = set.rows.rows();
  const Index asked = leave_one_out ? count : count / 2;
  const Neighbors found = find_neighbors(Workers(1), set.rows.view().rows_from(0, asked), set.rows,
                                         k, similarity, leave_one_out);
  const Index few = leave_one_out ? 0 : std::min<Index>(asked, 9);  // are searched for otherwise
  if (few > 0) {
    const Neighbors same =
        find_neighbors(Workers(2), set.rows.view().rows_from(0, few), set.rows, k, similarity);
    ASSERT_TRUE(std::equal(same.index.data(), same.index.data() + few * k, found.index.data()));
    ASSERT_TRUE(std::equal(same.score.data(), same.score.data() + few * k, found.score.data()));
  }
  for (Index q = 0; q < asked; ++q) {
    const auto exact = [&](Index g) {
      return adversarial::score(set.rows.row(q), set.rows.row(g), set.rows.cols(), similarity);
    };
    std::set<Index> seen;
    for (Index j = 0; j < k; ++j) {
      const Index row = found.index(q, j);
      ASSERT_TRUE(seen.insert(row).second);
      const Score own = exact(row);
      ASSERT_NEAR(static_cast<double>(as_value(found.score(q, j), similarity) - own.value), 0,
                  static_cast<double>(1e-12L * own.unit));
      if (j == 0) continue;
      const Index before = found.index(q, j - 1);
      ASSERT_TRUE(may_precede(exact(before), own)) << "query " << q << ", neighbour " << j;
      // Lists give ties to the lower index.
      if (found.score(q, j) == found.score(q, j - 1)) {
        ASSERT_LT(before, row);
      }
    }
    const Score last = exact(found.index(q, k - 1));
    for (Index g = 0; g < count; ++g) {
      if (seen.count(g) > 0 || (leave_one_out && g == q)) continue;
      ASSERT_TRUE(may_precede(last, exact(g))) << "query " << q << " misses " << g;
    }
  }
}

TEST(AdversarialEmbeddings, HaveTheirNeighborsInExactOrder) {
  for_each_set([](const Set& set, Similarity similarity) {
    for (const Index k : {Index{1}, Index{7}, set.rows.rows() - 1}) {
      expect_neighbors(set, similarity, k, true);
      expect_neighbors(set, similarity, k, false);
    }
  });
}

/// The best and the worst that metrics may be: relevant neighbours before or behind those that may
/// stand in either order.
struct Bounds {
  std::map<std::string, double> low;
  std::map<std::string, double> high;
};

void add_metrics(const std::vector<bool>& relevant, std::map<std::string, double>& sums) {
  const auto count = std::count(relevant.begin(), relevant.end(), true);
  double hits = 0;
  for (std::size_t i = 0; i < relevant.size(); ++i) {
    hits += relevant[i] ? 1 : 0;
    const double precision = hits / static_cast<double>(i + 1);
    if (relevant[i] && hits == 1) sums["mrr"] += precision;
    if (relevant[i]) sums["map"] += precision / static_cast<double>(count);
    if (relevant[i] && static_cast<std::ptrdiff_t>(i) < count) {
      sums["map@r"] += precision / static_cast<double>(count);
    }
    if (static_cast<std::ptrdiff_t>(i) + 1 == count) sums["r_precision"] += precision;
    for (const std::size_t k : {1, 2, 4, 8}) {
      if (i + 1 == k) sums["recall@" + std::to_string(k)] += hits > 0 ? 1 : 0;
    }
    for (const std::size_t k : {1, 5, 10}) {
      if (i + 1 == k) sums["precision@" + std::to_string(k)] += precision;
    }
  }
}

Bounds bounds_of(const Set& set, Similarity similarity) {
  Bounds bounds;
  double used = 0;
  for (Index q = 0; q < set.rows.rows(); ++q) {
    struct Neighbor {
      Score score;
      bool relevant;
    };
    std::vector<Neighbor> all;
    bool any = false;
    for (Index g = 0; g < set.rows.rows(); ++g) {
      if (g == q) continue;
      const bool relevant =
          set.labels[static_cast<std::size_t>(g)] == set.labels[static_cast<std::size_t>(q)];
      any = any || relevant;
      all.push_back(
          {adversarial::score(set.rows.row(q), set.rows.row(g), set.rows.cols(), similarity),
           relevant});
    }
    if (!any) continue;
    ++used;
    std::stable_sort(all.begin(), all.end(), [](const Neighbor& a, const Neighbor& b) {
      return a.score.value > b.score.value;
    });
    std::vector<bool> best;
    std::vector<bool> worst;
    for (std::size_t first = 0; first < all.size();) {
      std::size_t last = first + 1;
      while (last < all.size() && may_precede(all[last].score, all[last - 1].score)) ++last;
      const auto relevant =
          static_cast<std::size_t>(std::count_if(all.begin() + static_cast<std::ptrdiff_t>(first),
                                                 all.begin() + static_cast<std::ptrdiff_t>(last),
                                                 [](const Neighbor& one) { return one.relevant; }));
      const std::size_t others = last - first - relevant;
      best.insert(best.end(), relevant, true);
      best.insert(best.end(), others, false);
      worst.insert(worst.end(), others, false);
      worst.insert(worst.end(), relevant, true);
      first = last;
    }
    add_metrics(best, bounds.high);
    add_metrics(worst, bounds.low);
  }
  for (auto& [name, sum] : bounds.low) sum /= used;
  for (auto& [name, sum] : bounds.high) sum /= used;
  return bounds;
}

TEST(AdversarialEmbeddings, HaveExactRetrievalMetrics) {
  Index decided = 0;
  for_each_set([&](const Set& set, Similarity similarity) {
    Bounds bounds = bounds_of(set, similarity);
    RetrievalOptions options;
    options.similarity = similarity;
    options.leave_one_out = true;
    const RetrievalResult result =
        evaluate_retrieval(Workers(1), set.rows, set.labels, set.rows, set.labels, options);
    for (const MetricValue& metric : result.metrics) {
      EXPECT_GE(metric.value, bounds.low[metric.name] - 1e-12) << metric.name;
      EXPECT_LE(metric.value, bounds.high[metric.name] + 1e-12) << metric.name;
    }
    decided += bounds.low["map"] == bounds.high["map"] ? 1 : 0;
  });
  EXPECT_GT(decided, 30);  // sets in which the bounds leave no choice at all
}

TEST(AdversarialEmbeddings, AreVerifiedByExactScoresInBothForms) {
  for_each_set([](const Set& set, Similarity similarity) {
    std::vector<Index> first;
    std::vector<Index> second;
    std::vector<std::uint8_t> same;
    for (Index i = 0; i < set.rows.rows(); ++i) {
      for (Index j = i + 1; j < set.rows.rows(); ++j) {
        first.push_back(i);
        second.push_back(j);
        same.push_back(
            set.labels[static_cast<std::size_t>(i)] == set.labels[static_cast<std::size_t>(j)] ? 1
                                                                                               : 0);
      }
    }
    const std::vector<double> scores = score_pairs(Workers(1), set.rows, first, second, similarity);
    for (std::size_t p = 0; p < scores.size(); ++p) {
      const Score own = adversarial::score(set.rows.row(first[p]), set.rows.row(second[p]),
                                           set.rows.cols(), similarity);
      ASSERT_NEAR(static_cast<double>(as_value(scores[p], similarity) - own.value), 0,
                  static_cast<double>(1e-12L * own.unit));
    }
    AllPairsOptions options;
    options.similarity = similarity;
    const AllPairsResult all = verify_all_pairs(Workers(1), set.rows, set.labels, options);
    const VerificationResult listed = evaluate_verification(scores, same, {}, {options.far});
    for (const MetricValue& metric : all.verification.metrics) {
      EXPECT_NEAR(metric.value, listed[metric.name],
                  metric.name == "auc" ? all.uncertainty + 1e-12 : 1e-15)
          << metric.name;
    }
    EXPECT_LT(all.uncertainty, 1e-2);  // few pairs, some of them equal
  });
}

TEST(AdversarialEmbeddings, AreClusteredByExactDistances) {
  for_each_set([](const Set& set, Similarity similarity) {
    if (similarity == Similarity::inner_product) return;
    KMeansOptions options;
    options.clusters = 3;
    options.similarity = similarity;
    const KMeansResult result = cluster_kmeans(Workers(1), set.rows, options);
    if (result.iterations == options.iterations) return;
    const Index columns = set.rows.cols();
    // Each row, unit for the cosine, and the means of the clusters.
    using Row = std::vector<long double>;
    std::vector<Row> rows;
    std::vector<Row> centers(3, Row(static_cast<std::size_t>(columns)));
    std::vector<long double> sizes(3);
    for (Index i = 0; i < set.rows.rows(); ++i) {
      const float* const own = set.rows.row(i);
      long double square = 0;
      Row row;
      for (Index k = 0; k < columns; ++k) {
        const bool denormal = std::abs(own[k]) < std::numeric_limits<float>::min();
        row.push_back(denormal ? 0.0L : static_cast<long double>(own[k]));
        square += row.back() * row.back();
      }
      const long double factor =
          similarity == Similarity::cosine && square > 0 ? 1 / std::sqrt(square) : 1;
      const auto cluster =
          static_cast<std::size_t>(result.assignments[static_cast<std::size_t>(i)]);
      for (std::size_t k = 0; k < row.size(); ++k) centers[cluster][k] += row[k] *= factor;
      ++sizes[cluster];
      rows.push_back(std::move(row));
    }
    std::set<Row> different(rows.begin(), rows.end());
    if (different.size() < 3) return;  // clusters are shared out
    for (std::size_t c = 0; c < 3; ++c) {
      for (long double& number : centers[c]) number /= sizes[c];
    }
    for (std::size_t i = 0; i < rows.size(); ++i) {
      const auto distance = [&](std::size_t c) {
        long double sum = 0;
        for (std::size_t k = 0; k < rows[i].size(); ++k) {
          sum += (rows[i][k] - centers[c][k]) * (rows[i][k] - centers[c][k]);
        }
        return std::sqrt(sum);
      };
      long double length = 0;
      for (const long double number : rows[i]) length += number * number;
      const long double own = distance(static_cast<std::size_t>(result.assignments[i]));
      const long double least = std::min({distance(0), distance(1), distance(2)});
      // Means and unit rows are float64: within some 2^-50 of the rows' length.
      EXPECT_LE(static_cast<double>(own - least),
                static_cast<double>(1e-12L * least + 1e-14L * std::sqrt(length)))
          << "row " << i;
    }
  });
}

TEST(AdversarialEmbeddings, HaveExactOneShotErrors) {
  for (int n = 0; n < adversarial::kSets; ++n) {
    const Set set = make_set(n);
    SCOPED_TRACE(set.name);
    const Index count = set.rows.rows();
    std::vector<std::int32_t> episode(static_cast<std::size_t>(count));
    std::vector<std::uint8_t> role;
    std::set<std::int64_t> trained;
    for (const std::int64_t label : set.labels)
      role.push_back(trained.insert(label).second ? 0 : 1);
    Index low = 0;
    Index high = 0;
    for (Index i = 0; i < count; ++i) {
      if (role[static_cast<std::size_t>(i)] == 0) continue;
      std::vector<Score> scores(static_cast<std::size_t>(count));
      Score best{-2, 1};
      for (Index j = 0; j < count; ++j) {
        if (role[static_cast<std::size_t>(j)] != 0) continue;
        scores[static_cast<std::size_t>(j)] = adversarial::score(
            set.rows.row(i), set.rows.row(j), set.rows.cols(), Similarity::cosine);
        if (scores[static_cast<std::size_t>(j)].value > best.value) {
          best = scores[static_cast<std::size_t>(j)];
        }
      }
      bool may_be_right = false;
      bool may_be_wrong = false;
      for (Index j = 0; j < count; ++j) {
        const auto other = static_cast<std::size_t>(j);
        if (role[other] != 0 || !may_precede(scores[other], best)) continue;
        (set.labels[other] == set.labels[static_cast<std::size_t>(i)] ? may_be_right
                                                                      : may_be_wrong) = true;
      }
      low += may_be_right ? 0 : 1;
      high += may_be_wrong ? 1 : 0;
    }
    const OneShotResult result = evaluate_oneshot(Workers(1), set.rows, set.labels, episode, role);
    EXPECT_GE(result.wrong, low);
    EXPECT_LE(result.wrong, high);
  }
}

// The rows of the report: in float32 all distances were 0, and neighbours stood by index.
TEST(Distances, DoNotCancelWhereRowsLieFarFromZero) {
  const float places[] = {10000, 10003, 10001, 10000.5F};
  Matrix rows(4, 2);
  for (Index i = 0; i < 4; ++i) {
    rows(i, 0) = places[i];
    rows(i, 1) = 10000;
  }
  const Neighbors found = find_neighbors(Workers(1), rows, rows, 3, Similarity::euclidean, true);
  EXPECT_EQ(found.index(0, 0), 3);
  EXPECT_EQ(found.index(0, 1), 2);
  EXPECT_EQ(found.index(0, 2), 1);
  EXPECT_EQ(found.score(0, 0), 0.5);
  EXPECT_EQ(found.score(0, 2), 3.0);
  const std::vector<Index> first = {0};
  const std::vector<Index> second = {3};
  EXPECT_EQ(score_pairs(Workers(1), rows, first, second, Similarity::euclidean)[0], -0.5);
}

}  // namespace
}  // namespace kindred
