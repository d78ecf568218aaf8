// The folder that a run takes, and what it leaves where it cannot start.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

#include "kindred/train/run.h"
#include "train/small_run.h"

namespace kindred {
namespace {

namespace fs = std::filesystem;
using test::expect_error;
using test::SmallRun;

const std::string kRecipe =
    std::string(test::kMlp) + test::kSoftmax + "[train]\ncheckpoint_every = 2\n";
constexpr Index kSteps = 9;

// Weights that could not be read left runs/NAME/checkpoints behind: the next run was NAME-2.
TEST(RunThatCannotStart, LeavesNothing) {
  const SmallRun runs;
  const std::vector<std::pair<std::string, ErrorKind>> wrong = {
      {"train.initial='" + runs.path("missing.kindred") + "'", ErrorKind::no_input},
      {"train.initial='" + runs.path("data.h5") + "'", ErrorKind::data},
      {"model.slice=5", ErrorKind::recipe},
  };
  RunObserver silent;
  for (const auto& [key, kind] : wrong) {
    for (const bool is_new : {false, true}) {
      expect_error(kind, "", [&, &key = key] {
        Recipe bad =
            Recipe::from_text(runs.recipe(kRecipe, kSteps).resolved(), runs.path("recipe.toml"));
        bad.set(key);
        run_training(std::move(bad), {.folder = runs.path("deep/run"), .is_new = is_new}, silent);
      });
      EXPECT_FALSE(fs::exists(runs.path("deep"))) << key;
    }
  }
}

TEST(NewRunFolder, IsTheFirstThatIsFree) {
  const SmallRun runs;
  RunObserver silent;
  for (const char* name : {"run", "run-2", "run-3"}) {
    const RunResult result =
        run_training(runs.recipe(kRecipe, 1), {.folder = runs.path("run"), .is_new = true}, silent);
    EXPECT_EQ(result.folder, runs.path(name));
    EXPECT_EQ(result.model, runs.path(name) + "/model.kindred");
    EXPECT_FALSE(fs::exists(result.folder + "/lock"));
  }
}

TEST(RunFolderOfSomebody, KeepsARecipeAndAModelThatNoRunWrote) {
  const SmallRun runs;
  for (const char* name : {"recipe.toml", "model.kindred"}) {
    const std::string file = runs.path(std::string("mine/") + name);
    fs::create_directories(runs.path("mine"));
    std::ofstream(file) << "# mine\nseed = 3\n";
    expect_error(ErrorKind::usage, file + ": exists and is not a",
                 [&] { runs.run("mine", runs.recipe(kRecipe, kSteps), 1); });
    EXPECT_EQ(fs::file_size(file), 16u);
    fs::remove_all(runs.path("mine"));
  }
  // What a run that was killed at its start left is taken over.
  runs.run("run", runs.recipe(kRecipe, 2), 1);
  fs::create_directory(runs.path("again"));
  for (const char* name : {"recipe.toml", "model.kindred"}) {
    fs::copy_file(runs.path("run") + "/" + name, runs.path("again") + "/" + name);
  }
  runs.run("again", runs.recipe(kRecipe, 2), 1);
  EXPECT_EQ(runs.model("again"), runs.model("run"));
}

}  // namespace
}  // namespace kindred
