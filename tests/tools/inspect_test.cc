// `kindred inspect` of data sets: what it says, and that the recipe it proposes trains.
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <nlohmann/json.hpp>
#include <tuple>

#include "kindred/data/hdf5_file.h"
#include "tools/program.h"

namespace kindred {
namespace {

using Json = nlohmann::json;
using test::contains;
using test::kindred;
using test::Outcome;
using test::TempFolder;

/// As Keras would: floats of 0 to 1, 5 classes of 16 for training and one of 3 for the test.
class InspectCommand : public testing::Test {
 protected:
  InspectCommand() {
    Hdf5Writer writer(folder_ / "keras.h5");
    for (const auto& [name, classes, each] :
         {std::tuple{"train", Index{5}, Index{16}}, {"test", Index{1}, Index{3}}}) {
      std::vector<float> images;
      std::vector<double> labels;
      for (Index i = 0; i < classes * each; ++i) {
        images.insert(images.end(), 16 * 16, static_cast<float>(i % 5) / 4);
        labels.push_back(static_cast<double>(i / each));
      }
      writer.write<float>(std::string("x_") + name, {classes * each, 16, 16}, images);
      writer.write<double>(std::string("y_") + name, {classes * each, 1}, labels);
    }
    writer.finish();
  }
  TempFolder folder_;
};

TEST_F(InspectCommand, SaysHowAForeignFileIsReadAndTrainedOn) {
  const Outcome outcome = kindred("inspect " + (folder_ / "keras.h5") + " --json - --thumbnails " +
                                  (folder_ / "s.png"));
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  const Json found = Json::parse(outcome.out);
  EXPECT_EQ(found["read as"], "/x_train with /y_train as train; /x_test with /y_test as test");
  EXPECT_EQ(found["samples"], 83);
  EXPECT_EQ(found["sample"], "16 x 16 x 1 bytes");
  EXPECT_EQ(found["train"]["class sizes"]["fewest"], 16);
  EXPECT_EQ(found["values"]["least"], 0);
  EXPECT_EQ(found["values"]["most"], 255);
  EXPECT_EQ(found["structure"]["/x_train"], "float32 [80, 16, 16]");
  // Class 0 has 19 samples in all, the others 16.
  EXPECT_EQ(found["class histogram"], Json::parse(R"([{"from": 16, "to": 31, "classes": 5}])"));
  EXPECT_EQ(test::text_of(folder_ / "s.png").substr(1, 3), "PNG");
  const auto recipe = found["recipe"].get<std::string>();
  EXPECT_EQ(std::count(recipe.begin(), recipe.end(), '\n'), 3) << recipe;
  EXPECT_TRUE(contains(recipe, "sampler = { classes = 4, samples_per_class = 16 }")) << recipe;
  std::ofstream(folder_ / "my.toml") << recipe;
  const Outcome trained = kindred("train " + (folder_ / "my.toml") + " --out " + (folder_ / "run") +
                                  " --set train.steps=1 --set model.widths=[8,8,8,8]");
  EXPECT_EQ(trained.code, 0) << trained.err;
  const Outcome shown = kindred("inspect " + (folder_ / "keras.h5"));
  EXPECT_TRUE(contains(shown.out, "16 to 31           5  ####")) << shown.out;
  EXPECT_TRUE(contains(shown.out, "write this to my.toml:\ndata = {")) << shown.out;
}

TEST_F(InspectCommand, TakesTheNamesItIsGiven) {
  const std::string file = folder_ / "keras.h5";
  const Outcome outcome = kindred("inspect " + file + " --images x_test --labels y_test --json -");
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_EQ(Json::parse(outcome.out)["samples"], 3);
  const Outcome wrong = kindred("inspect " + file + " --images nothing");
  EXPECT_EQ(wrong.code, 65);
  EXPECT_TRUE(contains(wrong.err, "has no data set /nothing; it holds /x_test float [3, 16, 16]"))
      << wrong.err;
  std::ofstream(folder_ / "my.toml")
      << "data = { file = 'keras.h5', images = 'x_train', labels = 'y_train' }\n"
      << "sampler = { classes = 4, samples_per_class = 4 }\nloss = [{ name = 'softmax' }]\n";
  const Outcome trained = kindred("train " + (folder_ / "my.toml") + " --out " + (folder_ / "run") +
                                  " --set train.steps=1 --set model.widths=[8,8,8,8]");
  EXPECT_EQ(trained.code, 0) << trained.err;
}

}  // namespace
}  // namespace kindred
