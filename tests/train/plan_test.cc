// What a run says where it has less to do than asked for, and what it finds wrong before it begins.
#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include "kindred/core/error.h"
#include "kindred/train/trainer.h"
#include "train/small_run.h"

namespace kindred {
namespace {

using test::expect_error;
using test::SmallRun;

const std::string kRecipe = std::string(test::kMlp) + test::kSoftmax;

struct Notes final : RunObserver {
  std::string all;
  void on_note(const std::string& text) override { all += text + "\n"; }
};

std::string notes_of(const SmallRun& runs, Recipe recipe, bool resume) {
  Notes notes;
  run_training(std::move(recipe), {runs.path("run"), resume, 1}, notes);
  return notes.all;
}

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != text.npos;
}

// They were capped in silence.
TEST(Plan, SaysThatStepsEndWithIt) {
  const SmallRun runs;  // 72 samples in batches of 24: 3 steps an epoch
  Recipe planned = runs.recipe(kRecipe, 6);
  planned.set("train.steps=7");
  const std::string by_plan = notes_of(runs, std::move(planned), false);
  EXPECT_TRUE(contains(by_plan,
                       "train.steps = 7 is beyond the planned end: the run ends at step 6 "
                       "(train.planned_steps = 6)"))
      << by_plan;
  std::filesystem::remove_all(runs.path("run"));
  Recipe epochs = runs.recipe(kRecipe, 0);
  epochs.set("train.epochs=2");
  epochs.set("train.steps=100");
  const std::string by_epochs = notes_of(runs, std::move(epochs), false);
  EXPECT_TRUE(contains(by_epochs, "the run ends at step 6 (train.epochs = 2 of 3 steps each)"))
      << by_epochs;
  EXPECT_TRUE(contains(by_epochs, "a larger train.epochs")) << by_epochs;
  std::filesystem::remove_all(runs.path("run"));
  Recipe exact = runs.recipe(kRecipe, 6);
  exact.set("train.steps=6");
  EXPECT_EQ(notes_of(runs, std::move(exact), false), "");
}

TEST(Plan, SaysThatAFinishedRunIsFinishedAndHowToGoOn) {
  const SmallRun runs;
  EXPECT_EQ(notes_of(runs, runs.recipe(kRecipe, 6), false), "");
  for (const char* steps : {"train.steps=0", "train.steps=6", "train.steps=3", "train.steps=9"}) {
    Recipe recipe = recipe_of_run(runs.path("run"));
    recipe.set(steps);
    const std::string notes = notes_of(runs, std::move(recipe), true);
    EXPECT_TRUE(contains(notes, "the run is finished, all its 6 planned steps are done")) << notes;
    EXPECT_TRUE(contains(notes, "--set train.initial=model.kindred --out NEW")) << notes;
    EXPECT_EQ(contains(notes, "beyond the planned end"), std::string(steps) == "train.steps=9");
  }
  // As it says.
  Recipe next = Recipe::from_file(runs.path("run/recipe.toml"));
  next.set("train.initial=model.kindred");
  EXPECT_EQ(runs.run("next", std::move(next), 1).step, 6);
}

TEST(Plan, SaysThatTheStepsAskedForAreDone) {
  const SmallRun runs;
  const auto resumed = [&](const std::string& steps) {
    Recipe recipe = recipe_of_run(runs.path("run"));
    recipe.set("train.steps=" + steps);
    return notes_of(runs, std::move(recipe), true);
  };
  Recipe recipe = runs.recipe(kRecipe, 6);
  recipe.set("train.steps=3");
  EXPECT_EQ(notes_of(runs, std::move(recipe), false), "");
  for (const char* steps : {"2", "3"}) {
    const std::string notes = resumed(steps);
    EXPECT_TRUE(contains(notes, "3 of 6 planned steps are done, and train.steps = ")) << notes;
    EXPECT_TRUE(contains(notes, "--resume --set train.steps=0")) << notes;
  }
  EXPECT_EQ(resumed("0"), "");
}

// It failed at the first evaluation, after an epoch, with the code of a wrong command line.
TEST(Plan, KnowsTheMetricThatSelectsBeforeItBegins) {
  const SmallRun runs;
  const auto with = [&](const std::string& metric) {
    Recipe recipe = runs.recipe(kRecipe, 3);
    recipe.set("train.select='" + metric + "'");
    return runs.run(metric, std::move(recipe), 1);
  };
  for (const char* wrong : {"foo", "", "recall@3", "accuracy_mean", "loss"}) {
    expect_error(ErrorKind::recipe,
                 "[train]: select = '" + std::string(wrong) + "': expected one of",
                 [&] { with(wrong); });
    if (*wrong != '\0') {
      EXPECT_FALSE(std::filesystem::exists(runs.path(wrong)));
    }
  }
  expect_error(ErrorKind::recipe, "did you mean 'map@r'?", [&] { with("map@R"); });
  for (const char* right :
       {"recall@1", "recall@8", "precision@10", "r_precision", "map@r", "map", "mrr"}) {
    EXPECT_EQ(with(right).step, 3) << right;
  }
  TrainingSettings settings;
  settings.train.select = "foo";
  settings.train.slice = 4;
  settings.sampler = {"pxk", {{"classes", Index{6}}, {"samples_per_class", Index{4}}}};
  settings.architecture = make_architecture({"mlp"}, {.channels = 1, .height = 8, .width = 8});
  settings.losses = {{"softmax"}};
  expect_error(ErrorKind::recipe, "[train] select = 'foo'", [&] {
    make_setup(settings, std::make_unique<Dataset>(Dataset::open(runs.path("data.h5"))));
  });
}

TEST(Plan, NamesTheDataSetThatARecipeLeavesOut) {
  Recipe recipe = Recipe::from_text(kRecipe, "mine.toml");
  expect_error(ErrorKind::recipe, "mine.toml: [data]: names no file, and the default is not there",
               [&] { read_setup(recipe, "/nowhere"); });
}

}  // namespace
}  // namespace kindred
