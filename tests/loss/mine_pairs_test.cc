#include <gtest/gtest.h>

#include "kindred/core/error.h"
#include "kindred/loss/mined_pairs.h"
#include "kindred/loss/miner.h"
#include "loss/loss_run.h"

namespace kindred::loss_test {
namespace {

using Rows = std::vector<Index>;

// Six unit rows in three classes, at 0, 37, 90, 127, 180 and 286 degrees.
const std::vector<std::int64_t> kClasses = {0, 0, 1, 1, 2, 2};
ScalarMatrix six_rows() {
  const double values[] = {1, 0, .8, .6, 0, 1, -.6, .8, -1, 0, .28, -.96};
  ScalarMatrix rows(6, 2);
  for (Index i = 0; i < 12; ++i) rows(i / 2, i % 2) = static_cast<Scalar>(values[i]);
  return rows;
}

MinedPairs mined(const NamedSettings& miner, const ScalarMatrix& rows, int threads = 2,
                 const MiningOptions& options = {}, Index step = 0) {
  LossInput input;
  input.embeddings = rows;
  input.labels = kClasses;
  input.step = step;
  return mine_pairs(Workers(threads), miner, options, input);
}

TEST(MinePairs, HardTakesTheFarthestKinAndTheNearestOther) {
  const MinedPairs pairs = mined({"hard"}, six_rows());
  EXPECT_EQ(pairs.anchors, (Rows{0, 1, 2, 3, 4, 5}));
  EXPECT_EQ(pairs.kin, (Rows{1, 0, 3, 2, 5, 4}));
  EXPECT_EQ(pairs.other_anchors, (Rows{0, 1, 2, 3, 4, 5}));
  // Row 0 is 37 degrees from its kin and 74 from row 5; 53 lie between rows 1 and 2, 3 and 4.
  EXPECT_EQ(pairs.others, (Rows{5, 2, 1, 4, 3, 0}));
}

TEST(MinePairs, AllTakesEveryPairOfTwoRows) {
  const MinedPairs pairs = mined({"all"}, six_rows());
  EXPECT_EQ(pairs.kin, (Rows{1, 0, 3, 2, 5, 4}));
  EXPECT_EQ(pairs.others.size(), 24);
  EXPECT_EQ(Rows(pairs.others.begin(), pairs.others.begin() + 8), (Rows{2, 3, 4, 5, 2, 3, 4, 5}));
}

TEST(MinePairs, LengthsCountWhereRowsAreNotMadeUnit) {
  ScalarMatrix rows = six_rows();
  for (Index k = 0; k < 2; ++k) rows(2, k) *= 10;  // row 2 goes far away
  EXPECT_EQ(mined({"hard"}, rows).others, (Rows{5, 2, 1, 4, 3, 0}));
  // From row 1 the nearest other is row 3 now, at 97 degrees and 1.41; row 0's stays.
  EXPECT_EQ(mined({"hard"}, rows, 2, {.normalize = false}).others[1], 3);
}

TEST(MinePairs, IsTheSameForAnyNumberOfThreadsAndDrawsByTheStep) {
  const TestBatch batch = random_batch(std::vector<std::int64_t>(kClasses), 8, 3);
  ScalarMatrix rows(6, 8);
  for (Index i = 0; i < 48; ++i) {
    rows(i / 8, i % 8) = static_cast<Scalar>(batch.embeddings[static_cast<std::size_t>(i)]);
  }
  for (const MinerEntry& miner : miner_registry()) {
    const NamedSettings settings{std::string(miner.name)};
    for (const char* distance : {"euclidean", "squared_euclidean", "cosine", "similarity"}) {
      const MinedPairs first = mined(settings, rows, 1, {distance});
      for (const int threads : {2, 3}) {
        const MinedPairs other = mined(settings, rows, threads, {distance});
        EXPECT_EQ(first.anchors, other.anchors);
        EXPECT_EQ(first.kin, other.kin);
        EXPECT_EQ(first.other_anchors, other.other_anchors);
        EXPECT_EQ(first.others, other.others);
      }
    }
  }
  bool differs = false;
  for (Index step = 1; step < 20; ++step) {
    differs = differs || mined({"distance_weighted"}, rows, 1, {}, step).others !=
                             mined({"distance_weighted"}, rows, 1).others;
  }
  EXPECT_TRUE(differs);
}

TEST(MinePairs, SaysWhatItCannotDo) {
  const auto kind_of = [](const NamedSettings& miner, const MiningOptions& options) {
    try {
      mined(miner, six_rows(), 1, options);
    } catch (const Error& error) {
      return std::pair(error.kind(), std::string(error.what()));
    }
    return std::pair(ErrorKind::internal, std::string());
  };
  const auto [kind, text] = kind_of({"hardest"}, {});
  EXPECT_EQ(kind, ErrorKind::recipe);
  EXPECT_NE(text.find("hard"), std::string::npos);
  EXPECT_EQ(kind_of({"hard", {{"epsilon", 1.0}}}, {}).first, ErrorKind::recipe);
  EXPECT_EQ(kind_of({"multi_similarity", {{"epsilon", -1.0}}}, {}).first, ErrorKind::recipe);
  EXPECT_EQ(kind_of({"hard"}, {.distance = "manhattan"}).second,
            "distance = 'manhattan'; expected euclidean, squared_euclidean, cosine or similarity");
  LossInput input;
  const ScalarMatrix rows = six_rows();
  input.embeddings = rows;
  EXPECT_THROW(mine_pairs(Workers(1), {"hard"}, {}, input), Error);
}

}  // namespace
}  // namespace kindred::loss_test
