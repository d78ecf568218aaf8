#include <gtest/gtest.h>

#include <cmath>

#include "kindred/core/error.h"
#include "kindred/core/random.h"
#include "kindred/eval/oneshot.h"
#include "support/error_of.h"

namespace kindred {
namespace {

struct Rows {
  Matrix embeddings;
  std::vector<std::int64_t> labels;
};

/// Each class along its own axis, with noise of the given strength.
Rows along_axes(Index classes, Index each, float noise) {
  Rows rows{Matrix(classes * each, classes), {}};
  for (Index i = 0; i < classes * each; ++i) {
    Random random(7, Purpose::test, static_cast<std::uint64_t>(i));
    for (Index k = 0; k < classes; ++k) rows.embeddings(i, k) = noise * random.normal();
    rows.embeddings(i, i % classes) += 1;
    rows.labels.push_back(100 - i % classes);
  }
  return rows;
}

OneShotResult run(const Rows& rows, const EpisodeOptions& options, int threads = 2) {
  return evaluate_episodes(Workers(threads), rows.embeddings, rows.labels, options);
}

TEST(Episodes, AreAllRightWhereClassesAreApart) {
  const OneShotResult result = run(along_axes(8, 4, 0.01F), {5, 2, 2, 50, 1});
  EXPECT_EQ(result.wrong, 0);
  EXPECT_EQ(result.episodes, 50);
  EXPECT_EQ(result.test_images, 50 * 5 * 2);
  EXPECT_EQ(result.error_low, 0);
  EXPECT_EQ(result.error_high, 0);
}

TEST(Episodes, AreGuessesWhereEmbeddingsTellNothing) {
  // All equal: every test image takes the class drawn first, which is right for one in five.
  Rows rows{Matrix(40, 3), {}};
  rows.embeddings.fill(1);
  for (Index i = 0; i < 40; ++i) rows.labels.push_back(i % 10);
  const OneShotResult result = run(rows, {5, 1, 3, 20, 1});
  EXPECT_EQ(result.error, 0.8);
  EXPECT_NEAR(result.error_std, 0, 1e-12);
}

TEST(Episodes, GetEasierWithMoreShots) {
  const Rows rows = along_axes(12, 30, 0.35F);
  const double one = run(rows, {10, 1, 5, 200, 1}).error;
  const double ten = run(rows, {10, 10, 5, 200, 1}).error;
  EXPECT_GT(one, 0.1);
  EXPECT_LT(ten, one / 2);
}

TEST(Episodes, IntervalIsThatOfTheMean) {
  const OneShotResult result = run(along_axes(12, 6, 0.35F), {10, 1, 5, 100, 1});
  const double half = 1.96 * result.error_std * std::sqrt(100.0 / 99) / 10;
  EXPECT_NEAR(result.error_low, result.error - half, 1e-12);
  EXPECT_NEAR(result.error_high, result.error + half, 1e-12);
}

TEST(Episodes, DependOnTheSeedAndNotOnThreads) {
  const Rows rows = along_axes(12, 6, 0.35F);
  const EpisodeOptions options{10, 1, 5, 100, 1};
  const OneShotResult one = run(rows, options, 1);
  for (const int threads : {2, 3, 8}) {
    EXPECT_EQ(run(rows, options, threads).wrong, one.wrong);
    EXPECT_EQ(run(rows, options, threads).error_std, one.error_std);
  }
  EXPECT_NE(run(rows, {10, 1, 5, 100, 2}).wrong, one.wrong);
}

TEST(Episodes, RefuseWhatCannotBe) {
  const Rows rows = along_axes(5, 3, 0.1F);
  const auto message = [&](const EpisodeOptions& options, ErrorKind kind) {
    return test::error_of([&] { run(rows, options); }, kind);
  };
  EXPECT_NE(message({6, 1, 1, 5, 1}, ErrorKind::data).find("5 classes"), std::string::npos);
  EXPECT_NE(message({5, 2, 2, 5, 1}, ErrorKind::data).find("0 classes"), std::string::npos);
  EXPECT_NE(message({1, 1, 1, 5, 1}, ErrorKind::usage).find("ways = 1"), std::string::npos);
  EXPECT_NE(message({5, 0, 1, 5, 1}, ErrorKind::usage).find("shots"), std::string::npos);
  EXPECT_NE(message({5, 1, 0, 5, 1}, ErrorKind::usage).find("queries"), std::string::npos);
  EXPECT_NE(message({5, 1, 1, 0, 1}, ErrorKind::usage).find("episodes"), std::string::npos);
}

}  // namespace
}  // namespace kindred
