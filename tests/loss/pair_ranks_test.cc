// Losses over pairs whose anchors ranks share out: value, scalars and gradients are those of one
// process, bit for bit.
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "loss/loss_run.h"
#include "support/thread_group.h"

namespace kindred::loss_test {
namespace {

using test::ThreadRanks;

/// 1,030 rows: enough to be shared out, and no multiple of anything.
TestBatch large_batch(Index depth) {
  std::vector<std::int64_t> labels;
  for (Index i = 0; i < 1'030; ++i) labels.push_back(i / 4);
  return random_batch(labels, depth, 11);
}

/// Two steps by so many ranks, each compared with one process's; bytes that rank 0 sent in each.
std::vector<Index> bytes_of_steps(const std::string& recipe, const TestBatch& batch, int ranks) {
  LossRun whole(recipe, batch);
  std::vector<double> values;
  for (whole.step = 0; whole.step < 2; ++whole.step) values.push_back(whole.compute());
  std::vector<Index> bytes;
  ThreadRanks(ranks).run([&](ProcessGroup& group) {
    LossRun own(recipe, batch, 1 + group.rank() % 2, &group);
    for (own.step = 0; own.step < 2; ++own.step) {
      const Index before = group.traffic().bytes;
      EXPECT_EQ(own.compute(), values[static_cast<std::size_t>(own.step)]) << ranks << " ranks";
      if (group.rank() == 0) bytes.push_back(group.traffic().bytes - before);
    }
    const auto& scalars = whole.report().scalars;
    ASSERT_EQ(own.report().scalars.size(), scalars.size());
    for (std::size_t i = 0; i < scalars.size(); ++i) {
      EXPECT_EQ(own.report().scalars[i].value, scalars[i].value) << scalars[i].name;
    }
    ASSERT_EQ(own.table().size(), whole.table().size());
    for (const Segment& segment : whole.table().segments()) {
      EXPECT_TRUE(std::equal(own.parameter_gradient().begin() + segment.offset,
                             own.parameter_gradient().begin() + segment.offset + segment.size,
                             whole.parameter_gradient().begin() + segment.offset))
          << segment.name;
    }
    for (Index i = 0; i < batch.size(); ++i) {
      ASSERT_TRUE(std::equal(own.gradient().row(i), own.gradient().row(i) + batch.depth,
                             whole.gradient().row(i)))
          << "row " << i << " of rank " << group.rank() << " of " << ranks;
    }
  });
  return bytes;
}

struct Pairs {
  const char* loss;
  const char* settings;
};

TEST(PairRanks, ShareOutAnchorsOfFewPairs) {
  for (const Pairs& pairs : std::vector<Pairs>{
           {"triplet", "distance = \"euclidean\""},
           {"triplet", "distance = \"squared_euclidean\"\nsoft = true"},
           {"triplet", "distance = \"cosine\"\nmargin = 2.0"},
           {"triplet", "memory = 2000"},
           {"triplet", "mining = \"easy_positive\""},
           {"contrastive", "mining = \"hard\""},
           {"contrastive", "mining = \"hard\"\nmemory = 1100\ndistance = \"cosine\""},
           {"multi_similarity", "mining = \"hard\""},
           {"margin", "mining = \"hard\"\nbeta_per_class = true"},
           {"margin", ""},
       }) {
    const std::string recipe = one_loss(pairs.loss, pairs.settings);
    SCOPED_TRACE(recipe);
    const TestBatch batch = large_batch(8);
    for (const int ranks : {2, 5}) {
      for (const Index bytes : bytes_of_steps(recipe, batch, ranks)) {
        EXPECT_GT(bytes, 0) << ranks;
        EXPECT_LT(bytes, batch.size() * 800) << "a pair takes 12 bytes, an anchor less than 100";
      }
    }
  }
}

// What one rank says of its anchors is all that travels, and once.
TEST(PairRanks, ComputeAllWhereAnchorsTakeManyPairs) {
  for (const Pairs& pairs : std::vector<Pairs>{{"triplet", "mining = \"all\""},
                                               {"supcon", ""},
                                               {"contrastive", "mining = \"all\""},
                                               {"margin", "mining = \"all\""}}) {
    const std::string recipe = one_loss(pairs.loss, pairs.settings);
    SCOPED_TRACE(recipe);
    const std::vector<Index> bytes = bytes_of_steps(recipe, large_batch(8), 3);
    EXPECT_GT(bytes[0], 0);
    EXPECT_EQ(bytes[1], 0);
  }
}

TEST(PairRanks, ComputeAllOfSmallBatchesAndOfLossesThatReadOtherRows) {
  const TestBatch small = random_batch({0, 0, 1, 1, 2, 2, 3, 3}, 8, 11);
  EXPECT_EQ(bytes_of_steps(one_loss("triplet", ""), small, 2), (std::vector<Index>{0, 0}));
  for (const char* settings : {"swap = true", "swap = true\nmining = \"semihard\""}) {
    EXPECT_EQ(bytes_of_steps(one_loss("triplet", settings), large_batch(8), 2),
              (std::vector<Index>{0, 0}));
  }
}

}  // namespace
}  // namespace kindred::loss_test
