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

// All embeddings equal: every score ties, so neighbours stand by index. Four rows, two classes
// a b a b: query 0 finds b(1) a(2) b(3), query 1 a(0) a(2) b(3), query 2 a(0), query 3 a(0) b(1).
TEST(Retrieval, GivesTiesToTheLowerIndex) {
  Matrix rows(4, 3);
  rows.fill(0.3F);
  for (const Similarity similarity :
       {Similarity::cosine, Similarity::inner_product, Similarity::euclidean}) {
    const RetrievalResult result = evaluate(rows, {5, 6, 5, 6}, leave_one_out(similarity));
    EXPECT_NEAR(result["mrr"], (1.0 / 2 + 1.0 / 3 + 1.0 + 1.0 / 2) / 4, 1e-15);
    EXPECT_EQ(result["recall@1"], 0.25);
  }
}

TEST(Retrieval, ScoresRowsOfZerosAsOrthogonalToAll) {
  Matrix rows(4, 2);
  rows(0, 0) = 1;
  rows(1, 0) = -1;
  rows(2, 1) = 0;  // rows 2 and 3 stay zero
  const RetrievalResult result = evaluate(rows, {1, 1, 2, 1}, leave_one_out());
  // Query 0: scores -1, 0, 0 for rows 1 to 3: row 2, row 3 (relevant, rank 2), row 1 (rank 3).
  // Query 1: likewise, row 0 is last. Query 3: all scores 0: rows 0, 1, 2.
  EXPECT_EQ(result.queries_used, 3);
  EXPECT_NEAR(result["mrr"], (0.5 + 0.5 + 1) / 3, 1e-15);
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
  const RetrievalResult result =
      evaluate_retrieval(Workers(1), queries, query_labels, gallery, gallery_labels, options);
  EXPECT_EQ(test::error_of([&] { result["recall@3"]; }, ErrorKind::usage),
            "there is no metric 'recall@3' in this result");
}

}  // namespace
}  // namespace kindred
