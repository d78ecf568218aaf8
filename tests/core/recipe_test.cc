#include "kindred/core/recipe.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "support/error_of.h"

namespace kindred {
namespace {

using test::error_of;

Recipe recipe_of(std::string_view text) { return Recipe::from_text(text, "r.toml"); }

TEST(Recipe, FillsFieldsOfEveryKind) {
  Recipe recipe = recipe_of(R"(
    flag = true
    count = 12
    share = 0.25
    small = 1e-3
    text = "one \"two\""
    numbers = [1, 2.5]
    counts = [3, 4]
    texts = ["a", "b"]
    choice = "blue"
  )");
  bool flag = false;
  Index count = 0;
  double share = 0;
  float small = 0;
  std::string text;
  std::vector<double> numbers;
  std::vector<Index> counts;
  std::vector<std::string> texts;
  std::string choice = "red";
  Section root = recipe.root();
  root.read("flag", flag, "");
  root.read("count", count, "");
  root.read("share", share, "");
  root.read("small", small, "");
  root.read("text", text, "");
  root.read("numbers", numbers, "");
  root.read("counts", counts, "");
  root.read("texts", texts, "");
  root.read_choice("choice", choice, {"red", "blue"}, "");
  recipe.finish();
  EXPECT_TRUE(flag);
  EXPECT_EQ(count, 12);
  EXPECT_EQ(share, 0.25);
  EXPECT_EQ(small, 1e-3f);
  EXPECT_EQ(text, "one \"two\"");
  EXPECT_EQ(numbers, (std::vector<double>{1, 2.5}));
  EXPECT_EQ(counts, (std::vector<Index>{3, 4}));
  EXPECT_EQ(texts, (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(choice, "blue");
}

TEST(Recipe, LeavesDefaultsWhereItHasNoKey) {
  Recipe recipe;
  double margin = 0.2;
  std::vector<Index> counts{1, 2};
  std::string name = "adam";
  recipe.root().read("margin", margin, "");
  recipe.root().read("counts", counts, "");
  recipe.root().section("optimizer").read_choice("name", name, {"adam", "sgd"}, "");
  EXPECT_TRUE(recipe.root().sections("loss").empty());
  recipe.finish();
  EXPECT_EQ(margin, 0.2);
  EXPECT_EQ(counts, (std::vector<Index>{1, 2}));
  EXPECT_EQ(name, "adam");
}

TEST(Recipe, TakesWholeNumbersAsNumbersAndEmptyLists) {
  Recipe recipe = recipe_of("scale = 16\nnumbers = []\ntexts = []\nwhole = [1, 2]\nloss = []");
  double scale = 0;
  std::vector<double> numbers{1};
  std::vector<std::string> texts{"x"};
  std::vector<double> whole;
  recipe.root().read("scale", scale, "");
  recipe.root().read("numbers", numbers, "");
  recipe.root().read("texts", texts, "");
  recipe.root().read("whole", whole, "");
  EXPECT_EQ(scale, 16.0);
  EXPECT_TRUE(numbers.empty());
  EXPECT_TRUE(texts.empty());
  EXPECT_EQ(whole, (std::vector<double>{1, 2}));
  EXPECT_TRUE(recipe.root().sections("loss").empty());
  recipe.finish();
}

TEST(Recipe, NamesWhatItExpectedAndWhatItFound) {
  Recipe recipe = recipe_of(R"(
    [train]
    epochs = "three"
    share = true
    steps = 2.5
    flag = 1
    name = 4
    list = [1.5]
    texts = [1]
    [train.inner]
  )");
  Section train = recipe.root().section("train");
  Index integer = 0;
  double number = 0;
  bool flag = false;
  std::string text;
  std::vector<Index> integers;
  std::vector<std::string> texts;
  EXPECT_EQ(error_of([&] { train.read("epochs", integer, ""); }),
            "r.toml: [train]: epochs: expected an integer, found text: \"three\"");
  EXPECT_EQ(error_of([&] { train.read("steps", integer, ""); }),
            "r.toml: [train]: steps: expected an integer, found a number: 2.5");
  EXPECT_EQ(error_of([&] { train.read("share", number, ""); }),
            "r.toml: [train]: share: expected a number, found true or false: true");
  EXPECT_EQ(error_of([&] { train.read("flag", flag, ""); }),
            "r.toml: [train]: flag: expected true or false, found an integer: 1");
  EXPECT_EQ(error_of([&] { train.read("name", text, ""); }),
            "r.toml: [train]: name: expected text, found an integer: 4");
  EXPECT_EQ(error_of([&] {
              train.read_choice("name", text, {"a", "b"}, "");
            }),
            "r.toml: [train]: name: expected one of a, b, found an integer: 4");
  EXPECT_EQ(error_of([&] { train.read("list", integers, ""); }),
            "r.toml: [train]: list: expected a list of integers, found a list of numbers: [1.5]");
  EXPECT_EQ(error_of([&] { train.read("texts", texts, ""); }),
            "r.toml: [train]: texts: expected a list of texts, found a list of integers: [1]");
  EXPECT_EQ(error_of([&] { train.read("inner", number, ""); }),
            "r.toml: [train]: inner: expected a number, found a table");
  EXPECT_EQ(error_of([&] { train.section("epochs"); }),
            "r.toml: [train]: epochs: expected a table [epochs], found text: \"three\"");
  EXPECT_EQ(error_of([&] { train.sections("inner"); }),
            "r.toml: [train]: inner: expected an array of tables [[inner]], found one table "
            "[inner]");
}

TEST(Recipe, ChecksRanges) {
  Recipe recipe = recipe_of("low = -0.5\nhigh = 17\nnan = nan\nedge = 1.0");
  double number = 0;
  Index integer = 0;
  float small = 0;
  Section root = recipe.root();
  EXPECT_EQ(error_of([&] {
              root.read("low", number, "", {0, 1});
            }),
            "r.toml: top level: low = -0.5: expected a value from 0 to 1");
  EXPECT_EQ(error_of([&] {
              root.read("low", small, "", {0, 1});
            }),
            "r.toml: top level: low = -0.5: expected a value from 0 to 1");
  EXPECT_EQ(error_of([&] {
              root.read("high", integer, "", {1, 16});
            }),
            "r.toml: top level: high = 17: expected a value from 1 to 16");
  EXPECT_NE(error_of([&] { root.read("nan", number, "", {0, 1}); }), "(no error)");
  root.read("edge", number, "", {0, 1});
  EXPECT_EQ(number, 1.0);
}

TEST(Recipe, SuggestsTheChoiceThatWasMeant) {
  Recipe recipe = recipe_of("[optimizer]\nname = \"adan\"\nschedule = \"xyz\"");
  Section section = recipe.root().section("optimizer");
  std::string text;
  EXPECT_EQ(error_of([&] {
              section.read_choice("name", text, {"sgd", "adam", "adamw"}, "");
            }),
            "r.toml: [optimizer]: name = 'adan': expected one of sgd, adam, adamw; did you mean "
            "'adam'?");
  EXPECT_EQ(error_of([&] {
              section.read_choice("schedule", text, {"constant", "cosine"}, "");
            }),
            "r.toml: [optimizer]: schedule = 'xyz': expected one of constant, cosine");
}

TEST(Recipe, RefusesUnknownKeysWithASuggestion) {
  Recipe recipe = recipe_of(R"(
    sed = 1
    [[loss]]
    name = "triplet"
    margn = 0.3
    [[loss]]
    weight = 1.0
    zzz = 1
    [optimiser]
  )");
  Index seed = 0;
  recipe.root().read("seed", seed, "");
  recipe.root().section("optimizer");
  const std::vector<Section> losses = recipe.root().sections("loss");
  ASSERT_EQ(losses.size(), 2u);
  for (Section loss : losses) {
    double number = 0;
    std::string name;
    loss.read("name", name, "");
    loss.read("margin", number, "");
    loss.read("weight", number, "");
  }
  EXPECT_EQ(error_of([&] { losses[0].finish(); }),
            "r.toml: unknown key 'margn' in [[loss]] triplet; did you mean 'margin'?");
  EXPECT_EQ(error_of([&] { losses[1].finish(); }),
            "r.toml: unknown key 'zzz' in [[loss]] 1; known are name, margin, weight");
  EXPECT_EQ(error_of([&] { recipe.finish(); }), "r.toml: unknown key 'sed'; did you mean 'seed'?");

  Recipe table = recipe_of("[optimiser]\nname = \"adam\"");
  table.root().section("optimizer");
  EXPECT_EQ(error_of([&] { table.finish(); }),
            "r.toml: unknown key 'optimiser'; did you mean 'optimizer'?");
  Recipe array = recipe_of("[[losses]]\nname = \"triplet\"");
  array.root().sections("loss");
  array.root().read("seed", seed, "");
  EXPECT_EQ(error_of([&] { array.finish(); }),
            "r.toml: unknown key 'losses'; did you mean 'loss'?");
}

TEST(Recipe, NestsArraysOfTables) {
  Recipe recipe = recipe_of(R"(
    [[model.layers]]
    kind = "residual"
    [[model.layers.body]]
    kind = "convolution"
    [[model.layers.body]]
    kind = "relu"
    [[model.layers]]
    kind = "flatten"
  )");
  Section model = recipe.root().section("model");
  std::vector<Section> layers = model.sections("layers");
  ASSERT_EQ(layers.size(), 2u);
  EXPECT_EQ(layers[0].name(), "[[model.layers]] residual");
  EXPECT_EQ(layers[0].sections("body").size(), 2u);
  EXPECT_EQ(layers[0].sections("body")[1].name(), "[[model.layers.body]] relu");
  EXPECT_TRUE(layers[1].sections("body").empty());
  EXPECT_TRUE(layers[0].has("body"));
  EXPECT_FALSE(layers[1].has("body"));
  EXPECT_EQ(recipe_of(recipe.resolved()).flat(), recipe.flat());
}

TEST(Recipe, RemembersWhatItWasAskedFor) {
  Recipe recipe = recipe_of("[loss]\nmargin = 0.3");
  Section section = recipe.root().section("loss");
  double margin = 0.2;
  std::string mining = "hard";
  section.read("margin", margin, "distance to keep", {0, 10});
  section.read("margin", margin, "asked twice, written down once", {0, 10});
  section.read_choice("mining", mining, {"hard", "all"}, "which triplets");
  ASSERT_EQ(section.settings().size(), 2u);
  EXPECT_EQ(section.settings()[0].key, "margin");
  EXPECT_EQ(section.settings()[0].type, "a number");
  EXPECT_EQ(section.settings()[0].value, "0.3");
  EXPECT_EQ(section.settings()[0].description, "distance to keep");
  EXPECT_EQ(section.settings()[0].range.high, 10);
  EXPECT_EQ(section.settings()[1].type, "hard | all");
  EXPECT_EQ(section.settings()[1].value, "\"hard\"");
}

TEST(Nearest, FindsTypingMistakesOnly) {
  EXPECT_EQ(nearest("margn", {"mining", "margin", "weight"}), "margin");
  EXPECT_EQ(nearest("Margin", {"margin"}), "margin");
  EXPECT_EQ(nearest("weight", {"margin", "mining"}), "");
  EXPECT_EQ(nearest("x", {}), "");
  EXPECT_EQ(nearest("same", {"name", "same"}), "same");
}

}  // namespace
}  // namespace kindred
