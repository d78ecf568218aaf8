// The library without recipes and without files, as a program that links it uses it.
#include <gtest/gtest.h>

#include <cstring>
#include <numeric>
#include <thread>

#include "kindred/core/error.h"
#include "kindred/train/embedder.h"
#include "kindred/train/model.h"
#include "kindred/train/run.h"
#include "kindred/train/trainer.h"
#include "support/error_of.h"
#include "train/small_run.h"

namespace kindred {
namespace {

using test::error_of;
using test::SmallData;
using test::SmallRun;
using test::SmallSamples;

constexpr Index kSteps = 12;
constexpr Shape kShape{.channels = 1, .height = 8, .width = 8};

std::unique_ptr<Dataset> data_in_memory() {
  SmallSamples samples = test::small_samples();
  SampleColumns columns;
  columns.labels = std::move(samples.labels);
  columns.split = std::move(samples.split);
  return std::make_unique<Dataset>(
      Dataset::from_source(samples_in_memory(samples.images, kShape), std::move(columns)));
}

TrainingSettings plain_settings() {
  TrainingSettings settings;
  settings.seed = 3;
  settings.train.slice = 4;
  settings.train.planned_steps = kSteps;
  settings.sampler = {"pxk", {{"classes", Index{6}}, {"samples_per_class", Index{4}}}};
  settings.augment.rotate_degrees = 10;
  settings.architecture =
      make_architecture({"conv4", {{"width", Index{16}}, {"embedding", Index{8}}}}, kShape);
  settings.losses = {{"softmax"}, {"triplet", {{"margin", 0.3}, {"weight", 0.5}}}, {"center"}};
  settings.optimizer = {"adam", {{"learning_rate", 0.002}, {"schedule", std::string("one_cycle")}}};
  return settings;
}

constexpr const char* kSameAsRecipe =
    "seed = 3\n[augment]\nrotate_degrees = 10\n"
    "[model]\narchitecture = 'conv4'\nwidth = 16\nembedding = 8\nslice = 4\n"
    "[[loss]]\nname = 'softmax'\n[[loss]]\nname = 'triplet'\nmargin = 0.3\nweight = 0.5\n"
    "[[loss]]\nname = 'center'\n"
    "[optimizer]\nname = 'adam'\nlearning_rate = 0.002\nschedule = 'one_cycle'\n";

std::vector<float> parameters_after(const Setup& setup, int threads) {
  const Workers workers(threads);
  Trainer trainer(setup, workers);
  for (Index step = 0; step < kSteps; ++step) trainer.step();
  const auto span = trainer.training_state().parameters.span();
  return {span.begin(), span.end()};
}

bool same_bits(const std::vector<float>& a, const std::vector<float>& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0;
}

TEST(PlainSettings, TrainOnMemoryToTheBitsOfARecipeOnHdf5) {
  const SmallRun runs;
  Recipe recipe = runs.recipe(kSameAsRecipe, kSteps);
  const std::vector<float> from_recipe = parameters_after(read_setup(recipe, ""), 1);
  const auto setup = make_setup(plain_settings(), data_in_memory());
  EXPECT_TRUE(same_bits(parameters_after(setup, 1), from_recipe));
  EXPECT_TRUE(same_bits(parameters_after(setup, 3), from_recipe));
}

TEST(PlainSettings, NameWhatDoesNotFit) {
  const Workers workers(1);
  const auto error_with = [&](auto change) {
    TrainingSettings settings = plain_settings();
    change(settings);
    return error_of([&] {
      const auto setup = make_setup(settings, data_in_memory());
      Trainer trainer(setup, workers);
    });
  };
  EXPECT_NE(error_with([](auto& s) {
              s.losses[1].values[0].first = "margn";
            }).find("unknown key 'margn' in [[loss]] triplet; did you mean 'margin'?"),
            std::string::npos);
  EXPECT_NE(error_with([](auto& s) { s.losses.clear(); }).find("no [[loss]]"), std::string::npos);
  EXPECT_NE(error_with([](auto& s) { s.train.slice = 5; }).find("slice = 5"), std::string::npos);
  EXPECT_NE(error_with([](auto& s) {
              s.architecture =
                  make_architecture({"conv4"}, {.channels = 3, .height = 8, .width = 8});
            }).find("the architecture takes 8 x 8 x 3, the samples are 8 x 8 x 1"),
            std::string::npos);
}

TEST(Recipe, HoldsTheDefaultsOfLossesAndOptimizerOnceTheyAreMade) {
  const SmallRun runs;
  Recipe recipe = runs.recipe(std::string(test::kConv4) + "[[loss]]\nname = 'triplet'\n", kSteps);
  const auto setup = read_setup(recipe, "");
  const Workers workers(1);
  const Trainer trainer(setup, workers);
  EXPECT_FALSE(recipe.flat().contains("loss.0.margin"));
  trainer.write_settings(recipe.root());
  EXPECT_EQ(recipe.flat()["loss.0.margin"], "0.2");
  EXPECT_EQ(recipe.flat()["optimizer.beta1"], "0.9");
  recipe.finish();
}

class ConstModel : public testing::Test {
 protected:
  static Model train(const SmallRun& runs) {
    runs.run("run", runs.recipe(kSameAsRecipe, kSteps), 1);
    return read_model(runs.path("run") + "/model.kindred");
  }
  static std::vector<Index> all_of(const Dataset& data) {
    std::vector<Index> samples(static_cast<std::size_t>(data.size()));
    std::iota(samples.begin(), samples.end(), Index{0});
    return samples;
  }
  static void expect_equal(const Matrix& a, const Matrix& b) {
    for (Index i = 0; i < a.rows(); ++i) {
      for (Index j = 0; j < a.cols(); ++j) EXPECT_EQ(a(i, j), b(i, j));
    }
  }
};

TEST_F(ConstModel, IsSharedByTwoThreads) {
  const SmallRun runs;
  const Model model = train(runs);
  const std::unique_ptr<Dataset> data = data_in_memory();
  const std::vector<Index> samples = all_of(*data);
  Matrix found[2];
  std::vector<std::thread> threads;
  for (Matrix& embeddings : found) {
    threads.emplace_back([&] {
      const Workers workers(2);
      const Embedder embedder(model, workers);
      embeddings = embedder.embed(*data, samples);
    });
  }
  for (std::thread& thread : threads) thread.join();
  const Workers workers(1);
  const Matrix alone = Embedder(model, workers).embed(*data, samples);
  expect_equal(found[0], alone);
  expect_equal(found[1], alone);
}

TEST_F(ConstModel, HasAnEmbedderThatTwoThreadsMayShare) {
  const SmallRun runs;
  const Model model = train(runs);
  const std::unique_ptr<Dataset> data = data_in_memory();
  const std::vector<Index> samples = all_of(*data);
  const Workers workers(2);
  const Embedder embedder(model, workers);
  const Matrix alone = embedder.embed(*data, samples);
  std::vector<std::thread> threads;
  Matrix found[2];
  for (Matrix& embeddings : found) {
    threads.emplace_back([&] {
      for (int round = 0; round < 4; ++round) embeddings = embedder.embed(*data, samples);
    });
  }
  for (std::thread& thread : threads) thread.join();
  expect_equal(found[0], alone);
  expect_equal(found[1], alone);
}

/// A run of the recipe on the samples in memory.
RunResult run_in_memory(const SmallRun& runs, const std::string& name,
                        std::unique_ptr<Dataset> data, Index steps, bool resume = false) {
  Recipe recipe = runs.recipe(kSameAsRecipe, kSteps);
  recipe.set("data.file=\"no such file\"");  // it is not looked for
  recipe.set("train.steps=" + std::to_string(steps));
  RunObserver silent;
  return run_training(std::move(recipe), std::move(data), {runs.path(name), resume, 2}, silent);
}

TEST(Library, RunsOnSamplesInMemoryAsOnTheirFile) {
  const SmallRun runs;
  runs.run("file", runs.recipe(kSameAsRecipe, kSteps), 1);
  const RunResult whole = run_in_memory(runs, "memory", data_in_memory(), 0);
  EXPECT_TRUE(whole.complete);
  const Model expected = read_model(runs.path("file/model.kindred"));
  const Model found = read_model(whole.model);
  EXPECT_EQ(found.fingerprint, expected.fingerprint);
  EXPECT_NE(found.recipe.find("file = \"samples in memory\""), std::string::npos) << found.recipe;
  // In two parts, the same.
  EXPECT_EQ(run_in_memory(runs, "parts", data_in_memory(), 5).step, 5);
  EXPECT_EQ(run_in_memory(runs, "parts", data_in_memory(), 0, true).step, kSteps);
  EXPECT_EQ(runs.model("parts"), runs.model("memory"));
}

TEST(Library, DoesNotGoOnWithARunOnOtherSamples) {
  const SmallRun runs;
  run_in_memory(runs, "run", data_in_memory(), 5);
  SmallSamples samples = test::small_samples();
  samples.images[0] ^= 1;
  SampleColumns columns;
  columns.labels = std::move(samples.labels);
  columns.split = std::move(samples.split);
  auto other = std::make_unique<Dataset>(
      Dataset::from_source(samples_in_memory(samples.images, kShape), std::move(columns)));
  const std::string message =
      error_of([&] { run_in_memory(runs, "run", std::move(other), 0, true); }, ErrorKind::recipe);
  EXPECT_NE(message.find("training samples"), std::string::npos) << message;
}

}  // namespace
}  // namespace kindred
