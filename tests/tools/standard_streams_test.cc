// Notes may be lost without harm, results may not; and no file takes the place of a closed stream.
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <cstdlib>
#include <filesystem>
#include <string>

#include "support/small_data.h"
#include "tools/program.h"

namespace kindred {
namespace {

namespace fs = std::filesystem;
using test::TempFolder;
using test::text_of;

class StandardStreams : public testing::Test {
 protected:
  StandardStreams() {
    test::SmallData data;
    data.test_classes = 4;
    test::write_small_data(folder_ / "data.h5", data);
    std::ofstream(folder_ / "recipe.toml")
        << "[data]\nfile = 'data.h5'\nvalidation_classes = 2\n"
           "[sampler]\nclasses = 4\nsamples_per_class = 4\n"
           "[model]\narchitecture = 'mlp'\nhidden = [16]\nembedding = 8\nslice = 4\n"
           "[[loss]]\nname = 'softmax'\n[train]\nepochs = 1000\nplanned_steps = 30\n";
  }
  /// The code of `kindred ARGUMENTS` with its streams as `streams` has them, under bash for
  /// PIPESTATUS.
  static int code_of(const std::string& arguments, const std::string& streams) {
    const std::string script =
        std::string(KINDRED_PROGRAM) + " " + arguments + " " + streams + "; exit ${PIPESTATUS[0]}";
    const int status = std::system(("bash -c '" + script + "'").c_str());
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  }
  std::string train(const std::string& name) const {
    return "train " + (folder_ / "recipe.toml") + " --out " + (folder_ / name);
  }
  void expect_whole(const std::string& name) const {
    EXPECT_TRUE(fs::exists(folder_ / (name + "/model.kindred"))) << name;
    EXPECT_TRUE(fs::exists(folder_ / (name + "/checkpoints/step-00000030.kindred"))) << name;
    EXPECT_EQ(text_of(folder_ / (name + "/model.kindred")), model_) << name;
  }

  TempFolder folder_;
  std::string model_;
};

// It ended at the first note, by SIGABRT.
TEST_F(StandardStreams, TrainingGoesOnWithoutAnybodyWhoReadsItsNotes) {
  ASSERT_EQ(code_of(train("heard"), ">/dev/null 2>/dev/null"), 0);
  model_ = text_of(folder_ / "heard/model.kindred");
  EXPECT_EQ(code_of(train("full"), ">/dev/null 2>/dev/full"), 0);
  expect_whole("full");
  EXPECT_EQ(code_of(train("closed"), ">/dev/null 2>&-"), 0);
  expect_whole("closed");
  EXPECT_EQ(code_of(train("left"), "2>&1 >/dev/null | head -1 >/dev/null"), 0);
  expect_whole("left");
  EXPECT_EQ(code_of(train("nobody"), "2>&1 >/dev/null | true"), 0);
  expect_whole("nobody");
}

// The next file that was opened got number 2, and the notes went into it.
TEST_F(StandardStreams, NoFileTakesThePlaceOfAClosedStream) {
  ASSERT_EQ(code_of(train("open"), "</dev/null >/dev/null 2>/dev/null"), 0);
  model_ = text_of(folder_ / "open/model.kindred");
  const std::string data = text_of(folder_ / "data.h5");
  EXPECT_EQ(
      code_of(train("closed") + " --json " + (folder_ / "numbers.json"), "<&- >/dev/null 2>&-"), 0);
  expect_whole("closed");
  EXPECT_EQ(code_of(train("all"), "<&- >&- 2>&-"), 74);  // the table of the test is a result
  expect_whole("all");
  for (const char* file : {"closed/metrics.jsonl", "all/metrics.jsonl"}) {
    std::ifstream log(folder_ / file);
    for (std::string line; std::getline(log, line);) EXPECT_EQ(line.substr(0, 8), "{\"step\":");
  }
  EXPECT_EQ(text_of(folder_ / "data.h5"), data);
}

TEST_F(StandardStreams, ErrorsKeepTheirCodesWithoutStandardError) {
  std::ofstream(folder_ / "notes.bin") << std::string(64, 7);
  for (const char* streams : {"2>/dev/full", "2>&-"}) {
    EXPECT_EQ(code_of("fly", streams), 64);
    EXPECT_EQ(code_of("inspect " + (folder_ / "missing.h5"), streams), 66);
    EXPECT_EQ(code_of("inspect " + (folder_ / "notes.bin"), streams), 65);
  }
}

TEST_F(StandardStreams, ResultsThatAreLostAreAnError) {
  const std::string packed = folder_ / "packed.h5";
  for (const std::string& arguments :
       {std::string("--help"), std::string("--version"), std::string("list"),
        std::string("list losses"), "inspect " + (folder_ / "data.h5"),
        "inspect --json - " + (folder_ / "data.h5"),
        "pack " + (folder_ / "data.h5") + " " + packed}) {
    for (const char* streams : {">/dev/full", ">&-", ">/dev/full 2>/dev/full"}) {
      EXPECT_EQ(code_of(arguments, streams), 74) << arguments << " " << streams;
    }
  }
}

}  // namespace
}  // namespace kindred
