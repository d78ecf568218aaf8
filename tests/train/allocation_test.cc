// No allocation in a training step after the first: over every registered loss and optimizer.
#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "kindred/loss/loss.h"
#include "kindred/train/trainer.h"
#include "support/counting_new.h"
#include "train/small_run.h"

namespace kindred {
namespace {

using test::AllocationCount;
using test::SmallRun;

std::size_t allocations(const std::string& text, const test::SmallData& data = {},
                        int threads = 2) {
  const SmallRun runs(data);
  Recipe recipe = runs.recipe(text, 100);
  const Workers workers(threads);
  const Setup setup = read_setup(recipe, "");
  Trainer trainer(setup, workers);
  // An epoch and a bit: the sampler has turned over, each worker has met each size.
  for (Index i = 0; i <= setup.sampler->steps_per_epoch() + 3; ++i) trainer.step();
  const AllocationCount count;
  for (Index i = 0; i < 5; ++i) trainer.step();
  return count.count();
}

TEST(Allocation, IsCountedAtAll) {
  const AllocationCount count;
  const auto something = std::make_unique<std::string>(100, 'x');
  EXPECT_GE(count.count(), 2u) << something->size();
}

TEST(Allocation, NoneInAStepWithAnyLoss) {
  for (const LossEntry& entry : loss_registry()) {
    const std::string model =
        entry.needs_targets()
            ? "[model]\narchitecture = 'mlp'\nhidden = [20]\nembedding = 3\nslice = 4\n"
            : test::kConv4;
    EXPECT_EQ(allocations(model + "[[loss]]\nname = '" + std::string(entry.name) + "'\n"), 0u)
        << entry.name;
  }
}

TEST(Allocation, NoneInAStepWithAnyOptimizer) {
  for (const OptimizerEntry& entry : optimizer_registry()) {
    EXPECT_EQ(allocations(std::string(test::kMlp) + test::kSoftmax + "[optimizer]\nname = '" +
                          std::string(entry.name) + "'\nclip_norm = 1.0\n[train]\naverage = 0.9\n"),
              0u)
        << entry.name;
  }
}

TEST(Allocation, NoneInAStepWithAugmentationAndResiduals) {
  EXPECT_EQ(allocations("[model]\narchitecture = 'resnet'\nwidths = [8, 16]\nembedding = 8\n"
                        "slice = 4\n[augment]\nrotate_degrees = 10\n[data]\nquarter_turns = true\n"
                        "[[loss]]\nname = 'softmax'\n[[loss]]\nname = 'triplet'\n[[loss]]\nname = "
                        "'center'\n"),
            0u);
}

// One reader: the first time that two read at once, the second makes itself room.
TEST(Allocation, NoneInAStepOnStreamedData) {
  for (const Hdf5Storage& storage : {Hdf5Storage{}, {.chunk = {13, 16, 16, 1}, .gzip = 1}}) {
    const test::SmallData data{
        .classes = 40, .samples_per_class = 20, .side = 16, .targets = 0, .storage = storage};
    EXPECT_EQ(allocations(std::string(test::kMlp) + test::kSoftmax + "[data]\nmemory = '200KiB'\n",
                          data, 1),
              0u);
  }
}

}  // namespace
}  // namespace kindred
