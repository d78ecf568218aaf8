// `kindred train PICTURES` and `kindred init`: what they leave, what they refuse, and what they
// say.
#include <gtest/gtest.h>

#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "kindred/core/recipe.h"
#include "support/made_photos.h"
#include "support/npy_file.h"
#include "support/small_data.h"
#include "support/zip_file.h"
#include "tools/program.h"

namespace kindred {
namespace {

namespace fs = std::filesystem;
using test::contains;
using test::kindred;
using test::Outcome;
using test::TempFolder;
using Files = std::vector<std::pair<std::string, std::string>>;

class PictureTraining : public testing::Test {
 protected:
  void write(const std::string& name, const std::string& content) const {
    fs::create_directories(fs::path(path(name)).parent_path());
    std::ofstream(path(name), std::ios::binary) << content;
  }
  void write_all(const std::string& folder, const Files& files) const {
    for (const auto& [name, content] : files) write(folder + "/" + name, content);
  }
  std::string path(const std::string& name) const { return folder_ / name; }
  Outcome train(const std::string& pictures, const std::string& run,
                const std::string& more = "") const {
    return kindred("train " + path(pictures) + " --out " + path(run) + " " + kSmall + more);
  }
  static void expect(const Outcome& outcome, int code, const std::string& part) {
    EXPECT_EQ(outcome.code, code) << outcome.err;
    EXPECT_TRUE(contains(outcome.err, part)) << outcome.err;
    EXPECT_FALSE(contains(outcome.err, "internal error")) << outcome.err;
  }
  bool same(const std::string& one, const std::string& other) const {
    return test::text_of(path(one)) == test::text_of(path(other));
  }
  static std::string value(const std::string& recipe, const std::string& key) {
    const auto values = Recipe::from_file(recipe).flat();
    const auto found = values.find(key);
    return found == values.end() ? "" : found->second;
  }

