#include "kindred/core/recipe.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "kindred/core/error.h"

namespace kindred {
namespace {

// The message of the recipe error that `call` throws, or what happened instead.
template <typename Call>
std::string error_of(Call call, ErrorKind kind = ErrorKind::recipe) {
  try {
    call();
    return "(no error)";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), kind) << error.what();
    return error.what();
  }
}

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

TEST(Recipe, SetChangesWhatTheFileSays) {
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

TEST(Recipe, SetRefusesWhatIsNoAssignmentOrNoElement) {
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

TEST(Recipe, ResolvesToARecipeThatMeansTheSame) {
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

TEST(Recipe, TwoThatMeanTheSameResolveAlike) {
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

TEST(Recipe, KeepsTheOrderOfTheFile) {
  EXPECT_EQ(recipe_of("z = 1\na = 2\n[m]\ny = 1\nb = 2").resolved(),
            "z = 1\na = 2\n\n[m]\ny = 1\nb = 2\n");
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

TEST(Recipe, NamesLineAndColumnOfASyntaxError) {
  const std::string message = error_of([] { recipe_of("seed = 1\nepochs = = 3\n"); });
  EXPECT_EQ(message.rfind("r.toml: line 2, column ", 0), 0u) << message;
  EXPECT_NE(error_of([] { recipe_of("a = 1\na = 2"); }), "(no error)");
  EXPECT_NE(error_of([] { recipe_of("a = 1979-05-27"); }), "(no error)");
  EXPECT_NE(error_of([] { recipe_of("a = [1, \"b\"]"); }), "(no error)");
  EXPECT_NE(error_of([] { recipe_of("a = [[1], [2]]"); }), "(no error)");
}

TEST(Recipe, ComesFromAFileAndKnowsItsFolder) {
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

TEST(Nearest, FindsTypingMistakesOnly) {
  EXPECT_EQ(nearest("margn", {"mining", "margin", "weight"}), "margin");
  EXPECT_EQ(nearest("Margin", {"margin"}), "margin");
  EXPECT_EQ(nearest("weight", {"margin", "mining"}), "");
  EXPECT_EQ(nearest("x", {}), "");
  EXPECT_EQ(nearest("same", {"name", "same"}), "same");
}

}  // namespace
}  // namespace kindred
