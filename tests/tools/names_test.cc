// Names that are not UTF-8, or that steer a terminal: of classes, images, data sets, folders and
// recipes. What training could not write at its end is found, or made valid, at its start.
#include <gtest/gtest.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>

#include "kindred/core/text.h"
#include "kindred/data/dataset.h"
#include "kindred/data/hdf5_file.h"
#include "kindred/train/model.h"
#include "support/small_data.h"
#include "tools/program.h"

namespace kindred {
namespace {

namespace fs = std::filesystem;
using test::contains;
using test::kindred;
using test::Outcome;

const std::string kLatin = "caf\xE9";
const std::string kShown = "caf\\xE9";

void write(const std::string& path, const std::string& text) {
  fs::create_directories(fs::path(path).parent_path());
  std::ofstream(path, std::ios::binary) << text;
}

/// An image of 8 x 8.
std::string image(int which) {
  std::string text = "P5 8 8 255\n";
  for (int i = 0; i < 64; ++i) text += static_cast<char>((i * (which + 3)) % 251);
  return text;
}

class Names : public testing::Test {
 protected:
  std::string quoted(const std::string& name) const { return "'" + (folder_ / name) + "'"; }

  std::string recipe(const std::string& data) const {
    return "[data]\nfile = '" + data +
           "'\n[sampler]\nclasses = 2\nsamples_per_class = 2\n[model]\narchitecture = 'mlp'\n"
           "hidden = [8]\nembedding = 4\nslice = 4\n[[loss]]\nname = 'softmax'\n"
           "[train]\nepochs = 1000\nplanned_steps = 3\n";
  }

  /// Trains a step, resumes to the end, embeds, evaluates and reports; `data` holds what is trained
  /// on.
  void expect_to_train(const std::string& recipe_path, const std::string& data,
                       const std::string& run) {
    const std::string out = " --out " + quoted(run);
    const Outcome first =
        kindred("train " + quoted(recipe_path) + out + " --set train.steps=1 --quiet");
    ASSERT_EQ(first.code, 0) << first.err;
    EXPECT_TRUE(fs::exists(folder_ / (run + "/model.kindred")));
    const Outcome again = kindred("train " + quoted(recipe_path) + out + " --resume");
    ASSERT_EQ(again.code, 0) << again.err;
    EXPECT_FALSE(contains(again.err, "step 0")) << again.err;
    const Outcome alone = kindred("train --resume" + out);  // by what the folder says
    ASSERT_EQ(alone.code, 0) << alone.err;
    const Outcome report = kindred("report " + quoted(run));
    ASSERT_EQ(report.code, 0) << report.err;
    EXPECT_FALSE(contains(report.err, "is not where it was")) << report.err;
    const Outcome embedded = kindred("embed " + quoted(run + "/model.kindred") + " " +
                                     quoted(data) + " --out " + quoted("e.h5"));
    ASSERT_EQ(embedded.code, 0) << embedded.err;
    const Outcome retrieval = kindred("eval retrieval " + quoted("e.h5") + " --per-class --json -");
    ASSERT_EQ(retrieval.code, 0) << retrieval.err;
    EXPECT_TRUE(is_utf8(retrieval.out));
  }

