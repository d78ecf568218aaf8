// Timing the layers: every layer has its time, and nothing is computed otherwise.
#include "kindred/train/profile.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "kindred/train/embedder.h"
#include "kindred/train/trainer.h"
#include "train/small_run.h"

namespace kindred {
namespace {

constexpr const char* kResnet =
    "[model]\narchitecture = 'resnet'\nwidths = [8, 16]\nembedding = 8\nslice = 4\n"
    "[[loss]]\nname = 'softmax'\n";

/// A trainer on a small data set, with what it refers to.
struct Training {
  explicit Training(const test::SmallRun& runs)
      : recipe(runs.recipe(kResnet, 20)),
        setup(read_setup(recipe, "")),
        workers(2),
        trainer(setup, workers) {}
  void steps(int count) {
    for (int i = 0; i < count; ++i) trainer.step();
  }

  Recipe recipe;
  Setup setup;
  Workers workers;
  Trainer trainer;
};

TEST(Profile, HasTheTimeOfEveryLayer) {
  const test::SmallRun runs;
  Training training(runs);
  training.trainer.start_profile();
  training.steps(3);
  const auto layers = training.trainer.layers();
  const Profile profile = training.trainer.profile();
  ASSERT_EQ(profile.layers.size(), layers.size());
  EXPECT_GT(profile.input, 0);
  for (std::size_t i = 0; i < layers.size(); ++i) {
    const LayerTime& time = profile.layers[i];
    EXPECT_GT(time.forward, 0) << layers[i].name;
    EXPECT_GT(layers[i].bytes, 0) << layers[i].name;
    EXPECT_GE(time.backward, time.backward_weights) << layers[i].name;
    EXPECT_EQ(time.backward_weights > 0, layers[i].multiplies)
        << layers[i].name << ": " << time.backward_weights << " of " << time.backward;
  }
}

TEST(Profile, CountsTheLayersOfABlockInTheBlock) {
  const test::SmallRun runs;
  Training training(runs);
  training.trainer.start_profile();
  training.steps(2);
  const auto layers = training.trainer.layers();
  const Profile profile = training.trainer.profile();
  const auto block = std::find_if(layers.begin(), layers.end(),
                                  [](const auto& l) { return l.kind == "residual"; });
  ASSERT_NE(block, layers.end());
  LayerTime inside;
  auto at = static_cast<std::size_t>(block - layers.begin());
  const LayerTime whole = profile.layers[at];
  for (++at; at < layers.size() && layers[at].depth == 1; ++at) {
    inside.forward += profile.layers[at].forward;
    inside.backward += profile.layers[at].backward;
  }
  EXPECT_GT(inside.forward, 0);
  EXPECT_GE(whole.forward, inside.forward);
  EXPECT_GE(whole.backward, inside.backward);
}

TEST(Profile, LeavesTheBitsAsTheyAre) {
  const test::SmallRun runs;
  Training plain(runs);
  Training timed(runs);
  timed.trainer.start_profile();
  plain.steps(4);
  timed.steps(4);
  const auto expected = plain.trainer.training_state().weights();
  const auto found = timed.trainer.training_state().weights();
  EXPECT_TRUE(std::equal(expected.begin(), expected.end(), found.begin(), found.end()));
}

TEST(Profile, IsEmptyUntilItIsAskedForAndBeginsAnew) {
  const test::SmallRun runs;
  Training training(runs);
  training.steps(1);
  EXPECT_TRUE(training.trainer.profile().layers.empty());
  training.trainer.start_profile();
  training.steps(1);
  training.trainer.start_profile();
  EXPECT_EQ(training.trainer.profile().input, 0);
  EXPECT_EQ(training.trainer.profile().layers.at(0).forward, 0);
}

TEST(Profile, CoversEmbedding) {
  const test::SmallRun runs;
  Training training(runs);
  TrainingState& state = training.trainer.training_state();
  Embedder embedder(training.setup.architecture, 4, training.setup.dataset->element(),
                    training.setup.scaling, state.table, state.state, training.workers);
  embedder.load(state.weights());
  const std::vector<Index> samples{0, 1, 2, 3, 4, 5, 6};
  const Matrix before = embedder.embed(*training.setup.dataset, samples);
  EXPECT_TRUE(embedder.profile().layers.empty());
  embedder.start_profile();
  const Matrix after = embedder.embed(*training.setup.dataset, samples);
  const Profile profile = embedder.profile();
  ASSERT_EQ(profile.layers.size(), embedder.layers().size());
  EXPECT_GT(profile.read, 0);
  EXPECT_GT(profile.input, 0);
  for (const LayerTime& time : profile.layers) {
    EXPECT_GT(time.forward, 0);
    EXPECT_EQ(time.backward, 0);
  }
  for (Index i = 0; i < after.rows(); ++i) {
    for (Index j = 0; j < after.cols(); ++j) EXPECT_EQ(after(i, j), before(i, j));
  }
}

TEST(Profile, SumsWhatWorkersCounted) {
  const Profile one{{{1, 2, 0.5}, {3, 4, 0}}, 5, 6};
  const Profile two{{{10, 20, 5}, {30, 40, 0}}, 50, 60};
  const Profile sum = sum_of(std::vector<Profile>{one, two});
  ASSERT_EQ(sum.layers.size(), 2U);
  EXPECT_EQ(sum.layers[0].forward, 11);
  EXPECT_EQ(sum.layers[0].backward, 22);
  EXPECT_EQ(sum.layers[0].backward_weights, 5.5);
  EXPECT_EQ(sum.layers[1].forward, 33);
  EXPECT_EQ(sum.layers[1].backward, 44);
  EXPECT_EQ(sum.read, 55);
  EXPECT_EQ(sum.input, 66);
}

}  // namespace
}  // namespace kindred
