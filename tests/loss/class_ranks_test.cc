// Heads whose classes ranks share out: value and gradients are those of one process, bit for bit,
// and no rank holds other weights than its own.
#include <gtest/gtest.h>

#include <algorithm>
#include <mutex>
#include <string>
#include <vector>

#include "loss/bases/class_products.h"
#include "loss/loss_run.h"
#include "support/thread_group.h"

namespace kindred::loss_test {
namespace {

using test::ThreadRanks;

struct Head {
  const char* loss;
  const char* settings;
};

std::vector<Head> heads() {
  return {
      {"softmax", "label_smoothing = 0.1"},
      {"softmax", "class_share = 0.3"},
      {"normalized_softmax", ""},
      {"arcface", ""},
      {"arcface", "class_share = 0.001"},  // parts of which no class takes part
      {"sphereface", ""},
      {"adacos", ""},
      {"focal", ""},
      {"subcenter_arcface", "class_share = 0.5"},
      {"soft_triple", "centers = 2"},
      {"proxy_nca", ""},
      {"proxy_anchor", ""},
  };
}

TestBatch batch_of(Index size, Index classes, Index depth) {
  std::vector<std::int64_t> labels;
  Random random(3, Purpose::test);
  for (Index i = 0; i < size; ++i) labels.push_back(random.below(classes));
  TestBatch batch = random_batch(labels, depth, 8);
  batch.classes = classes;
  return batch;
}

/// Two steps by so many ranks, each compared with one process's.
void expect_the_same(const Head& head, const TestBatch& batch, const std::vector<int>& all_ranks) {
  const std::string recipe = one_loss(head.loss, head.settings);
  SCOPED_TRACE(recipe);
  LossRun whole(recipe, batch);
  std::vector<double> values;
  for (whole.step = 0; whole.step < 2; ++whole.step) values.push_back(whole.compute());
  const Segment& all = whole.table().segments()[0];
  for (const int ranks : all_ranks) {
    Index held = 0;
    std::mutex mutex;
    ThreadRanks(ranks).run([&](ProcessGroup& group) {
      LossRun own(recipe, batch, 1 + group.rank() % 2, &group);
      std::vector<double> own_values;
      for (own.step = 0; own.step < 2; ++own.step) own_values.push_back(own.compute());
      const Segment& part = own.table().segments()[0];
      const auto at = static_cast<std::ptrdiff_t>(part.first());
      const auto size = static_cast<std::ptrdiff_t>(part.size);
      const std::lock_guard lock(mutex);
      held += part.size;
      EXPECT_EQ(part.shape, all.shape);
      EXPECT_EQ(own_values, values) << ranks << " ranks";
      EXPECT_EQ(own.report().scalars.size(), whole.report().scalars.size());
      for (std::size_t i = 0; i < own.report().scalars.size(); ++i) {
        EXPECT_EQ(own.report().scalars[i].value, whole.report().scalars[i].value);
      }
      EXPECT_TRUE(std::equal(own.parameters().begin(), own.parameters().begin() + size,
                             whole.parameters().begin() + at))
          << "start values of rank " << group.rank() << " of " << ranks;
      EXPECT_TRUE(std::equal(own.parameter_gradient().begin(),
                             own.parameter_gradient().begin() + size,
                             whole.parameter_gradient().begin() + at))
          << "gradient of rank " << group.rank() << " of " << ranks;
      for (Index i = 0; i < batch.size(); ++i) {
        ASSERT_TRUE(std::equal(own.gradient().row(i), own.gradient().row(i) + batch.depth,
                               whole.gradient().row(i)))
            << "row " << i << ", " << ranks << " ranks";
      }
    });
    EXPECT_EQ(held, all.size) << "each number is held once";
  }
}

TEST(ClassRanks, ShareOutTenThousandClasses) {
  for (const Head& head : heads()) {
    expect_the_same(head, batch_of(24, 10'000, 16), {1, 2, 3, 4});
  }
  expect_the_same({"arcface", ""}, batch_of(128, 10'000, 128), {4});
}

TEST(ClassRanks, AreMoreThanThereAreParts) {
  for (const Head& head : heads()) expect_the_same(head, batch_of(8, 700, 8), {3, 5});
  expect_the_same({"arcface", ""}, batch_of(8, 20, 8), {2, 8});
}

TEST(ClassRanks, ComputeProductsAgainThatAreTooManyToKeep) {
  const TestBatch batch = batch_of(64, 140'000, 4);
  ASSERT_GT(batch.size() * batch.classes, ClassProducts::kKept);
  for (const char* loss : {"arcface", "sphereface", "proxy_anchor", "adacos"}) {
    expect_the_same({loss, ""}, batch, {2, 3});
  }
  expect_the_same({"softmax", "class_share = 0.95"}, batch, {3});
}

}  // namespace
}  // namespace kindred::loss_test
