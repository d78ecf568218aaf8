// A run whose embeddings lie on one point says so: in its log, its result and its report, whatever
// the loss.
#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "kindred/data/hdf5_file.h"
#include "kindred/loss/loss.h"
#include "kindred/train/run_report.h"
#include "train/runs/run_log.h"
#include "train/small_run.h"

namespace kindred {
namespace {

using test::SmallRun;

// As many numbers as the small data has targets.
constexpr const char* kTiny =
    "[model]\narchitecture = 'mlp'\nhidden = [20]\nembedding = 3\nslice = 4\n";

struct Warnings final : RunObserver {
  std::string all;
  void on_note(const std::string&) override {}
  void on_warning(const std::string& text) override { all += text + "\n"; }
};

std::string recipe_of(std::string_view loss) {
  return std::string(kTiny) + "[[loss]]\nname = '" + std::string(loss) + "'\n";
}

RunResult train(const SmallRun& runs, const std::string& name, std::string_view loss, Index steps,
                RunObserver& observer) {
  return run_training(runs.recipe(recipe_of(loss), steps), {runs.path(name), false, 1}, observer);
}

/// The small data with one image for all samples.
void make_all_alike(const SmallRun& runs) {
  const test::SmallSamples samples = test::small_samples();
  const auto count = static_cast<Index>(samples.labels.size());
  std::vector<std::uint8_t> images(samples.images.size());
  for (std::size_t i = 0; i < images.size(); ++i) images[i] = samples.images[i % 64];
  Hdf5Writer writer(runs.path("data.h5"));
  writer.write<std::uint8_t>("images", {count, 8, 8, 1}, images);
  writer.write<std::int64_t>("labels", {count}, samples.labels);
  writer.write<float>("targets", {count, 3}, samples.targets);
  writer.finish();
}

TEST(Collapse, IsSeenWithEveryLossWhereAllImagesAreEqual) {
  const SmallRun runs;
  make_all_alike(runs);
  const Workers workers(1);
  for (const LossEntry& entry : loss_registry()) {
    SCOPED_TRACE(entry.name);
    const std::string name(entry.name);
    Warnings warnings;
    const RunResult result = train(runs, name, entry.name, 55, warnings);
    EXPECT_NE(result.collapse.find("the embeddings collapse"), std::string::npos);
    EXPECT_GT(result.between_class_cosine, 0.999);
    EXPECT_NE(warnings.all.find("at step 50"), std::string::npos) << warnings.all;
    const std::vector<Json> log = read_run_log(runs.path(name) + "/metrics.jsonl");
    EXPECT_GT(number_in(log.at(1), "between_class_cosine"), 0.999);
    EXPECT_EQ(std::ranges::count_if(log, [](const Json& line) { return line.contains("note"); }),
              1);
    const Report report = describe_run(runs.path(name), "", workers, [](const std::string&) {});
    EXPECT_TRUE(std::ranges::any_of(report.notes, [](const std::string& note) {
      return note.find("the embeddings collapse") != note.npos;
    }));
  }
}

TEST(Collapse, IsSeenInAShortRunAtItsEnd) {
  const SmallRun runs;
  make_all_alike(runs);
  Warnings warnings;
  EXPECT_NE(train(runs, "run", "softmax", 12, warnings).collapse, "");
  EXPECT_EQ(warnings.all, "");
}

TEST(Collapse, IsNotSeenWhereThereIsNone) {
  const SmallRun runs;
  for (const char* loss : {"softmax", "triplet", "mse"}) {
    Warnings warnings;
    EXPECT_EQ(train(runs, loss, loss, 55, warnings).collapse, "") << loss;
    EXPECT_EQ(warnings.all, "") << loss;
  }
}

// A resumed run's log is that of an uninterrupted one, this line included.
TEST(Collapse, IsToldAtTheSameStepByAResumedRun) {
  const SmallRun runs;
  make_all_alike(runs);
  RunObserver silent;
  train(runs, "whole", "softmax", 60, silent);
  Recipe first = runs.recipe(recipe_of("softmax"), 60);
  first.set("train.steps=30");
  runs.run("parts", std::move(first), 1);
  runs.run("parts", runs.recipe(recipe_of("softmax"), 60), 1, true);
  const auto notes = [&](const std::string& name) {
    std::vector<std::string> found;
    for (const Json& line : read_run_log(runs.path(name) + "/metrics.jsonl")) {
      if (line.contains("note")) found.push_back(line.dump());
    }
    return found;
  };
  EXPECT_EQ(notes("whole").size(), 1u);
  EXPECT_EQ(notes("parts"), notes("whole"));
}

}  // namespace
}  // namespace kindred
