#include "kindred/core/recipe.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "support/error_of.h"

namespace kindred {
namespace {

using test::error_of;

Recipe recipe_of(std::string_view text) { return Recipe::from_text(text, "r.toml"); }

TEST(RecipeDocument, SetChangesWhatTheFileSays) {
  Recipe recipe = recipe_of(R"(
    seed = 1
    [train]
    epochs = 12
    [[loss]]
    name = "softmax"
    [[loss]]
    name = "triplet"
    margin = 0.2
  )");
  recipe.set("seed=2");
  recipe.set("train.epochs = 3");
  recipe.set("train.name=plain word");
  recipe.set("train.quoted=\"12\"");
  recipe.set("train.empty=");
  recipe.set("loss.triplet.margin=0.3");
  recipe.set("loss.0.weight=0.5");
  recipe.set("augment.flip=true");
  recipe.set("model.hidden=[64, 32]");
  const auto flat = recipe.flat();
  EXPECT_EQ(flat.at("seed"), "2");
  EXPECT_EQ(flat.at("train.epochs"), "3");
  EXPECT_EQ(flat.at("train.name"), "\"plain word\"");
  EXPECT_EQ(flat.at("train.quoted"), "\"12\"");
  EXPECT_EQ(flat.at("train.empty"), "\"\"");
  EXPECT_EQ(flat.at("loss.1.margin"), "0.3");
  EXPECT_EQ(flat.at("loss.0.weight"), "0.5");
  EXPECT_EQ(flat.at("augment.flip"), "true");
  EXPECT_EQ(flat.at("model.hidden"), "[64, 32]");
}

TEST(RecipeDocument, SetRefusesWhatIsNoAssignmentOrNoElement) {
  Recipe recipe = recipe_of("[[loss]]\nname = \"softmax\"");
  EXPECT_EQ(error_of([&] { recipe.set("train.epochs"); }, ErrorKind::usage),
            "--set train.epochs: expected section.key=value, for instance train.epochs=3");
  EXPECT_NE(error_of([&] { recipe.set("=3"); }, ErrorKind::usage), "(no error)");
  EXPECT_EQ(error_of([&] { recipe.set("loss.triplet.margin=1"); }),
            "--set loss.triplet.margin=1: 'triplet' names no element of [[loss]]; use its number "
            "(from 0) or its name");
  EXPECT_NE(error_of([&] { recipe.set("loss.7.margin=1"); }), "(no error)");
  EXPECT_NE(error_of([&] { recipe.set("loss.margin=1"); }), "(no error)");
}

TEST(RecipeDocument, ResolvesToARecipeThatMeansTheSame) {
  const std::string text = R"(
    seed = 1
    [model]
    embedding = 128
    [[model.layers]]
    kind = "convolution"
    [model.layers.options]
    bias = false
    [[loss]]
    name = "softmax"
    [[loss]]
    name = "a \"b\" \\ \t ö"
    weight = 1e-3
    [data]
    counts = [1, 2]
    texts = ["x", "y"]
    numbers = [0.5, 1e20]
  )";
  Recipe recipe = recipe_of(text);
  double margin = 0.2;
  float small = 0.1f;
  double whole = 3;
  std::string word = "adam";
  recipe.root().section("optimizer").read("margin", margin, "");
  recipe.root().section("optimizer").read("small", small, "");
  recipe.root().section("optimizer").read("whole", whole, "");
  recipe.root().section("optimizer").read("word", word, "");
  recipe.root().section("empty");
  recipe.root().append("loss").read("name", word, "");
  const auto flat = recipe.flat();
  EXPECT_EQ(flat.at("optimizer.margin"), "0.2");
  EXPECT_EQ(flat.at("optimizer.small"), "0.1");
  EXPECT_EQ(flat.at("optimizer.whole"), "3.0");
  EXPECT_EQ(flat.at("optimizer.word"), "\"adam\"");
  EXPECT_EQ(flat.at("loss.2.name"), "\"adam\"");
  EXPECT_EQ(flat.at("model.layers.0.options.bias"), "false");
  const std::string resolved = recipe.resolved();
  EXPECT_EQ(recipe_of(resolved).flat(), flat) << resolved;
  EXPECT_EQ(recipe_of(resolved).resolved(), resolved);
}

TEST(RecipeDocument, TwoThatMeanTheSameResolveAlike) {
  const auto resolved = [](std::string_view text) {
    Recipe recipe = recipe_of(text);
    double scale = 1;
    std::vector<double> list;
    recipe.root().read("scale", scale, "");
    recipe.root().read("list", list, "");
    return recipe.resolved();
  };
  EXPECT_EQ(resolved("scale = 16\nlist = [1, 2]"), resolved("scale = 16.0\nlist = [1.0, 2.0]"));
}

TEST(RecipeDocument, KeepsTheOrderOfTheFile) {
  EXPECT_EQ(recipe_of("z = 1\na = 2\n[m]\ny = 1\nb = 2").resolved(),
            "z = 1\na = 2\n\n[m]\ny = 1\nb = 2\n");
}

TEST(RecipeDocument, NamesLineAndColumnOfASyntaxError) {
  const std::string message = error_of([] { recipe_of("seed = 1\nepochs = = 3\n"); });
  EXPECT_EQ(message.rfind("r.toml: line 2, column ", 0), 0u) << message;
  EXPECT_NE(error_of([] { recipe_of("a = 1\na = 2"); }), "(no error)");
  EXPECT_NE(error_of([] { recipe_of("a = 1979-05-27"); }), "(no error)");
  EXPECT_NE(error_of([] { recipe_of("a = [1, \"b\"]"); }), "(no error)");
  EXPECT_NE(error_of([] { recipe_of("a = [[1], [2]]"); }), "(no error)");
}

TEST(RecipeDocument, ComesFromAFileAndKnowsItsFolder) {
  const std::string folder = testing::TempDir() + "kindred_recipe_" + std::to_string(::getpid());
  std::filesystem::create_directories(folder);
  const std::string path = folder + "/r.toml";
  std::ofstream(path) << "seed = 7\n";
  Recipe recipe = Recipe::from_file(path);
  Index seed = 0;
  recipe.root().read("seed", seed, "");
  EXPECT_EQ(seed, 7);
  EXPECT_EQ(recipe.folder(), folder);
  EXPECT_EQ(recipe_of("").folder(), "");
  std::ofstream(path) << "seed = [\n";
  EXPECT_EQ(error_of([&] { Recipe::from_file(path); }).rfind(path + ": line ", 0), 0u);
  std::filesystem::remove_all(folder);
  EXPECT_NE(error_of([&] { Recipe::from_file(path); }, ErrorKind::no_input), "(no error)");
}

}  // namespace
}  // namespace kindred
