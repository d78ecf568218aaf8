#include "kindred/eval/oneshot.h"

#include <gtest/gtest.h>

#include "kindred/core/error.h"
#include "naive_ranking.h"
#include "support/error_of.h"

namespace kindred {
namespace {

/// Two episodes of two classes. Rows as (x, y), label, episode, role (0 training, 1 test).
struct Runs {
  Matrix rows{8, 2};
  std::vector<std::int64_t> labels = {10, 11, 11, 10, 10, 11, 10, 11};
  std::vector<std::int32_t> episode = {3, 3, 3, 3, 5, 5, 5, 5};
  std::vector<std::uint8_t> role = {0, 0, 1, 1, 0, 0, 1, 1};

  Runs() {
    const float values[8][2] = {
        {1, 0}, {0, 1}, {1, 5}, {2, 1},      // both right
        {1, 0}, {0, 1}, {1, 2}, {0.1F, 1}};  // 6 is nearer to 5: wrong; 7 right
    for (Index i = 0; i < 8; ++i) std::copy_n(values[i], 2, rows.row(i));
  }
  OneShotResult run(int threads = 1) const {
    return evaluate_oneshot(Workers(threads), rows, labels, episode, role);
  }
};

TEST(OneShot, CountsWrongNearestTrainingImages) {
  const OneShotResult result = Runs().run();
  EXPECT_EQ(result.episodes, 2);
  EXPECT_EQ(result.test_images, 4);
  EXPECT_EQ(result.wrong, 1);
  EXPECT_EQ(result.error, 0.25);
  EXPECT_EQ(result.error_std, 0.25);  // episode errors 0 and 1/2
}

TEST(OneShot, GivesTiesToTheLowerIndex) {
  Runs runs;
  // The test image 6 (class 10) lies on the bisector: training images 4 and 5 tie, 4 is its own.
  runs.rows(6, 0) = 1;
  runs.rows(6, 1) = 1;
  EXPECT_EQ(runs.run().wrong, 0);
  std::swap(runs.labels[4], runs.labels[5]);
  EXPECT_EQ(runs.run().wrong, 2);
}

TEST(OneShot, DoesNotDependOnTheNumberOfThreads) {
  Matrix rows = testing_rows::uniform(800, 16, 1);
  std::vector<std::int64_t> labels;
  std::vector<std::int32_t> episode;
  std::vector<std::uint8_t> role;
  for (int i = 0; i < 800; ++i) {
    episode.push_back(i / 40);
    labels.push_back(i % 20);
    role.push_back(static_cast<std::uint8_t>(i / 20 % 2));
  }
  const OneShotResult first = evaluate_oneshot(Workers(1), rows, labels, episode, role);
  const OneShotResult again = evaluate_oneshot(Workers(3), rows, labels, episode, role);
  EXPECT_EQ(first.test_images, 400);
  EXPECT_EQ(first.wrong, again.wrong);
  EXPECT_GT(first.error, 0.7);  // by chance 0.95
}

TEST(OneShot, RefusesBadEpisodes) {
  const auto message = [](const Runs& runs) {
    return test::error_of([&] { runs.run(); }, ErrorKind::data);
  };
  {
    Runs runs;
    runs.role = {1, 1, 1, 1, 0, 0, 1, 1};
    EXPECT_EQ(message(runs), "episode 3 has no training image (role 0)");
  }
  {
    Runs runs;
    runs.role = {0, 0, 1, 1, 0, 0, 0, 0};
    EXPECT_EQ(message(runs), "episode 5 has no test image (role 1)");
  }
  {
    Runs runs;
    runs.labels[7] = 12;
    EXPECT_EQ(message(runs),
              "episode 5: test image 7 has label 12, but no training image of the episode has it");
  }
  {
    Runs runs;
    runs.role[2] = 2;
    EXPECT_EQ(message(runs), "role 2 of image 2 is unknown; 0 is a training image, 1 a test image");
  }
  {
    Runs runs;
    runs.episode.pop_back();
    EXPECT_EQ(message(runs), "7 episode numbers for 8 embeddings; each row needs one");
  }
}

}  // namespace
}  // namespace kindred
