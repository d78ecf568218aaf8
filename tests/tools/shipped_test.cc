// Recipes that come with the program, by their names.
#include <gtest/gtest.h>

#include <filesystem>
#include <regex>

#include "support/small_data.h"
#include "tools/program.h"

namespace kindred {
namespace {

namespace fs = std::filesystem;
using test::contains;
using test::kindred;
using test::Outcome;
using test::TempFolder;

/// A folder of recipes that KINDRED_DATA names, and another one to be in.
class Shipped : public testing::Test {
 protected:
  Shipped() {
    fs::create_directories(folder_ / "share");
    fs::create_directories(folder_ / "here");
    test::write_small_data(folder_ / "share/data.h5");
    std::ofstream(folder_ / "share/small.toml")
        << "# A small one, quickly\n# trained. It is for tests.\n"
           "[data]\nfile = 'data.h5'\n[sampler]\nclasses = 6\nsamples_per_class = 4\n"
           "[model]\narchitecture = 'mlp'\nhidden = [16]\nembedding = 8\nslice = 4\n"
           "[[loss]]\nname = 'softmax'\n[train]\nplanned_steps = 1\nepochs = 1000\n";
  }
  Outcome in_here(const std::string& arguments) const {
    return kindred(arguments,
                   "cd " + (folder_ / "here") + " && KINDRED_DATA=" + (folder_ / "share"));
  }

  TempFolder folder_;
};

TEST_F(Shipped, AreTrainedByNameFromAnywhere) {
  const Outcome outcome = in_here("train small");
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_TRUE(fs::exists(folder_ / "here/runs/small/model.kindred"));
  EXPECT_FALSE(contains(outcome.err, "the one in this folder")) << outcome.err;
}

TEST_F(Shipped, StandBehindAPathOfThatNameAndItIsSaid) {
  std::ofstream(folder_ / "here/small") << "seed = 'of the file here'\n";
  const Outcome outcome = in_here("train small");
  EXPECT_EQ(outcome.code, 78);
  EXPECT_TRUE(contains(outcome.err, "of the file here")) << outcome.err;
  EXPECT_TRUE(contains(outcome.err, "small: the one in this folder, not the recipe"))
      << outcome.err;
}

TEST_F(Shipped, AreNamedWhereNeitherPathNorRecipeIsFound) {
  const Outcome outcome = in_here("train smal");
  EXPECT_EQ(outcome.code, 66);
  EXPECT_TRUE(contains(outcome.err, "smal: no file of that name is here")) << outcome.err;
  EXPECT_TRUE(contains(outcome.err, "did you mean 'small'?")) << outcome.err;
  // Those beside the program as well.
  EXPECT_TRUE(contains(outcome.err,
                       "shipped are lfw, linear_regression, logistic_regression, "
                       "omniglot, omniglot_thorough, small, vectors"))
      << outcome.err;
}

// Lines that are too long for a terminal go on below.
std::string unwrapped(const std::string& text) {
  return std::regex_replace(text, std::regex("\n {3,}"), " ");
}

TEST_F(Shipped, AreListedWithWhatTheyBeginWith) {
  const Outcome outcome = in_here("list recipes");
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_TRUE(contains(unwrapped(outcome.out), "  small: A small one, quickly trained (" +
                                                   (folder_ / "share/small.toml") + ")\n"))
      << outcome.out;
  EXPECT_TRUE(contains(outcome.out, "  omniglot: The embedded default")) << outcome.out;
}

TEST_F(Shipped, TheFirstFolderCounts) {
  std::ofstream(folder_ / "share/omniglot.toml") << "# Another one.\n";
  const Outcome outcome = in_here("list recipes");
  EXPECT_TRUE(contains(unwrapped(outcome.out), "  omniglot: Another one (")) << outcome.out;
  EXPECT_FALSE(contains(outcome.out, "The embedded default")) << outcome.out;
}

}  // namespace
}  // namespace kindred
