// Whole runs: what a run folder holds, how it is resumed, what it says when something is wrong.
#include "kindred/train/run.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "kindred/core/error.h"
#include "kindred/train/checkpoint.h"
#include "kindred/train/model.h"
#include "support/bfloat16.h"
#include "train/runs/run_log.h"
#include "train/small_run.h"

namespace kindred {
namespace {

namespace fs = std::filesystem;
using test::expect_error;
using test::SmallRun;

const std::string kRecipe = std::string(test::kMlp) + test::kSoftmax;

TEST(Run, LeavesWhatTheFolderPromises) {
  const SmallRun runs;
  Recipe recipe = runs.recipe(kRecipe, 6);
  recipe.set("train.checkpoint_every=2");
  const RunResult result = runs.run("run", std::move(recipe), 2);
  EXPECT_EQ(result.step, 6);
  EXPECT_FALSE(result.interrupted);
  EXPECT_TRUE(fs::exists(runs.path("run/recipe.toml")));
  EXPECT_EQ(read_model(runs.path("run/model.kindred")).step, 6);
  const std::vector<Json> lines = read_run_log(runs.path("run/metrics.jsonl"));
  EXPECT_EQ(acknowledged_checkpoints(lines),
            (std::vector<std::string>{"checkpoints/step-00000006.kindred",
                                      "checkpoints/step-00000004.kindred",
                                      "checkpoints/step-00000002.kindred"}));
  EXPECT_FALSE(fs::exists(runs.path("run/checkpoints/step-00000002.kindred")));  // two are kept
  EXPECT_TRUE(lines[0]["machine"].is_string());
  EXPECT_EQ(lines[0]["threads"], 2);
  EXPECT_EQ(lines[0]["batch"], 24);
  for (const char* key : {"softmax", "gradient_norm", "embedding_norm", "train_seconds"}) {
    EXPECT_TRUE(lines[1].contains(key)) << key;
  }
}

TEST(Run, LogsTheWeightInForceOfALossWithASchedule) {
  const SmallRun runs;
  const std::string text = kRecipe +
                           "[[loss]]\nname = 'triplet'\nweight = 2\nwarm_up_from = 0.25\n" +
                           "warm_up_to = 0.5\nfade_to = 0.75\n";
  Recipe first = runs.recipe(text, 8);
  first.set("train.steps=3");
  runs.run("run", std::move(first), 1);
  runs.run("run", runs.recipe(text, 8), 1, true);
  const std::vector<double> expected = {0, 0, 1, 2, 2, 2, 0, 0};
  std::vector<double> weights;
  for (const Json& line : read_run_log(runs.path("run/metrics.jsonl"))) {
    if (!line.contains("loss")) continue;
    EXPECT_FALSE(line.contains("softmax.weight"));
    weights.push_back(line["triplet.weight"].get<double>());
    EXPECT_DOUBLE_EQ(
        line["loss"].get<double>(),
        line["softmax"].get<double>() + weights.back() * line["triplet"].get<double>());
  }
  EXPECT_EQ(weights, expected);
}

TEST(Run, LearnsTheSmallData) {
  test::SmallData data;
  data.test_classes = 4;
  const SmallRun runs(data);
  const RunResult result = runs.run("run", runs.recipe(kRecipe, 60), 2);
  ASSERT_EQ(result.evaluations.size(), 1u);
  EXPECT_EQ(result.evaluations[0].split, "test");
  // Noise is an eighth of the pattern's range: neighbours of unseen classes are told apart.
  EXPECT_GT(result.evaluations[0].result["recall@1"], 0.9);
}

TEST(Run, WritesARecipeThatTrainsTheSame) {
  const SmallRun runs;
  runs.run("first", runs.recipe(kRecipe, 3), 1);
  runs.run("second", Recipe::from_file(runs.path("first/recipe.toml")), 1);
  EXPECT_EQ(read_model(runs.path("first/model.kindred")).fingerprint,
            read_model(runs.path("second/model.kindred")).fingerprint);
}

TEST(Run, RefusesAFolderThatHoldsARun) {
  const SmallRun runs;
  runs.run("run", runs.recipe(kRecipe, 2), 1);
  expect_error(ErrorKind::cannot_create, "holds a run already; go on with it by --resume",
               [&] { runs.run("run", runs.recipe(kRecipe, 2), 1); });
}

TEST(Run, NamesTheKeyThatMayNotChangeOnResume) {
  const SmallRun runs;
  Recipe first = runs.recipe(kRecipe, 6);
  first.set("train.steps=2");
  runs.run("run", std::move(first), 1);
  Recipe second = runs.recipe(kRecipe, 6);
  second.set("optimizer.learning_rate=0.5");
  expect_error(ErrorKind::recipe, "another 'optimizer.learning_rate': it was 0.001, now 0.5",
               [&] { runs.run("run", std::move(second), 1, true); });
}

TEST(Run, WritesDownWhatAutoBecameAndResumesInNothingElse) {
  const std::string found(name_of(precision_named("auto")));
  const std::string other = found == "float32" ? "bfloat16" : "float32";
  const SmallRun runs;
  const auto recipe = [&](const std::string& precision) {
    Recipe made = runs.recipe(kRecipe, 6);
    made.set("model.precision=" + precision);
    return made;
  };
  Recipe first = recipe("auto");
  first.set("train.steps=2");
  runs.run("run", std::move(first), 1);
  EXPECT_EQ(Recipe::from_file(runs.path("run/recipe.toml")).flat().at("model.precision"),
            '"' + found + '"');
  EXPECT_EQ(name_of(read_model(runs.path("run/model.kindred")).architecture.precision), found);
  if (has_bfloat16()) {
    expect_error(ErrorKind::recipe,
                 "another 'model.precision': it was \"" + found + "\", now \"" + other + "\"",
                 [&] { runs.run("run", recipe(other), 1, true); });
  }
  EXPECT_EQ(runs.run("run", recipe("auto"), 1, true).step, 6);  // the same on this CPU
}

TEST(Run, LearnsTheSmallDataInBfloat16) {
  SKIP_WITHOUT(Precision::bfloat16);
  test::SmallData data;
  data.test_classes = 4;
  const SmallRun runs(data);
  Recipe recipe = runs.recipe(kRecipe, 60);
  recipe.set("model.precision=bfloat16");
  const RunResult result = runs.run("run", std::move(recipe), 2);
  EXPECT_GT(result.evaluations.at(0).result["recall@1"], 0.9);
}

TEST(Run, ResumesWithoutBeingToldTheRecipe) {
  const SmallRun runs;
  Recipe first = runs.recipe(kRecipe, 6);
  first.set("train.steps=2");
  runs.run("run", std::move(first), 1);
  Recipe recipe = recipe_of_run(runs.path("run"));
  recipe.set("train.steps=0");
  EXPECT_EQ(runs.run("run", std::move(recipe), 1, true).step, 6);
}

TEST(Run, ToleratesATornLastLineAndForgetsLinesPastTheCheckpoint) {
  const SmallRun runs;
  Recipe first = runs.recipe(kRecipe, 9);
  first.set("train.steps=4");
  runs.run("run", std::move(first), 1);
  std::ofstream(runs.path("run/metrics.jsonl"), std::ios::app)
      << "{\"step\":5,\"loss\":1}\n{\"step\":6,\"lo";
  runs.run("run", runs.recipe(kRecipe, 9), 1, true);
  Index fives = 0;
  for (const Json& line : read_run_log(runs.path("run/metrics.jsonl"))) {
    if (line["step"] == 5) ++fives;
  }
  EXPECT_EQ(fives, 1);
}

TEST(Run, FallsBackToTheCheckpointBeforeADamagedOne) {
  const SmallRun runs;
  Recipe first = runs.recipe(kRecipe, 9);
  first.set("train.steps=4");
  first.set("train.checkpoint_every=2");
  runs.run("run", std::move(first), 1);
  fs::resize_file(runs.path("run/checkpoints/step-00000004.kindred"), 100);
  Recipe second = runs.recipe(kRecipe, 9);
  second.set("train.checkpoint_every=2");
  EXPECT_EQ(runs.run("run", std::move(second), 1, true).step, 9);
}

TEST(Run, StopsWithoutHarmWhenAskedTo) {
  struct StopAtThree final : RunObserver {
    Index seen = 0;
    void on_step(const StepReport& report, double) override { seen = report.step; }
    bool stop_requested() override { return seen == 3; }
  };
  const SmallRun runs;
  StopAtThree observer;
  const RunResult result =
      run_training(runs.recipe(kRecipe, 8), {runs.path("run"), false, 1}, observer);
  EXPECT_TRUE(result.interrupted);
  EXPECT_EQ(result.step, 3);
  runs.run("run", runs.recipe(kRecipe, 8), 1, true);
  runs.run("whole", runs.recipe(kRecipe, 8), 1);
  EXPECT_EQ(runs.checkpoint("run", 8), runs.checkpoint("whole", 8));
}

TEST(Run, TakesOverWeightsByNameAndSaysWhatDidNotFit) {
  struct Notes final : RunObserver {
    std::string all;
    void on_note(const std::string& text) override { all += text + "\n"; }
  };
  const SmallRun runs;
  runs.run("first", runs.recipe(kRecipe, 3), 1);
  Recipe second = runs.recipe(std::string(test::kMlp) + "[[loss]]\nname = 'center'\n", 1);
  second.set("train.initial=\"" + runs.path("first/model.kindred") + "\"");
  second.set("optimizer.learning_rate=0.0");
  Notes notes;
  run_training(std::move(second), {runs.path("second"), false, 1}, notes);
  EXPECT_NE(notes.all.find("has no place here and is left out"), std::string::npos) << notes.all;
  const Model before = read_model(runs.path("first/model.kindred"));
  const Model after = read_model(runs.path("second/model.kindred"));
  const Segment& segment = after.table.segments()[0];
  EXPECT_TRUE(std::equal(after.parameters.data() + segment.offset,
                         after.parameters.data() + segment.offset + segment.size,
                         before.parameters.data() + before.table.find(segment.name)->offset));
}

TEST(Run, StopsAtANonFiniteLossAndKeepsTheLastGoodCheckpoint) {
  const SmallRun runs;
  Recipe recipe = runs.recipe(std::string(test::kMlp) +
                                  "[[loss]]\nname = 'softmax'\n[optimizer]\nname = 'sgd'\n"
                                  "learning_rate = 1e6\n[train]\ncheckpoint_every = 1\n",
                              500);
  expect_error(ErrorKind::diverged, "lower optimizer.learning_rate",
               [&] { runs.run("run", std::move(recipe), 1); });
  const auto names = acknowledged_checkpoints(read_run_log(runs.path("run/metrics.jsonl")));
  if (!names.empty()) {
    EXPECT_NO_THROW(read_checkpoint_header(runs.path("run/" + names.front())));
  }
}

TEST(Run, SaysWhatIsWrongWithARecipe) {
  const SmallRun runs;
  const auto rejects = [&](const std::string& text, const std::string& part) {
    expect_error(ErrorKind::recipe, part, [&] { runs.run("bad", runs.recipe(text, 2), 1); });
  };
  rejects(kRecipe + "margn = 1\n", "unknown key 'margn' in [[loss]] softmax");
  rejects(kRecipe + "[optimiser]\nname = 'adam'\n",
          "unknown key 'optimiser'; did you mean 'optimizer'?");
  rejects(kRecipe + "[train]\nkeep_checkpoints = 'ten'\n",
          "[train]: keep_checkpoints: expected an integer, found text");
  rejects("[model]\narchitecture = 'mlp'\nslice = 5\n" + std::string(test::kSoftmax),
          "a batch of 24 does not divide into such slices; use slice = 4 or 6");
  rejects("[model]\narchitecture = 'conv5'\n" + std::string(test::kSoftmax), "conv4");
  rejects("[model]\nprecision = 'bfloat61'\n" + std::string(test::kSoftmax),
          "expected one of float32, bfloat16, auto; did you mean 'bfloat16'?");
  EXPECT_FALSE(fs::exists(runs.path("bad")));
}

TEST(Run, NamesAnUnwritableFolder) {
  const SmallRun runs;
  std::ofstream(runs.path("file")) << "in the way";
  expect_error(ErrorKind::cannot_create, "cannot create the folder",
               [&] { runs.run("file/run", runs.recipe(kRecipe, 2), 1); });
}

}  // namespace
}  // namespace kindred
