// `kindred import` as a user meets it: what it prints, leaves behind and exits with.
#include <gtest/gtest.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "tools/program.h"

namespace kindred {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;
using test::contains;
using test::kindred;
using test::Outcome;
using test::TempFolder;

/// Class folders "a" to "f" of grey pictures of 8 x 8, one of which cannot be read.
class ImportCommand : public testing::Test {
 protected:
  ImportCommand() { write_pictures(5); }
  void write_pictures(int each) {
    for (const char name : std::string("abcdef")) {
      fs::create_directories(folder_ / ("in/" + std::string(1, name)));
      for (int i = 0; i < each; ++i) {
        std::ofstream(folder_ / ("in/" + std::string(1, name) + "/" + std::to_string(i) + ".pgm"))
            << "P5 8 8 255 " << std::string(64, static_cast<char>(name + i));
      }
    }
    std::ofstream(folder_ / "in/c/damaged.png") << "no picture";
  }
  std::string import(const std::string& more = "") const {
    return "import " + (folder_ / "in") + " " + out() + " " + more;
  }
  std::string out() const { return folder_ / "out.h5"; }
  TempFolder folder_;
};

TEST_F(ImportCommand, CountsAndListsWhatItMade) {
  const Outcome outcome = kindred(import("--preview " + (folder_ / "sheet.png")));
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_TRUE(contains(outcome.out, "30 samples of 6 classes, 8 x 8 x 1")) << outcome.out;
  EXPECT_TRUE(contains(outcome.out, "unreadable: ")) << outcome.out;
  EXPECT_TRUE(contains(outcome.out, "in/c/damaged.png: is no image")) << outcome.out;
  EXPECT_TRUE(contains(outcome.out, "duplicate: b/0.pgm is a/1.pgm once more, in another class"));
  EXPECT_EQ(test::text_of(folder_ / "sheet.png").substr(1, 3), "PNG");
  const Json numbers =
      Json::parse(kindred(import("--json - --split classes --test 0.5 --size 4x2 --rgb")).out);
  EXPECT_EQ(numbers["shape"], Json({4, 2, 3}));
  EXPECT_EQ(numbers["split"]["test"], 15);
  EXPECT_EQ(numbers["unreadable"].size(), 1U);
}

TEST_F(ImportCommand, NamesDoNotSteerTheTerminal) {
  std::ofstream(folder_ / "list.csv") << "in/a/0.pgm,0\nin/\033[2J.pgm,0\n";
  const Outcome outcome = kindred("import " + (folder_ / "list.csv") + " " + out());
  EXPECT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_TRUE(contains(outcome.out, "in/\\x1B[2J.pgm: cannot open")) << outcome.out;
}

TEST_F(ImportCommand, EndsWithTheDocumentedCodes) {
  const auto expect = [&](const std::string& more, int code, const std::string& part) {
    const Outcome outcome = kindred(import(more));
    EXPECT_EQ(outcome.code, code) << more << "\n" << outcome.err;
    EXPECT_TRUE(contains(outcome.err, part)) << more << "\n" << outcome.err;
    EXPECT_FALSE(fs::exists(out())) << more;
    EXPECT_EQ(folder_.partial_files(), 0) << more;
  };
  expect("--strict", 65, "damaged.png: is no image");
  expect("--size 0", 64, "'0' is neither N nor HEIGHTxWIDTH");
  expect("--size 8by8", 64, "'8by8' is neither N nor HEIGHTxWIDTH");
  expect("--size 9999", 64, "import size is 9999 x 9999; 1 to 4096 is expected");
  expect("--test 0.5", 64, "--split classes or samples goes with --test or --validation");
  expect("--split samples", 64, "--split classes or samples goes with --test or --validation");
  expect("--grey --rgb", 64, "excludes");
  expect("--classes z", 65, "no sample is left of 31");
  const Outcome missing = kindred("import " + (folder_ / "none") + " " + out());
  EXPECT_EQ(missing.code, 66) << missing.err;
  const Outcome nowhere = kindred("import " + (folder_ / "in") + " " + (folder_ / "none/out.h5"));
  EXPECT_EQ(nowhere.code, 73) << nowhere.err;
}

}  // namespace
}  // namespace kindred
