#include "kindred/data/training_set.h"

#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

#include "support/data_files.h"
#include "support/temp_folder.h"

namespace kindred {
namespace {

using test::DataFile;
using test::expect_error;
using test::numbered_images;
using test::TempFolder;
using test::write_data_file;

// Six classes in three alphabets; class 4 is not in the training split, class 5 has one sample.
Dataset six_classes(const TempFolder& folder) {
  write_data_file(folder / "a.h5", {.images = numbered_images(12, 4),
                                    .labels = {0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 1},
                                    .class_names = {"A/1", "A/2", "B/1", "B/2", "C/1", "C/2"},
                                    .split = {0, 0, 0, 0, 0, 0, 0, 0, 2, 2, 0, 0}});
  return Dataset::open(folder / "a.h5");
}

TEST(TrainingSet, LabelsAreDenseOverTheClassesLeft) {
  const TempFolder folder;
  const Dataset data = six_classes(folder);
  const TrainingSet set = make_training_set(data, {}, 1);
  EXPECT_EQ(set.classes, 5);
  EXPECT_EQ(set.class_names, (std::vector<std::string>{"A/1", "A/2", "B/1", "B/2", "C/2"}));
  ASSERT_EQ(set.entries.size(), 10U);
  EXPECT_EQ(set.entries[4].sample, 11);  // the third of class 1
  EXPECT_EQ(set.entries[4].label, 1);
  EXPECT_EQ(set.entries[9].sample, 10);
  EXPECT_EQ(set.entries[9].label, 4);
  EXPECT_TRUE(set.validation_samples.empty());
}

TEST(TrainingSet, DropsSmallClasses) {
  const TempFolder folder;
  const Dataset data = six_classes(folder);
  const TrainingSet set = make_training_set(data, {.min_class_size = 3}, 1);
  EXPECT_EQ(set.class_names, std::vector<std::string>{"A/2"});
  expect_error(ErrorKind::data, "no training sample is left (10 of split 0, min_class_size = 4)",
               [&] { make_training_set(data, {.min_class_size = 4}, 1); });
}

TEST(TrainingSet, QuarterTurnsAreFurtherClasses) {
  const TempFolder folder;
  const Dataset data = six_classes(folder);
  const TrainingSet set = make_training_set(data, {.quarter_turns = true}, 1);
  EXPECT_EQ(set.classes, 20);
  ASSERT_EQ(set.entries.size(), 40U);
  EXPECT_EQ(set.class_names[6], "A/2 turned 90");
  EXPECT_EQ(set.entries[10].turns, 1);
  EXPECT_EQ(set.entries[10].label, 5);
  EXPECT_EQ(set.entries[10].sample, 0);
  EXPECT_EQ(set.entries[39].turns, 3);
  EXPECT_EQ(set.entries[39].label, 19);
}

TEST(TrainingSet, CarvesWholeAlphabetsBySeed) {
  const TempFolder folder;
  const Dataset data = six_classes(folder);
  std::set<std::string> first_names;
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    const TrainingSet set = make_training_set(data, {.validation_classes = 2}, seed);
    first_names.insert(set.class_names[0] + set.class_names.back());
    std::set<char> trained;
    for (const std::string& name : set.class_names) trained.insert(name[0]);
    for (const Index sample : set.validation_samples) {
      const auto label = static_cast<std::size_t>(data.labels()[static_cast<std::size_t>(sample)]);
      EXPECT_FALSE(trained.contains(data.class_names()[label][0]));
    }
    EXPECT_EQ(set.entries.size() + set.validation_samples.size(), 10U);
    const TrainingSet again = make_training_set(data, {.validation_classes = 2}, seed);
    EXPECT_EQ(again.validation_samples, set.validation_samples);
  }
  EXPECT_GT(first_names.size(), 1U);
  expect_error(ErrorKind::recipe, "validation_classes = 5 leaves none of the 5 training classes",
               [&] { make_training_set(data, {.validation_classes = 5}, 1); });
}

TEST(TrainingSet, TakesTheValidationSplitOfTheFile) {
  const TempFolder folder;
  write_data_file(folder / "a.h5",
                  {.images = numbered_images(4, 4), .labels = {0, 1, 0, 1}, .split = {0, 0, 1, 1}});
  const Dataset data = Dataset::open(folder / "a.h5");
  EXPECT_EQ(make_training_set(data, {}, 1).validation_samples, (std::vector<Index>{2, 3}));
  expect_error(ErrorKind::recipe, "has 2 validation samples of its own (/split 1); set it to 0",
               [&] { make_training_set(data, {.validation_classes = 1}, 1); });
}

TEST(TrainingSet, WithoutLabelsThereAreEntriesButNoClasses) {
  const TempFolder folder;
  write_data_file(folder / "a.h5", {.vectors = {1, 2, 3, 4}});
  const Dataset data = Dataset::open(folder / "a.h5");
  const TrainingSet set = make_training_set(data, {}, 1);
  EXPECT_EQ(set.entries.size(), 2U);
  EXPECT_EQ(set.classes, 0);
  expect_error(ErrorKind::recipe, "quarter_turns needs square images",
               [&] { make_training_set(data, {.quarter_turns = true}, 1); });
  expect_error(ErrorKind::data, "/labels is missing; [data] validation_classes needs one label",
               [&] { make_training_set(data, {.validation_classes = 1}, 1); });
}

}  // namespace
}  // namespace kindred
