// KINDRED_MAX_ISA from the command line: what each instruction set promises.
#include <gtest/gtest.h>

#include <cmath>

#include "kindred/data/embedding_file.h"
#include "support/levels.h"
#include "support/tiers.h"
#include "tools/program.h"

namespace kindred {
namespace {

using test::kindred;
using test::Outcome;
using test::TempFolder;

/// The promise is 50 steps; with --long.
int steps() { return test::long_tests() ? 50 : 5; }
constexpr double kLargestDifference = 1e-4;  // of an embedding's length

std::string at(Isa level) { return "KINDRED_MAX_ISA=" + std::string(name_of(level)); }

/// A few steps of the shipped recipe; the model's bytes.
std::string trained(const std::string& out, const std::string& environment, int threads) {
  const Outcome outcome =
      kindred("train omniglot --quiet --set train.steps=" + std::to_string(steps()) +
                  " --threads " + std::to_string(threads) + " --out " + out,
              environment);
  EXPECT_EQ(outcome.code, 0) << outcome.err;
  return test::text_of(out + "/model.kindred");
}

class Level : public testing::TestWithParam<Isa> {
 protected:
  void SetUp() override {
    if (test::kSanitizer) GTEST_SKIP() << "a sanitizer sees nothing new in it";
    const Outcome version = kindred("--version", at(GetParam()));
    if (GetParam() > cpu_isa()) {
      EXPECT_EQ(version.code, 64);
      GTEST_SKIP() << version.err;
    }
    EXPECT_EQ(version.code, 0) << version.err;
    EXPECT_NE(version.out.find(name_of(GetParam())), std::string::npos) << version.out;
  }
};

TEST_P(Level, TrainsTheSameBitsForAnyThreads) {
  const TempFolder folder;
  const std::string one = trained(folder / "1", at(GetParam()), 1);
  EXPECT_FALSE(one.empty());
  for (const int threads : {2, 3}) {
    EXPECT_EQ(trained(folder / std::to_string(threads), at(GetParam()), threads), one)
        << threads << " threads";
  }
  if (GetParam() == cpu_isa()) {
    EXPECT_EQ(trained(folder / "unset", "env -u KINDRED_MAX_ISA ", 2), one);
  }
}

INSTANTIATE_TEST_SUITE_P(Every, Level, testing::ValuesIn(kAllIsas),
                         [](const auto& test) { return std::string(name_of(test.param)); });

TEST(Levels, EmbedAlike) {
  if (test::kSanitizer) GTEST_SKIP() << "a sanitizer sees nothing new in it";
  const TempFolder folder;
  trained(folder / "run", "", 2);
  std::vector<EmbeddingFile> files;
  for (const Isa level : levels_here()) {
    const std::string out = folder / std::string(name_of(level));
    const Outcome outcome = kindred("embed " + (folder / "run/model.kindred") + " " +
                                        KINDRED_DATASETS "/omniglot28.h5 --split test --out " + out,
                                    at(level));
    ASSERT_EQ(outcome.code, 0) << outcome.err;
    files.push_back(read_embedding_file(out));
    const auto& first = files.front().embeddings;
    const auto& embeddings = files.back().embeddings;
    ASSERT_EQ(embeddings.rows(), first.rows());
    ASSERT_GT(embeddings.rows(), 1000);
    double largest = 0;
    for (Index i = 0; i < first.rows(); ++i) {
      double difference = 0;
      double length = 0;
      for (Index j = 0; j < first.cols(); ++j) {
        difference += std::pow(double{embeddings(i, j)} - double{first(i, j)}, 2);
        length += std::pow(double{first(i, j)}, 2);
      }
      largest = std::max(largest, std::sqrt(difference / length));
    }
    EXPECT_LE(largest, kLargestDifference) << name_of(level) << " against v2";
    if (level != Isa::v2) {
      EXPECT_GT(largest, 0) << name_of(level) << " computes as v2 does";
    }
  }
}

}  // namespace
}  // namespace kindred