  test::TempFolder folder_;
};

// Ended in exit code 70 after training, without a model, and --resume ended alike.
TEST_F(Names, FoldersAreMadeValidAndSaid) {
  for (int i = 0; i < 4; ++i) {
    write(folder_ / ("in/" + kLatin + "/" + std::to_string(i) + ".pgm"), image(i));
    write(folder_ / ("in/" + kShown + "/" + std::to_string(i) + "\xFF.pgm"), image(10 + i));
    write(folder_ / ("in/dog/" + std::to_string(i) + ".pgm"), image(20 + i));
  }
  const Outcome imported = kindred("import " + quoted("in") + " " + quoted("data.h5"));
  ASSERT_EQ(imported.code, 0) << imported.err;
  EXPECT_TRUE(contains(imported.out, "not UTF-8: 1 of classes, 8 of images")) << imported.out;
  EXPECT_TRUE(is_utf8(imported.out));
  const Dataset dataset = Dataset::open(folder_ / "data.h5");
  const std::vector<std::string> expected{kShown, kShown + " (2)", "dog"};
  EXPECT_EQ(dataset.class_names(), expected);
  EXPECT_TRUE(dataset.notes().empty());
  for (const std::string& path : dataset.paths()) EXPECT_TRUE(is_utf8(path)) << path;
  write(folder_ / "recipe.toml", recipe("data.h5"));
  expect_to_train("recipe.toml", "data.h5", "run");
  EXPECT_EQ(read_model(folder_ / "run/model.kindred").class_names, expected);
}

TEST_F(Names, ListsMayBeLatin1) {
  std::string list;
  std::string pairs;
  for (int i = 0; i < 4; ++i) {
    const std::string name = kLatin + std::to_string(i) + ".pgm";
    write(folder_ / ("in/" + name), image(i));
    write(folder_ / ("in/dog" + std::to_string(i) + ".pgm"), image(9 + i));
    list += name + "," + kLatin + "\ndog" + std::to_string(i) + ".pgm,dog\n";
    pairs += name + ",dog" + std::to_string(i) + ".pgm,0\n" + name + "," + kLatin + "0.pgm,1\n";
  }
  write(folder_ / "in/list.csv", list);
  write(folder_ / "pairs.csv", pairs);
  const Outcome imported =
      kindred("import " + quoted("in/list.csv") + " " + quoted("data.h5") + " --json -");
  ASSERT_EQ(imported.code, 0) << imported.err;
  EXPECT_TRUE(contains(imported.out, "1 of classes, 4 of images")) << imported.out;
  write(folder_ / "recipe.toml", recipe("data.h5"));
  expect_to_train("recipe.toml", "data.h5", "run");
  // The list of pairs names images as the list of images did.
  const Outcome verified =
      kindred("eval verify " + quoted("e.h5") + " --pairs " + quoted("pairs.csv") + " --json -");
  EXPECT_EQ(verified.code, 0) << verified.err;
}

TEST_F(Names, OfHdf5AreMadeValidAndSaid) {
  const std::string path = folder_ / "data.h5";
  const test::SmallSamples samples = test::small_samples({.classes = 2});
  const auto count = static_cast<Index>(samples.labels.size());
  const std::vector<std::string> names{kLatin, "\x1B[2Jcleared"};
  {
    Hdf5Writer writer(path);
    writer.write<std::uint8_t>("images", {count, 8, 8, 1}, samples.images);
    writer.write<std::int64_t>("labels", {count}, samples.labels);
    writer.write_strings("class_names", names);
    writer.finish();
  }
  EXPECT_EQ(Dataset::open(path).class_names()[0], kShown);
  write(folder_ / "recipe.toml", recipe("data.h5"));
  const Outcome trained = kindred("train " + quoted("recipe.toml") + " --out " + quoted("told") +
                                  " --set train.steps=1");
  EXPECT_EQ(trained.code, 0) << trained.err;
  EXPECT_TRUE(contains(trained.err, "not UTF-8: 1 of classes, 0 of samples")) << trained.err;
  expect_to_train("recipe.toml", "data.h5", "run");
  const Outcome table = kindred("eval retrieval " + quoted("e.h5") + " --per-class");
  EXPECT_TRUE(contains(table.out, "\\x1B[2Jcleared")) << table.out;
  EXPECT_FALSE(contains(table.out, "\x1B")) << table.out;
}

// A path is bytes; what holds it is UTF-8. It comes back as it was.
TEST_F(Names, PathsOfDataRecipesAndRunsMayBeAnything) {
  test::SmallData data;
  fs::create_directories(folder_ / kLatin);
  test::write_small_data(folder_ / (kLatin + "/data \x1B%20.h5"), data);
  std::string text = recipe("X");
  text.replace(text.find("'X'"), 3, "\"data \\u001b%20.h5\"");
  write(folder_ / (kLatin + "/recipe.toml"), text);
  expect_to_train(kLatin + "/recipe.toml", kLatin + "/data \x1B%20.h5", kLatin + "/run\xFF");
  const std::string resolved = test::text_of(folder_ / (kLatin + "/run\xFF/recipe.toml"));
  EXPECT_TRUE(is_utf8(resolved));
  EXPECT_TRUE(contains(resolved, "file://")) << resolved;
  // As a value of the command line: bytes that a recipe cannot hold.
  test::write_small_data(folder_ / "\xFE.h5", data);
  const Outcome set =
      kindred("train " + quoted(kLatin + "/recipe.toml") + " --out " + quoted("set") +
              " --set train.steps=1 --set data.file=" + text_of_path(folder_ / "\xFE.h5"));
  EXPECT_EQ(set.code, 0) << set.err;
}

TEST_F(Names, SteerNoTerminal) {
  const std::string bad = "\x1B]0;title\x07\n";
  for (const std::string& command :
       {"inspect " + quoted(bad + ".h5"), "train " + quoted(bad + ".toml"), "report " + quoted(bad),
        "embed " + quoted(bad) + " " + quoted(bad) + " --out x.h5", "'" + bad + "'",
        "import " + quoted(bad) + " " + quoted("x.h5"),
        "train linear_regression --out " + quoted("x") + " --set '" + bad + "=1'"}) {
    const Outcome outcome = kindred(command);
    EXPECT_NE(outcome.code, 0) << command;
    EXPECT_NE(outcome.code, 70) << outcome.err;
    EXPECT_FALSE(contains(outcome.err + outcome.out, "\x1B")) << command << outcome.err;
    EXPECT_FALSE(contains(outcome.err + outcome.out, "\x07")) << command << outcome.err;
  }
}

}  // namespace
}  // namespace kindred
