// `kindred list` names everything that a recipe may say.
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <sstream>
#include <string>

#include "kindred/core/recipe.h"
#include "kindred/loss/loss.h"
#include "kindred/loss/miner.h"
#include "kindred/nn/registry.h"
#include "kindred/train/optimizer.h"
#include "support/small_data.h"
#include "tools/program.h"

namespace kindred {
namespace {

using test::contains;
using test::kindred;
using test::Outcome;
using test::TempFolder;

std::string listed(const std::string& what) {
  const Outcome outcome = kindred("list " + what);
  EXPECT_EQ(outcome.code, 0) << what << outcome.err;
  return outcome.out;
}

// A run's recipe has every key that training reads, defaults included.
TEST(List, ShowsEveryKeyOfEveryTableOfARecipe) {
  const TempFolder folder;
  test::write_small_data(folder / "data.h5", {.test_classes = 4});
  std::ofstream(folder / "recipe.toml")
      << "[data]\nfile = 'data.h5'\n[sampler]\nclasses = 6\nsamples_per_class = 4\n"
         "[model]\nwidth = 8\nembedding = 8\nslice = 4\n[[loss]]\nname = 'softmax'\n"
         "[train]\nsteps = 1\n";
  ASSERT_EQ(
      kindred("train " + (folder / "recipe.toml") + " --quiet --out " + (folder / "run")).code, 0);
  const Recipe recipe = Recipe::from_file(folder / "run/recipe.toml");
  Index keys = 0;
  for (const auto& [path, value] : recipe.flat()) {
    const std::string table = path.substr(0, path.find('.'));
    const std::string key = path.substr(path.rfind('.') + 1);
    if (table == "loss" && key != "name") continue;  // of softmax: below
    const std::string line = "\n    " + key + " = ";
    EXPECT_TRUE(contains(listed(table == path ? "sections" : table), line)) << path;
    EXPECT_TRUE(contains(listed("'[" + table + "]'") + listed(key), line)) << path;
    ++keys;
  }
  EXPECT_GT(keys, 50);
  const std::string softmax = listed("softmax");
  for (const auto& [path, value] : recipe.flat()) {
    if (!path.starts_with("loss.0.") || path == "loss.0.name") continue;
    const std::string line = "\n    " + path.substr(7) + " = ";
    EXPECT_TRUE(contains(softmax + listed("loss"), line)) << path;
  }
}

TEST(List, ShowsEverythingByItsName) {
  const auto shown = [](std::string_view name, const std::string& what) {
    const std::string text = listed(what.empty() ? std::string(name) : what);
    EXPECT_TRUE(contains(text, "\n  " + std::string(name) + ": ")) << name << text;
  };
  for (const LossEntry& entry : loss_registry()) shown(entry.name, "");
  for (const MinerEntry& entry : miner_registry()) shown(entry.name, "");
  for (const OptimizerEntry& entry : optimizer_registry()) shown(entry.name, "");
  for (const LayerListing& entry : list_layers()) shown(entry.name, "");
  for (const char* name : {"conv4", "mlp", "resnet", "pxk", "shuffle", "balanced", "map@r", "eer",
                           "omniglot", "idx", "train", "data", "augment", "model", "optimizer"}) {
    shown(name, "");
  }
  // A name of several is shown with all.
  const std::string several = listed("multi_similarity");
  EXPECT_TRUE(contains(several, "losses (") && contains(several, "miners (")) << several;
  EXPECT_TRUE(contains(listed("train.epochs"), "    epochs = 12\n"));
  EXPECT_TRUE(contains(listed("'[[loss]]'"), "    weight = 1.0\n"));
}

TEST(List, SuggestsTheNearestName) {
  for (const auto& [asked, meant] : {std::pair("suppcon", "supcon"),
                                     {"lossess", "losses"},
                                     {"learning_rat", "learning_rate"},
                                     {"resnte", "resnet"}}) {
    const Outcome outcome = kindred("list " + std::string(asked));
    EXPECT_EQ(outcome.code, 64) << outcome.err;
    EXPECT_TRUE(contains(outcome.err, "did you mean '" + std::string(meant) + "'?")) << outcome.err;
  }
  const Outcome far = kindred("list qqqqqqqqqqqqqqqqq");
  EXPECT_EQ(far.code, 64);
  EXPECT_TRUE(contains(far.err, "the lists are sections, losses, miners")) << far.err;
}

TEST(List, FitsEightyColumns) {
  std::istringstream lines(listed(""));
  for (std::string line; std::getline(lines, line);) {
    const auto width =
        std::count_if(line.begin(), line.end(), [](char c) { return (c & 0xC0) != 0x80; });
    // A path, or a word, may be longer than a line: it stands alone.
    EXPECT_TRUE(width <= 80 || line.find(' ', line.find_first_not_of(' ')) == line.npos) << line;
  }
}

}  // namespace
}  // namespace kindred
