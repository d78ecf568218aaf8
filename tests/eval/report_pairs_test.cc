// What pages say about pairs: lists of them, and all there are.
#include <gtest/gtest.h>

#include <string>
#include <tuple>

#include "kindred/eval/report.h"
#include "kindred/eval/report_sections.h"
#include "naive_ranking.h"

namespace kindred {
namespace {

using Labels = std::vector<std::int64_t>;

TEST(DescribedVerification, NamesTheWorstMistakes) {
  const std::vector<double> scores = {0.9, 0.1, 0.8, 0.2};
  const std::vector<std::uint8_t> same = {1, 1, 0, 0};
  const std::vector<Index> first = {0, 2, 4, 6};
  const std::vector<Index> second = {1, 3, 5, 7};
  const std::vector<std::string> names = {"a", "b", "c", "d", "e", "f", "g", "h"};
  Report report;
  describe_verification({scores, same, first, second, names, "cosine"},
                        evaluate_verification(scores, same, {}), report);
  const ReportPairs& pairs = *report.pairs;
  const auto name = [&](Index sample) {
    return report.samples.names[static_cast<std::size_t>(sample)];
  };
  EXPECT_EQ(name(pairs.false_accepts[0].first), "e");
  EXPECT_EQ(name(pairs.false_rejects[0].second), "d");
  EXPECT_EQ(pairs.false_rejects[0].score, 0.1);
  EXPECT_EQ(pairs.rates.front().same, 0);
  EXPECT_EQ(pairs.rates.front().different, 0);
  EXPECT_EQ(pairs.rates.back().same, 2);
  EXPECT_EQ(pairs.rates.back().different, 2);
  for (const ReportRate& rate : pairs.rates) {
    Index above[2] = {0, 0};
    for (std::size_t i = 0; i < 4; ++i) above[same[i]] += scores[i] > rate.threshold ? 1 : 0;
    EXPECT_EQ(rate.different, above[0]) << rate.threshold;
    EXPECT_EQ(rate.same, above[1]) << rate.threshold;
  }
  ASSERT_EQ(pairs.same_examples.size(), 2U);
  EXPECT_EQ(name(pairs.same_examples[0].first), "a");
  EXPECT_EQ(name(pairs.different_examples[1].second), "h");
  EXPECT_EQ(pairs.thresholds.front().name, "equal errors");
  Index counted = 0;
  for (const Index bin : pairs.same) counted += bin;
  EXPECT_EQ(counted, 2);
}

// All pairs counted without writing them down, against the same pairs as a list.
TEST(DescribedAllPairs, CountsAndNamesWhatAListOfThemDoes) {
  const Index rows = 60;
  const Matrix embeddings = testing_rows::uniform(rows, 5, 1);
  const Labels labels = testing_rows::labels(rows, 6, 2);
  std::vector<Index> first, second;
  std::vector<std::uint8_t> same;
  for (Index i = 0; i < rows; ++i) {
    for (Index j = i + 1; j < rows; ++j) {
      first.push_back(i);
      second.push_back(j);
      same.push_back(labels[static_cast<std::size_t>(i)] == labels[static_cast<std::size_t>(j)]);
    }
  }
  const std::vector<double> scores = score_pairs(Workers(2), embeddings, first, second);
  const DescribedPairs list{scores, same, first, second, {}, "cosine", labels};
  AllPairsOptions options;
  options.hardest = 16;
  options.curve = 30;
  for (const int threads : {1, 3}) {
    const AllPairsResult result = verify_all_pairs(Workers(threads), embeddings, labels, options);
    Report report;
    describe_all_pairs(list, result, report);
    Report listed;
    describe_verification(list, evaluate_verification(scores, same, {}), listed);
    const auto pairs_of = [](const Report& page, const std::vector<ReportPair>& pairs) {
      std::vector<std::tuple<Index, Index, double>> found;
      for (const ReportPair& pair : pairs) {
        found.emplace_back(page.samples.rows[static_cast<std::size_t>(pair.first)],
                           page.samples.rows[static_cast<std::size_t>(pair.second)], pair.score);
      }
      return found;
    };
    EXPECT_EQ(pairs_of(report, report.pairs->false_accepts),
              pairs_of(listed, listed.pairs->false_accepts));
    EXPECT_EQ(pairs_of(report, report.pairs->false_rejects),
              pairs_of(listed, listed.pairs->false_rejects));
    EXPECT_GT(report.pairs->rates.size(), 200U);
    for (const ReportRate& rate : report.pairs->rates) {
      Index above[2] = {0, 0};
      for (std::size_t i = 0; i < scores.size(); ++i) {
        above[same[i]] += scores[i] > rate.threshold ? 1 : 0;
      }
      EXPECT_EQ(rate.different, above[0]) << rate.threshold;
      EXPECT_EQ(rate.same, above[1]) << rate.threshold;
    }
    EXPECT_EQ(report.class_names.size(), 6U);
  }
}

}  // namespace
}  // namespace kindred
