#include "kindred/train/recipe_choice.h"

#include <gtest/gtest.h>

#include <map>
#include <string>

#include "kindred/core/error.h"
#include "kindred/core/recipe.h"
#include "kindred/data/sample_source.h"
#include "support/small_data.h"
#include "support/temp_folder.h"
#include "train/choose/batch_choice.h"

namespace kindred {
namespace {

using test::expect_error;
using test::TempFolder;

RecipeFacts photos(Index classes, Index each,
                   Shape shape = {.channels = 3, .height = 64, .width = 64}) {
  RecipeFacts facts;
  facts.file = "photos.h5";
  facts.shape = shape;
  facts.class_sizes.assign(static_cast<std::size_t>(classes), each);
  return facts;
}

std::map<std::string, std::string> chosen(const RecipeFacts& facts) {
  Recipe recipe = Recipe::from_text(choose_recipe(facts).text, "chosen");
  for (const std::string& assignment : facts.assignments) recipe.set(assignment);
  return recipe.flat();
}

TEST(BatchChoice, TakesWhatEachClassCanGive) {
  struct Case {
    std::vector<Index> sizes;
    Index reserved, classes, samples, least, slice;
  };
  const std::vector<Case> cases{
      {{32, 32, 32, 32, 32, 32, 32, 32, 32, 32, 32, 32}, 0, 12, 4, 4, 16},  // 384 samples: 48
      {{200, 200, 200}, 0, 3, 16, 4, 16},  // few classes: more of each
      {{5, 9}, 0, 2, 4, 4, 8},             // never more than the smallest has
      {{1, 1, 2, 2, 2}, 0, 3, 2, 2, 6},    // those of one are not trained on
      {{2, 400, 400}, 0, 2, 32, 4, 16},    // one small class is no reason for pairs
      {{1, 1, 1, 7}, 0, 0, 0, 0, 0},       // one class is left
      {std::vector<Index>(100, 30), 20, 32, 4, 4, 16},
      {std::vector<Index>(30, 30), 27, 3, 16, 4, 16}};
  for (const Case& one : cases) {
    const BatchChoice batch = choose_batch(one.sizes, one.reserved);
    EXPECT_EQ(batch.classes, one.classes);
    EXPECT_EQ(batch.samples_per_class, one.samples);
    EXPECT_EQ(batch.min_class_size, one.least);
    EXPECT_EQ(batch.slice, one.slice);
    EXPECT_EQ(batch.batch() % std::max<Index>(batch.slice, 1), 0);
  }
}

TEST(RecipeChoice, KeepsWholeClassesForValidationWhereThereAreEnough) {
  EXPECT_EQ(chosen(photos(70, 30)).at("data.validation_classes"), "10");
  EXPECT_EQ(chosen(photos(20, 30)).at("data.validation_classes"), "3");
  EXPECT_FALSE(chosen(photos(19, 30)).contains("data.validation_classes"));
  RecipeFacts own = photos(70, 30);
  own.validation_samples = 100;  // the data set says which
  EXPECT_FALSE(chosen(own).contains("data.validation_classes"));
  RecipeFacts families = photos(70, 30);
  families.largest_family = 40;  // would be kept out whole
  EXPECT_FALSE(chosen(families).contains("data.validation_classes"));
}

TEST(RecipeChoice, PlansTheStepsThatTheTimeHolds) {
  RecipeFacts facts = photos(12, 32);  // 384 samples, batches of 48
  EXPECT_FALSE(chosen(facts).contains("train.planned_steps"));
  facts.seconds = 100;
  facts.images_per_second = 480;  // 10 steps a second
  // 92 % of the time.
  EXPECT_EQ(chosen(facts).at("train.planned_steps"), "920");
  EXPECT_NEAR(choose_recipe(facts).passes, 115, 1e-9);
  facts.validation_samples = 100;  // looked at 9 times, at 2.5 x the speed: 0.75 s
  EXPECT_EQ(chosen(facts).at("train.planned_steps"), "912");
  facts.seconds = 0;  // the import took it all
  EXPECT_EQ(chosen(facts).at("train.planned_steps"), "20");
}

TEST(RecipeChoice, LeavesAloneWhatIsSaid) {
  RecipeFacts facts = photos(12, 32);
  facts.seconds = 100;
  facts.images_per_second = 480;
  facts.assignments = {"train.epochs=3", "sampler.classes = 6", "augment.erase=0.25",
                       "loss.softmax.weight=0.5"};
  const std::string text = choose_recipe(facts).text;
  EXPECT_NE(text.find("classes = 6                   # as --set says"), text.npos) << text;
  EXPECT_NE(text.find("erase = 0.25"), text.npos) << text;
  auto values = chosen(facts);
  EXPECT_EQ(values.at("train.epochs"), "3");
  EXPECT_EQ(values.at("loss.0.weight"), "0.5");
  EXPECT_FALSE(values.contains("train.planned_steps"));

  // The schedule ends where the steps do.
  facts.assignments = {"train.steps=30", "model.architecture=resnet", "loss.0.name=cosface"};
  values = chosen(facts);
  EXPECT_EQ(values.at("train.planned_steps"), "30");
  EXPECT_EQ(values.at("train.steps"), "30");
  EXPECT_EQ(values.at("train.checkpoint_every"), "3");
  EXPECT_EQ(values.at("model.architecture"), "\"resnet\"");
  EXPECT_FALSE(values.contains("model.layers"));
  EXPECT_EQ(values.at("loss.0.name"), "\"cosface\"");

  facts.assignments = {"train.epochs=24"};  // of 8 steps
  values = chosen(facts);
  EXPECT_EQ(values.at("train.evaluate_every"), "3");
  EXPECT_EQ(values.at("train.checkpoint_every"), "24");

  facts.assignments = {"no assignment"};
  expect_error(ErrorKind::usage, "expected section.key=value", [&] { choose_recipe(facts); });
}

TEST(RecipeChoice, MirrorsPhotographsAndNoWriting) {
  RecipeFacts facts = photos(12, 32, {.channels = 1, .height = 28, .width = 28});
  EXPECT_EQ(chosen(facts).at("augment.flip"), "true");
  EXPECT_FALSE(chosen(facts).contains("augment.grey"));  // nothing to take away
  facts.drawn = true;
  EXPECT_EQ(chosen(facts).at("augment.flip"), "false");
  EXPECT_EQ(chosen(facts).at("model.architecture"), "\"conv4\"");
}

TEST(RecipeChoice, TakesAHeadForVectors) {
  RecipeFacts facts = photos(100, 20, {.channels = 768});
  facts.element = Element::f32;
  const auto values = chosen(facts);
  EXPECT_EQ(values.at("model.architecture"), "\"mlp\"");
  EXPECT_EQ(values.at("loss.0.name"), "\"proxy_anchor\"");
  EXPECT_FALSE(values.contains("augment.flip"));
  EXPECT_EQ(networks_to_choose(facts), 1);
}

TEST(RecipeChoice, NamesFilesOfAnyName) {
  RecipeFacts facts = photos(12, 32);
  facts.file = "my \"best\"\\photos.h5";
  Recipe recipe = Recipe::from_text(choose_recipe(facts).text, "chosen");
  std::string file;
  recipe.root().section("data").read("file", file, "");
  EXPECT_EQ(file, facts.file);
}

TEST(FactsOf, CountsWhatIsForTraining) {
  const TempFolder folder;
  test::write_small_data(folder / "data.h5", {.classes = 12, .test_classes = 4});
  const RecipeFacts facts = facts_of(Dataset::open(folder / "data.h5"));
  EXPECT_EQ(facts.class_sizes, std::vector<Index>(8, 6));
  EXPECT_EQ(facts.test_samples, 24);
  EXPECT_EQ(facts.validation_samples, 0);
  EXPECT_FALSE(facts.drawn);
  EXPECT_EQ(facts.shape, (Shape{.channels = 1, .height = 8, .width = 8}));
}

TEST(FactsOf, SaysWhatCannotBeTrainedOn) {
  const TempFolder folder;
  test::write_small_data(folder / "one.h5", {.classes = 1});
  expect_error(ErrorKind::data, "are of one class",
               [&] { facts_of(Dataset::open(folder / "one.h5")); });
  test::write_small_data(folder / "single.h5", {.classes = 5, .samples_per_class = 1});
  expect_error(ErrorKind::data, "fewer than two have two samples",
               [&] { facts_of(Dataset::open(folder / "single.h5")); });
}

}  // namespace
}  // namespace kindred
