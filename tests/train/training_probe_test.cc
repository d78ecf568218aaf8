// Training samples that validation is compared with.
#include "train/runs/training_probe.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>

#include "train/runs/run_log.h"
#include "train/small_run.h"

namespace kindred {
namespace {

TEST(TrainingProbe, HasAsManyClassesAndSamplesAsTheValidation) {
  const test::SmallRun runs;
  const Dataset dataset = Dataset::open(runs.path("data.h5"));
  TrainingSetSettings settings;
  settings.validation_classes = 2;
  settings.quarter_turns = true;
  const TrainingSet set = make_training_set(dataset, settings, 1);
  const std::vector<Index> probe = training_probe(dataset, set);
  EXPECT_EQ(probe.size(), set.validation_samples.size());
  EXPECT_TRUE(std::is_sorted(probe.begin(), probe.end()));
  std::map<std::int64_t, Index> classes, validation;
  for (const Index sample : probe) ++classes[dataset.labels()[static_cast<std::size_t>(sample)]];
  for (const Index sample : set.validation_samples) {
    ++validation[dataset.labels()[static_cast<std::size_t>(sample)]];
  }
  EXPECT_EQ(classes.size(), validation.size());
  for (const auto& [label, count] : classes) EXPECT_FALSE(validation.contains(label)) << count;
}

TEST(TrainingProbe, IsEmptyWithoutValidation) {
  const test::SmallRun runs;
  const Dataset dataset = Dataset::open(runs.path("data.h5"));
  EXPECT_TRUE(training_probe(dataset, make_training_set(dataset, {}, 1)).empty());
}

// Beside each evaluation of the validation samples stands one of these.
TEST(TrainingProbe, StandsInTheLogAndOnThePage) {
  const test::SmallRun runs;
  Recipe recipe = runs.recipe(std::string(test::kMlp) + test::kSoftmax, 6);
  recipe.set("data.validation_classes=3");
  recipe.set("train.evaluate_every=1");
  runs.run("run", std::move(recipe), 1);
  Index validation = 0;
  Index training = 0;
  for (const Json& line : read_run_log(runs.path("run/metrics.jsonl"))) {
    validation += evaluated_split(line) == "validation" ? 1 : 0;
    training += evaluated_split(line) == "training" ? 1 : 0;
  }
  EXPECT_GT(validation, 0);
  EXPECT_EQ(training, validation);
}

}  // namespace
}  // namespace kindred
