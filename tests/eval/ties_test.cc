// Metrics where scores tie, against every order in which the tied may stand.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <numeric>

#include "kindred/core/error.h"
#include "kindred/core/random.h"
#include "kindred/eval/retrieval.h"

namespace kindred {
namespace {

using Labels = std::vector<std::int64_t>;

constexpr Index kGallery = 7;

/// One query of class 0 at 0 on a line, and a gallery at whole distances.
struct Line {
  explicit Line(std::uint64_t seed) : gallery(kGallery, 1) {
    Random random(seed, Purpose::test);
    for (Index i = 0; i < kGallery; ++i) {
      gallery(i, 0) = static_cast<float>(1 + random.below(3));
      labels.push_back(random.below(2));
    }
    labels[static_cast<std::size_t>(random.below(kGallery))] = 0;
  }
  Matrix gallery;
  Labels labels;
};

/// The metrics of one order, by their definitions.
std::map<std::string, double> metrics_of(const std::vector<bool>& relevant) {
  std::map<std::string, double> values = {{"map@r", 0}};
  const auto count = std::count(relevant.begin(), relevant.end(), true);
  double hits = 0;
  for (std::size_t i = 0; i < relevant.size(); ++i) {
    hits += relevant[i] ? 1 : 0;
    const double precision = hits / static_cast<double>(i + 1);
    if (relevant[i] && hits == 1) values["mrr"] = precision;
    values["mrr within " + std::to_string(i + 1)] = values["mrr"];  // 0 until the first
    if (relevant[i]) values["map"] += precision / static_cast<double>(count);
    if (relevant[i] && static_cast<std::ptrdiff_t>(i) < count) {
      values["map@r"] += precision / static_cast<double>(count);
    }
    if (static_cast<std::ptrdiff_t>(i) + 1 == count) values["r_precision"] = precision;
    values["recall@" + std::to_string(i + 1)] = hits > 0 ? 1 : 0;
    values["precision@" + std::to_string(i + 1)] = precision;
  }
  return values;
}

/// Their mean over all orders of the gallery by distance.
std::map<std::string, double> mean_over_orders(const Line& line) {
  std::vector<Index> order(kGallery);
  std::iota(order.begin(), order.end(), Index{0});
  std::map<std::string, double> sums;
  double orders = 0;
  do {
    if (!std::is_sorted(order.begin(), order.end(), [&](Index a, Index b) {
          return line.gallery(a, 0) < line.gallery(b, 0);
        })) {
      continue;
    }
    std::vector<bool> relevant;
    for (const Index i : order) relevant.push_back(line.labels[static_cast<std::size_t>(i)] == 0);
    for (const auto& [name, value] : metrics_of(relevant)) sums[name] += value;
    ++orders;
  } while (std::next_permutation(order.begin(), order.end()));
  for (auto& [name, sum] : sums) sum /= orders;
  return sums;
}

TEST(Ties, GiveTheMeanOverAllOrdersOfTheTied) {
  RetrievalOptions options;
  options.similarity = Similarity::euclidean;
  options.recall_at = {1, 2, 3, 4, 5, 6, 7};
  options.precision_at = options.recall_at;
  const Matrix query(1, 1);
  Index with_ties = 0;
  for (std::uint64_t seed = 0; seed < 60; ++seed) {
    const Line line(seed);
    for (const bool map : {true, false}) {
      options.map = map;
      const RetrievalResult result =
          evaluate_retrieval(Workers(1), query, Labels{0}, line.gallery, line.labels, options);
      const std::map<std::string, double> expected = mean_over_orders(line);
      for (const MetricValue& metric : result.metrics) {
        EXPECT_NEAR(metric.value, expected.at(metric.name), 1e-13) << metric.name << ' ' << seed;
      }
      with_ties += result.queries_with_ties;
    }
  }
  EXPECT_GT(with_ties, 60);
}

TEST(Ties, GiveTheMeanOfTheFirstRanksThatCount) {
  RetrievalOptions options;
  options.similarity = Similarity::euclidean;
  const Matrix query(1, 1);
  for (std::uint64_t seed = 0; seed < 60; ++seed) {
    const Line line(seed);
    const std::map<std::string, double> expected = mean_over_orders(line);
    for (const Index most : {1, 2, 3, 5, 7}) {
      options.mrr_at = most;
      const RetrievalResult result =
          evaluate_retrieval(Workers(1), query, Labels{0}, line.gallery, line.labels, options);
      EXPECT_NEAR(result["mrr"], expected.at("mrr within " + std::to_string(most)), 1e-13)
          << most << ' ' << seed;
    }
  }
  options.mrr_at = -1;
  const Line line(0);
  EXPECT_THROW(evaluate_retrieval(Workers(1), query, Labels{0}, line.gallery, line.labels, options),
               Error);
}

// Hundreds of equal relevant samples are gathered and counted at once: another way through.
TEST(Ties, OfManyEqualSamplesAreWhatChanceGives) {
  Matrix rows(1200, 5);
  rows.fill(-2.5F);
  for (const Index first : {0, 600}) {  // where the class of 600 stands
    Labels labels(1200);
    for (std::size_t i = 0; i < labels.size(); ++i) {
      const auto place = static_cast<Index>(i);
      labels[i] = place >= first && place < first + 600 ? 5 : 6 + place % 2;
    }
    RetrievalOptions options;
    options.leave_one_out = true;
    const RetrievalResult result =
        evaluate_retrieval(Workers(2), rows, labels, rows, labels, options);
    EXPECT_EQ(result.queries_with_ties, 1200);
    // Of 1199 others 599 or 299 are relevant.
    EXPECT_NEAR(result["recall@1"], (599.0 + 299.0) / 2 / 1199, 1e-12);
    EXPECT_NEAR(result["r_precision"], (599.0 + 299.0) / 2 / 1199, 1e-12);
  }
}

// One direction, many lengths: float32 rounds each number, which is no reason for an order.
TEST(Ties, AreThereWhereRowsDifferInLengthOnly) {
  Matrix rows(40, 16);
  Labels labels;
  for (Index i = 0; i < 40; ++i) {
    const float length = 1 + 0.37F * static_cast<float>(i / 10);
    for (Index k = 0; k < 16; ++k) rows(i, k) = length * (0.1F * static_cast<float>(k) - 0.65F);
    labels.push_back(i / 10);  // each class of a length of its own
  }
  RetrievalOptions options;
  options.leave_one_out = true;
  const RetrievalResult result =
      evaluate_retrieval(Workers(1), rows, labels, rows, labels, options);
  EXPECT_NEAR(result["recall@1"], 9.0 / 39, 1e-12);
  EXPECT_EQ(result.queries_with_ties, 40);
}

TEST(Ties, AreNotCountedWhereTheyChangeNothing) {
  Matrix rows(6, 1);
  const float places[] = {0, 0, 0, 5, 7, 7};
  for (Index i = 0; i < 6; ++i) rows(i, 0) = places[i];
  RetrievalOptions options;
  options.similarity = Similarity::euclidean;
  options.leave_one_out = true;
  // Equal rows are of one class each: 0 0 0 and 7 7.
  EXPECT_EQ(evaluate_retrieval(Workers(1), rows, Labels{1, 1, 1, 2, 3, 3}, rows,
                               Labels{1, 1, 1, 2, 3, 3}, options)
                .queries_with_ties,
            0);
}

}  // namespace
}  // namespace kindred
