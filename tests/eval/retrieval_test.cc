#include "kindred/eval/retrieval.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "kindred/core/error.h"
#include "naive_ranking.h"
#include "support/error_of.h"

namespace kindred {
namespace {

using Labels = std::vector<std::int64_t>;

RetrievalOptions leave_one_out(Similarity similarity = Similarity::cosine) {
  RetrievalOptions options;
  options.recall_at = {1, 2, 4, 8, 50, 1000};
  options.precision_at = {1, 5, 10, 1000};
  options.similarity = similarity;
  options.leave_one_out = true;
  return options;
}

RetrievalResult evaluate(const Matrix& rows, const Labels& labels, const RetrievalOptions& options,
                         int threads = 2) {
  return evaluate_retrieval(Workers(threads), rows, labels, rows, labels, options);
}

void expect_naive(const RetrievalResult& result, std::map<std::string, double> expected) {
  EXPECT_EQ(result.queries_used, expected["queries_used"]);
  EXPECT_EQ(result.queries_without_match, expected["queries_without_match"]);
  EXPECT_EQ(result.metrics.size() + 2, expected.size());
  for (const MetricValue& metric : result.metrics) {
    ASSERT_TRUE(expected.count(metric.name)) << metric.name;
    // The same ranks give the same quotients; sums of some hundred float64 terms of size <= 1.
    EXPECT_NEAR(metric.value, expected[metric.name], 1e-12) << metric.name;
  }
}

// On a line: a query at 0 of class 1 and a gallery at distances 1, 2, 3, 4, 5 of classes
// 2, 1, 2, 1, 1. Relevant ranks 2, 4, 5; R = 3.
TEST(Retrieval, IsWhatAHandWorkedCaseGives) {
  Matrix query(1, 1);
  Matrix gallery(5, 1);
  for (Index i = 0; i < 5; ++i) gallery(i, 0) = static_cast<float>(i + 1);
  RetrievalOptions options;
  options.recall_at = {1, 2};
  options.precision_at = {1, 4};
  options.similarity = Similarity::euclidean;
  const RetrievalResult result =
      evaluate_retrieval(Workers(1), query, Labels{1}, gallery, Labels{2, 1, 2, 1, 1}, options);
  EXPECT_EQ(result["recall@1"], 0);
  EXPECT_EQ(result["recall@2"], 1);
  EXPECT_EQ(result["precision@1"], 0);
  EXPECT_EQ(result["precision@4"], 0.5);
  EXPECT_NEAR(result["r_precision"], 1.0 / 3, 1e-15);
  EXPECT_NEAR(result["map@r"], (1.0 / 2) / 3, 1e-15);
  EXPECT_NEAR(result["map"], (1.0 / 2 + 2.0 / 4 + 3.0 / 5) / 3, 1e-15);
  EXPECT_EQ(result["mrr"], 0.5);
  EXPECT_EQ(result.queries_used, 1);
  EXPECT_EQ(result.queries_without_match, 0);
}

TEST(Retrieval, AgreesWithNaiveWhereTiesAreMany) {
  for (const Index rows : {2, 3, 61, 300, 1100}) {
    SCOPED_TRACE(rows);
    const Labels labels = testing_rows::labels(rows, std::max<Index>(1, rows / 12), 3);
    const Matrix sign = testing_rows::signs(rows, 1);
    expect_naive(evaluate(sign, labels, leave_one_out()),
                 naive::retrieval(sign, labels, sign, labels, leave_one_out()));
    const Matrix whole = testing_rows::whole_numbers(rows, 5, 1, 2);
    for (const Similarity similarity : {Similarity::inner_product, Similarity::euclidean}) {
      const RetrievalOptions options = leave_one_out(similarity);
      expect_naive(evaluate(whole, labels, options),
                   naive::retrieval(whole, labels, whole, labels, options));
    }
  }
}

TEST(Retrieval, AgreesWithNaiveForQueriesAndGallery) {
  for (const Index classes : {1, 2, 40}) {
    SCOPED_TRACE(classes);
    const Matrix queries = testing_rows::whole_numbers(180, 9, 2, 1);
    const Matrix gallery = testing_rows::whole_numbers(700, 9, 2, 2);
    const Labels query_labels = testing_rows::labels(180, classes, 3);
    const Labels gallery_labels = testing_rows::labels(700, classes, 4);
    RetrievalOptions options = leave_one_out(Similarity::inner_product);
    options.leave_one_out = false;
    expect_naive(
        evaluate_retrieval(Workers(2), queries, query_labels, gallery, gallery_labels, options),
        naive::retrieval(queries, query_labels, gallery, gallery_labels, options));
  }
}

TEST(Retrieval, HasTheSameValuesWithoutTheWholeRanking) {
  for (const Index classes : {2, 60}) {
    const Labels labels = testing_rows::labels(900, classes, 3);
    const Matrix rows = testing_rows::signs(900, 1);
    RetrievalOptions options = leave_one_out();
    options.precision_at = {1, 5, 10};
    options.recall_at = {1, 2, 50};
    const RetrievalResult all = evaluate(rows, labels, options);
    options.map = false;
    const RetrievalResult some = evaluate(rows, labels, options);
    EXPECT_EQ(some.metrics.size() + 1, all.metrics.size());
    for (const MetricValue& metric : some.metrics) {
      EXPECT_NE(metric.name, "map");
      EXPECT_EQ(metric.value, all[metric.name]) << metric.name;
    }
  }
}

TEST(Retrieval, WorksBeyondOneChainOfTheProduct) {
  const Labels labels = testing_rows::labels(90, 9, 3);
  const Matrix rows = testing_rows::whole_numbers(90, 700, 1, 1);
  for (const Similarity similarity : {Similarity::inner_product, Similarity::euclidean}) {
    const RetrievalOptions options = leave_one_out(similarity);
    expect_naive(evaluate(rows, labels, options),
                 naive::retrieval(rows, labels, rows, labels, options));
  }
}

// Four equal rows of two classes: of a query's three neighbours one is relevant, in a random place.
// Neighbours by index gave a recall@1 of 0.25 here, 0.5 with the classes in another order.
TEST(Retrieval, OfEqualRowsIsWhatChanceGives) {
  Matrix rows(4, 3);
  rows.fill(0.3F);
  for (const Similarity similarity :
       {Similarity::cosine, Similarity::inner_product, Similarity::euclidean}) {
    for (const Labels& labels : {Labels{5, 6, 5, 6}, Labels{5, 5, 6, 6}, Labels{6, 5, 5, 6}}) {
      const RetrievalResult result = evaluate(rows, labels, leave_one_out(similarity));
      EXPECT_NEAR(result["recall@1"], 1.0 / 3, 1e-15);
      EXPECT_NEAR(result["recall@2"], 2.0 / 3, 1e-15);
      EXPECT_NEAR(result["precision@1"], 1.0 / 3, 1e-15);
      EXPECT_NEAR(result["map@r"], 1.0 / 3, 1e-15);
      EXPECT_NEAR(result["mrr"], (1.0 + 1.0 / 2 + 1.0 / 3) / 3, 1e-15);
      EXPECT_EQ(result.queries_with_ties, 4);
    }
  }
}

TEST(Retrieval, ScoresRowsOfZerosAsOrthogonalToAll) {
  Matrix rows(4, 2);
  rows(0, 0) = 1;
  rows(1, 0) = -1;
  rows(2, 1) = 0;  // rows 2 and 3 stay zero
  const RetrievalResult result = evaluate(rows, {1, 1, 2, 1}, leave_one_out());
  // Query 0: scores -1, 0, 0 for rows 1 to 3: row 3 is first or second, row 1 third. Query 1
  // likewise. Query 3: all scores 0, and two of the three neighbours relevant.
  EXPECT_EQ(result.queries_used, 3);
  EXPECT_EQ(result.queries_with_ties, 3);
  EXPECT_NEAR(result["mrr"], (0.75 + 0.75 + (2 * 1.0 + 1 * 0.5) / 3) / 3, 1e-15);
}

TEST(Retrieval, LeavesOutAndCountsQueriesWithoutMatch) {
  const Matrix rows = testing_rows::uniform(5, 4, 1);
  const RetrievalResult result = evaluate(rows, {1, 1, 2, 3, 1}, leave_one_out());
  EXPECT_EQ(result.queries_used, 3);
  EXPECT_EQ(result.queries_without_match, 2);
  // Three relevant neighbours in all, of four: rank 1 or 2 or 3 for the first.
  EXPECT_GE(result["mrr"], 1.0 / 3);
}

TEST(Retrieval, HasTheSameBitsForAnyNumberOfThreads) {
  const Matrix rows = testing_rows::uniform(1500, 40, 1);
  const Labels labels = testing_rows::labels(1500, 70, 2);
  for (const Similarity similarity :
       {Similarity::cosine, Similarity::inner_product, Similarity::euclidean}) {
    const RetrievalResult first = evaluate(rows, labels, leave_one_out(similarity), 1);
    for (const int threads : {2, 3, 8}) {
      const RetrievalResult again = evaluate(rows, labels, leave_one_out(similarity), threads);
      for (std::size_t m = 0; m < first.metrics.size(); ++m) {
        EXPECT_EQ(first.metrics[m].value, again.metrics[m].value) << first.metrics[m].name;
      }
    }
  }
}

TEST(Retrieval, ListsMetricsInTheOrderOfTheOptions) {
  RetrievalOptions options = leave_one_out();
  options.recall_at = {4, 1};
  options.precision_at = {3};
  const RetrievalResult result =
      evaluate(testing_rows::uniform(6, 2, 1), {1, 1, 1, 2, 2, 2}, options);
  std::string names;
  for (const MetricValue& metric : result.metrics) names += metric.name + " ";
  EXPECT_EQ(names, "recall@4 recall@1 precision@3 r_precision map@r map mrr ");
}

/// What the definitions give when gallery samples of the query's class and group are taken away.
double mrr_without_groups(const Matrix& queries, const Labels& labels, const Labels& groups,
                          const Matrix& gallery, const Labels& gallery_labels,
                          const Labels& gallery_groups) {
  double sum = 0;
  double used = 0;
  for (Index q = 0; q < queries.rows(); ++q) {
    const auto query = static_cast<std::size_t>(q);
    double rank = 0;
    for (const Index j : naive::ranking(queries.row(q), gallery, Similarity::inner_product, -1)) {
      const auto other = static_cast<std::size_t>(j);
      const bool same = gallery_labels[other] == labels[query];
      if (same && gallery_groups[other] == groups[query]) continue;
      ++rank;
      if (!same) continue;
      sum += 1 / rank;
      ++used;
      break;
    }
  }
  return sum / used;
}

TEST(Retrieval, PassesOverTheQuerysOwnGroup) {
  const Matrix queries = testing_rows::uniform(150, 6, 1);
  const Matrix gallery = testing_rows::uniform(600, 6, 2);
  const Labels labels = testing_rows::labels(150, 20, 3);
  const Labels gallery_labels = testing_rows::labels(600, 20, 4);
  const Labels groups = testing_rows::labels(150, 3, 5);
  const Labels gallery_groups = testing_rows::labels(600, 3, 6);
  RetrievalOptions options;
  options.similarity = Similarity::inner_product;
  options.query_groups = groups;
  options.gallery_groups = gallery_groups;
  const RetrievalResult result =
      evaluate_retrieval(Workers(2), queries, labels, gallery, gallery_labels, options);
  EXPECT_NEAR(result["mrr"],
              mrr_without_groups(queries, labels, groups, gallery, gallery_labels, gallery_groups),
              1e-12);
}

TEST(Retrieval, GivesClassesAndTheirMeans) {
  Matrix rows(6, 1);
  const float places[] = {0, 1, 10, 11, 2.4F, 100};
  for (Index i = 0; i < 6; ++i) rows(i, 0) = places[i];
  RetrievalOptions options = leave_one_out(Similarity::euclidean);
  options.recall_at = {1};
  options.per_query = true;
  const RetrievalResult result = evaluate(rows, {1, 2, 3, 3, 1, 4}, options);
  // Query 0 (class 1) is nearest to 1 (class 2); 4 (class 1) to 1 as well; 2 and 3 to each other;
  // 1 and 5 have no match.
  EXPECT_EQ(result.queries_used, 4);
  EXPECT_EQ(result["recall@1"], 0.5);
  ASSERT_EQ(result.classes.size(), 2U);
  EXPECT_EQ(result.classes[0].label, 1);
  EXPECT_EQ(result.classes[0].queries, 2);
  EXPECT_EQ(result.classes[0].values[0], 0);
  EXPECT_EQ(result.classes[1].label, 3);
  EXPECT_EQ(result.classes[1].values[0], 1);
  EXPECT_EQ(result.class_means[0].name, "recall@1");
  EXPECT_EQ(result.class_means[0].value, 0.5);
  const std::size_t metrics = result.metrics.size();
  ASSERT_EQ(result.per_query.size(), 6 * metrics);
  EXPECT_EQ(result.per_query[0], 0);
  EXPECT_TRUE(std::isnan(result.per_query[metrics]));
  EXPECT_EQ(result.per_query[2 * metrics], 1);
}

TEST(Retrieval, WeighsClassesEquallyInClassMeans) {
  const Matrix rows = testing_rows::uniform(300, 6, 1);
  Labels labels(300, 5);
  for (std::size_t i = 0; i < 30; ++i) labels[i] = 8;
  const RetrievalResult result = evaluate(rows, labels, leave_one_out());
  ASSERT_EQ(result.classes.size(), 2U);
  EXPECT_NEAR(result.class_means[0].value,
              (result.classes[0].values[0] + result.classes[1].values[0]) / 2, 1e-15);
  EXPECT_NEAR(result["recall@1"],
              (270 * result.classes[0].values[0] + 30 * result.classes[1].values[0]) / 300, 1e-12);
  EXPECT_GT(result.classes[0].values[0], result.classes[1].values[0] + 0.2);
}

TEST(Retrieval, GivesBootstrapIntervals) {
  const Matrix rows = testing_rows::uniform(1000, 4, 1);
  const Labels labels = testing_rows::labels(1000, 4, 2);
  RetrievalOptions options = leave_one_out();
  options.bootstrap = 1000;
  const RetrievalResult result = evaluate(rows, labels, options);
  ASSERT_EQ(result.intervals.size(), result.metrics.size());
  const MetricInterval& interval = result.intervals[0];
  EXPECT_EQ(interval.name, "recall@1");
  // A share p of n = 1000 queries: the interval of 95 % is p +- 1.96 sqrt(p (1 - p) / n). Of 1000
  // resamples its ends are known to some 3 % of its width of about 0.055.
  const double p = result["recall@1"];
  const double half = 1.96 * std::sqrt(p * (1 - p) / 1000);
  EXPECT_NEAR(interval.low, p - half, 0.005);
  EXPECT_NEAR(interval.high, p + half, 0.005);
  const RetrievalResult again = evaluate(rows, labels, options, 3);
  EXPECT_EQ(interval.low, again.intervals[0].low);
  options.seed = 2;
  EXPECT_NE(interval.low, evaluate(rows, labels, options).intervals[0].low);
  options.confidence = 0.5;
  const RetrievalResult half_of_them = evaluate(rows, labels, options);
  EXPECT_LT(half_of_them.intervals[0].high - half_of_them.intervals[0].low,
            0.6 * (interval.high - interval.low));
}

class RetrievalErrors : public testing::Test {
 protected:
  std::string message(ErrorKind kind = ErrorKind::data) const {
    return test::error_of(
        [&] {
          evaluate_retrieval(Workers(1), queries, query_labels, gallery, gallery_labels, options);
        },
        kind);
  }
  Matrix queries = testing_rows::uniform(4, 3, 1);
  Matrix gallery = testing_rows::uniform(4, 3, 2);
  Labels query_labels = {1, 1, 2, 2};
  Labels gallery_labels = {1, 1, 2, 2};
  RetrievalOptions options;
};

TEST_F(RetrievalErrors, NameCountsThatDisagree) {
  query_labels.pop_back();
  EXPECT_EQ(message(), "3 labels for 4 query embeddings; each row needs one");
  query_labels.push_back(2);
  gallery_labels = {1};
  EXPECT_EQ(message(), "1 labels for 4 gallery embeddings; each row needs one");
}

TEST_F(RetrievalErrors, NameRowsThatAreNotNumbers) {
  queries(2, 1) = std::numeric_limits<float>::quiet_NaN();
  EXPECT_EQ(message(), "query embeddings: row 2 of 4 has NaN at column 1");
  queries(2, 1) = std::numeric_limits<float>::infinity();
  EXPECT_EQ(message(), "query embeddings: row 2 of 4 has infinity at column 1");
  queries(2, 1) = 1e20F;
  EXPECT_EQ(message(),
            "query embeddings: row 2 of 4 is too long: its square leaves float32; scale the rows "
            "down");
  queries(2, 1) = 0;
  gallery(3, 2) = std::numeric_limits<float>::quiet_NaN();
  EXPECT_EQ(message(), "gallery embeddings: row 3 of 4 has NaN at column 2");
}

TEST_F(RetrievalErrors, SayWhenNoQueryCanBeAnswered) {
  query_labels = {5, 6, 7, 8};
  EXPECT_EQ(message(),
            "none of the 4 queries has another sample of its class in the gallery; retrieval needs "
            "classes with at least two samples");
}

TEST_F(RetrievalErrors, NameSidesThatDoNotFit) {
  gallery = testing_rows::uniform(4, 2, 1);
  EXPECT_EQ(message(),
            "queries have 3 numbers a row, the gallery has 2; both must come from one model");
  gallery = Matrix(0, 3);
  EXPECT_EQ(message(), "there are no gallery embeddings");
  queries = Matrix(0, 3);
  EXPECT_EQ(message(), "there are no query embeddings");
  gallery = testing_rows::uniform(4, 3, 2);
  queries = testing_rows::uniform(3, 3, 2);
  query_labels.pop_back();
  options.leave_one_out = true;
  EXPECT_EQ(message(), "3 queries for 4 gallery embeddings; each row needs one");
}

TEST_F(RetrievalErrors, NameOptionsAndMetricsThatCannotBe) {
  options.recall_at = {0};
  EXPECT_EQ(message(ErrorKind::usage), "recall@0: the number of neighbours must be at least 1");
  options.recall_at = {1};
  options.bootstrap = 1;
  EXPECT_EQ(message(ErrorKind::usage), "1 bootstrap resamples; 0 (no intervals) or at least 2");
  options.bootstrap = 10;
  options.confidence = 95;
  EXPECT_EQ(message(ErrorKind::usage), "confidence 95 is not between 0 and 1");
  options.bootstrap = 0;
  options.confidence = 0.95;
  options.query_groups = query_labels;
  EXPECT_EQ(message(), "0 groups for 4 gallery embeddings; each row needs one");
  options.query_groups = {};
  const RetrievalResult result =
      evaluate_retrieval(Workers(1), queries, query_labels, gallery, gallery_labels, options);
  EXPECT_EQ(test::error_of([&] { result["recall@3"]; }, ErrorKind::usage),
            "there is no metric 'recall@3' in this result");
}

}  // namespace
}  // namespace kindred