  static constexpr const char* kSmall =
      "--set train.steps=4 --set 'model.layers=[\"conv 8 relu pool flatten linear 8\"]' ";
  TempFolder folder_;
};

TEST_F(PictureTraining, LeavesARunWithItsDataAndBothRecipes) {
  write_all("photos", test::made_photos(4, 0, 10, 24));
  write("photos/arrow/broken.png", "\x89PNG no more");
  write("photos/lonely/1.png", test::photo_of(0, 77, 24));
  const Outcome outcome = train("photos", "run");
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  for (const char* file :
       {"data.h5", "chosen.toml", "recipe.toml", "model.kindred", "report.html"}) {
    EXPECT_TRUE(fs::exists(path("run/") + file)) << file;
  }
  EXPECT_FALSE(fs::exists(path("run/lock")));
  // What was left out and what was decided is said.
  expect(outcome, 0, "1 of 5 classes have fewer than 2 samples");
  expect(outcome, 0, "broken.png");
  expect(outcome, 0, "20 % of the pictures of each class");
  expect(outcome, 0, "without a network (raw pixels");
  EXPECT_TRUE(contains(outcome.out, "# Chosen for data.h5: 32 pictures for training, 4 classes"))
      << outcome.out;
  EXPECT_EQ(value(path("run/chosen.toml"), "data.file"), "\"data.h5\"");
  EXPECT_EQ(value(path("run/recipe.toml"), "train.planned_steps"), "4");
  EXPECT_EQ(value(path("run/recipe.toml"), "model.layers"),
            value(path("run/chosen.toml"), "model.layers"));
}

TEST_F(PictureTraining, GivesTheSameModelAgainAndWhenResumed) {
  test::write_zip(path("photos.zip"), test::made_photos(4, 0, 10, 24));
  const std::string eight =
      "--set train.planned_steps=8 --set train.checkpoint_every=2 --set train.evaluate_every=9 ";
  const auto go = [&](const std::string& run, const std::string& more) {
    const Outcome outcome = kindred("train " + path("photos.zip") + " --out " + path(run) +
                                    " --quiet " + kSmall + eight + more);
    EXPECT_EQ(outcome.code, 0) << outcome.err;
    EXPECT_EQ(outcome.out, "");
  };
  go("whole", "--set train.steps=8 --threads 1");
  go("parts", "--set train.steps=4 --threads 2");
  EXPECT_FALSE(same("whole/model.kindred", "parts/model.kindred"));
  expect(kindred("train " + path("photos.zip") + " --out " + path("parts")), 73,
         "holds a run already");
  const Outcome resumed = kindred("train --out " + path("parts") + " --resume --set train.steps=8");
  EXPECT_EQ(resumed.code, 0) << resumed.err;
  EXPECT_TRUE(same("whole/model.kindred", "parts/model.kindred"));
  // The pictures may be named again, and are not imported again.
  expect(kindred("train " + path("photos.zip") + " --out " + path("parts") + " --resume"), 0,
         "the run is finished");
  EXPECT_TRUE(same("whole/data.h5", "parts/data.h5"));
}

TEST_F(PictureTraining, ChoosesAFolderOfItsOwn) {
  write_all("photos", test::made_photos(3, 0, 10, 24));
  for (const char* run : {"runs/photos", "runs/photos-2"}) {
    const Outcome outcome =
        kindred("train photos/ --quiet " + std::string(kSmall), "cd " + path("") + ";");
    EXPECT_EQ(outcome.code, 0) << outcome.err;
    EXPECT_TRUE(fs::exists(path(run) + "/model.kindred"));
  }
}

TEST_F(PictureTraining, PlansByTheClockWhereNobodySaysHowLong) {
  write_all("photos", test::made_photos(3, 0, 10, 24));
  const Outcome outcome =
      kindred("train " + path("photos") + " --out " + path("run") +
              " --minutes 0.02 --set 'model.layers=[\"conv 8 relu pool flatten linear 8\"]'");
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  const Recipe chosen = Recipe::from_file(path("run/chosen.toml"));
  EXPECT_GE(std::stol(chosen.flat().at("train.planned_steps")), 20);
  EXPECT_TRUE(contains(outcome.out, "On this machine it trains about")) << outcome.out;
  EXPECT_EQ(value(path("run/recipe.toml"), "train.planned_steps"),
            chosen.flat().at("train.planned_steps"));
}

TEST_F(PictureTraining, SaysWhatPicturesLack) {
  fs::create_directories(path("empty"));
  expect(train("empty", "run"), 65, "is empty; put the pictures of each thing into a folder");
  write_all("one", test::made_photos(1, 0, 6, 24));
  expect(train("one", "run"), 65, "its 6 pictures are of one class");
  write_all("single", test::made_photos(5, 0, 1, 24));
  expect(train("single", "run"), 65, "each of its 5 folders holds one picture");
  write("flat/a.png", test::photo_of(0, 1, 24));
  expect(train("flat", "run"), 65, "its 1 pictures lie in no folders");
  write_all("broken", {{"a/1.png", "\x89PNG"},
                       {"a/2.png", "\x89PNG"},
                       {"b/1.png", "\x89PNG"},
                       {"b/2.png", "\x89PNG"}});
  expect(train("broken", "run"), 65, "1.png");
  EXPECT_FALSE(fs::exists(path("run")));  // what fails leaves nothing
}

TEST_F(PictureTraining, TakesPicturesOfAnySizes) {
  write_all("photos", test::made_photos(2, 0, 6, 80));
  write_all("photos", test::made_photos(2, 6, 6, 20));
  write_all("photos", test::made_photos(2, 12, 6, 200));
  const Outcome outcome = train("photos", "run");
  expect(outcome, 0, "pictures of 20 x 20 to 200 x 200 pixels become 64 x 64");
  expect(outcome, 0, "are less than half that large");
}

TEST_F(PictureTraining, RefusesWhatDoesNotFitBeforeTheWork) {
  write_all("photos", test::made_photos(2, 0, 6, 24));
  test::write_small_data(path("data.h5"));
  write("recipe.toml", "data = { file = 'data.h5' }\nloss = [{ name = 'softmax' }]\n");
  expect(kindred("train " + path("recipe.toml") + " --minutes 3"), 64,
         "--minutes: goes with a folder");
  expect(kindred("train " + path("photos") + " --minutes 0"), 64, "--minutes");
  expect(kindred("train " + path("data.h5")), 64,
         "is a data set; to write a recipe for it: kindred init");
  write("run/model.kindred", "");
  expect(kindred("train " + path("run")), 64, "--resume");
  write("mine/chosen.toml", "# my own\n");
  expect(train("photos", "mine"), 64, "is not a recipe that was chosen");
  fs::create_directories(path("theirs"));
  fs::copy(path("data.h5"), path("theirs/data.h5"));
  expect(train("photos", "theirs"), 64, "data.h5: exists and is not an empty file");
  write("file", "");
  expect(train("photos", "file"), 73, "file");
  if (::geteuid() != 0) {
    fs::create_directories(path("closed"));
    ::chmod(path("closed").c_str(), 0555);
    expect(train("photos", "closed/run"), 73, "closed");
  }
  expect(train("photos", "run2", "--set sampler.clases=3"), 78, "clases");
  expect(train("photos", "run2", "--set nonsense"), 64, "expected section.key=value");
  EXPECT_FALSE(fs::exists(path("run2")));
}

class Init : public PictureTraining {};

TEST_F(Init, WritesARecipeThatTrains) {
  test::write_zip(path("photos.zip"), test::made_photos(3, 0, 10, 24));
  const Outcome outcome = kindred("init photos.zip --minutes 0.05 --out sub/mine.toml",
                                  "mkdir " + path("sub") + "; cd " + path("") + ";");
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_TRUE(contains(outcome.out, "kindred train sub/mine.toml")) << outcome.out;
  EXPECT_EQ(value(path("sub/mine.toml"), "data.file"), "\"mine.h5\"");
  EXPECT_TRUE(contains(test::text_of(path("sub/mine.toml")), "# On this machine it trains about"));
  const Outcome trained = kindred("train " + path("sub/mine.toml") +
                                  " --quiet --set train.steps=2 --out " + path("run"));
  EXPECT_EQ(trained.code, 0) << trained.err;
  // What somebody may have changed is kept.
  expect(kindred("init " + path("photos.zip") + " --out " + path("sub/mine.toml")), 64,
         "is not replaced");
}

TEST_F(Init, KnowsDataSetsAndVectors) {
  test::write_small_data(path("data.h5"), {.classes = 30, .side = 16});
  write("v/vectors.npz", "");
  std::vector<float> numbers;
  std::vector<std::int64_t> labels;
  for (int i = 0; i < 240; ++i) {
    labels.push_back(i / 8);
    for (int j = 0; j < 6; ++j)
      numbers.push_back(static_cast<float>((i / 8 * 7 + j * 3 + i % 8) % 11));
  }
  test::write_zip(path("v/vectors.npz"),
                  {{"x.npy", test::npy("<f4", "(240, 6)", test::raw(numbers))},
                   {"y.npy", test::npy_column("<i8", labels)}});
  fs::create_directories(path("recipes"));
  for (const std::string source : {"data.h5", "v/vectors.npz"}) {
    SCOPED_TRACE(source);
    const std::string recipe = path("recipes/" + source.substr(0, 1) + ".toml");
    const Outcome outcome = kindred("init " + path(source) + " --minutes 0.05 --out " + recipe);
    ASSERT_EQ(outcome.code, 0) << outcome.err;
    EXPECT_EQ(value(recipe, "data.file"), "\"../" + source + "\"");
    EXPECT_EQ(value(recipe, "data.validation_classes"), "4");  // of 30
    const Outcome trained = kindred("train " + recipe + " --quiet --set train.steps=2 --out " +
                                    path("run-" + source.substr(0, 1)));
    EXPECT_EQ(trained.code, 0) << trained.err;
  }
  EXPECT_EQ(value(path("recipes/v.toml"), "model.architecture"), "\"mlp\"");

  const Outcome printed =
      kindred("init data.h5 --quiet --minutes 0.05 --out -", "cd " + path("") + ";");
  EXPECT_EQ(printed.code, 0) << printed.err;
  EXPECT_EQ(Recipe::from_text(printed.out, "printed").flat().at("data.file"), "\"data.h5\"");
}

TEST_F(Init, SaysWhatItCannotUse) {
  expect(kindred("init " + path("nowhere")), 66, "is not there");
  write_all("photos", test::made_photos(2, 0, 6, 24));
  expect(kindred("init " + path("photos") + " --out -"), 64, "name a file with --out");
  std::vector<float> numbers(60, 1);
  write("v.npy", test::npy("<f4", "(10, 6)", test::raw(numbers)));
  expect(kindred("init " + path("v.npy") + " --out " + path("v.toml")), 65, "has no labels");
  write("text.toml", "seed = 1\n");
  expect(kindred("init " + path("text.toml") + " --out " + path("x.toml")), 65, "text.toml");
  expect(kindred("init " + path("photos") + " --out " + path("missing/x.toml")), 73, "missing");
  EXPECT_FALSE(fs::exists(path("v.toml")));
}

}  // namespace
}  // namespace kindred
