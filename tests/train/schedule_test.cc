#include "kindred/train/schedule.h"

#include <gtest/gtest.h>

#include <cmath>

#include "kindred/core/error.h"

namespace kindred {
namespace {

Schedule schedule(const std::string& text) {
  Recipe recipe = Recipe::from_text(text, "test");
  return Schedule(recipe.root());
}

TEST(Schedule, IsConstantUnlessAsked) {
  EXPECT_DOUBLE_EQ(schedule("").factor(0), 1);
  EXPECT_DOUBLE_EQ(schedule("").factor(1), 1);
}

TEST(Schedule, WarmsUpLinearly) {
  const Schedule warm = schedule("warm_up = 0.2");
  EXPECT_DOUBLE_EQ(warm.factor(0.05), 0.25);
  EXPECT_DOUBLE_EQ(warm.factor(0.2), 1);
  EXPECT_DOUBLE_EQ(warm.factor(0.9), 1);
}

TEST(Schedule, DropsAtItsSteps) {
  const Schedule steps = schedule("schedule = 'step'\nstep_at = [0.5, 0.75]\nstep_factor = 0.1");
  EXPECT_DOUBLE_EQ(steps.factor(0.49), 1);
  EXPECT_DOUBLE_EQ(steps.factor(0.5), 0.1);
  EXPECT_NEAR(steps.factor(0.8), 0.01, 1e-15);
}

TEST(Schedule, CosineFallsFromOneToTheFinalFactor) {
  const Schedule cosine = schedule("schedule = 'cosine'\nfinal_factor = 0.1");
  EXPECT_DOUBLE_EQ(cosine.factor(0), 1);
  EXPECT_NEAR(cosine.factor(0.5), 0.55, 1e-12);  // half way between 1 and 0.1
  EXPECT_NEAR(cosine.factor(1), 0.1, 1e-12);
  EXPECT_NEAR(cosine.factor(2), 0.1, 1e-12);  // past the plan it stays
}

TEST(Schedule, OneCycleRisesThenFalls) {
  const Schedule cycle = schedule("schedule = 'one_cycle'");
  EXPECT_NEAR(cycle.factor(0), 1.0 / 25, 1e-12);
  EXPECT_NEAR(cycle.factor(0.15), (1 + 1.0 / 25) / 2, 1e-12);  // half of the rise of 0.3
  EXPECT_NEAR(cycle.factor(0.3), 1, 1e-12);
  EXPECT_NEAR(cycle.factor(0.65), 0.5, 1e-12);
  EXPECT_NEAR(cycle.factor(1), 0, 1e-12);
}

TEST(Schedule, SuggestsTheNearestName) {
  try {
    schedule("schedule = 'cosin'");
    FAIL() << "an unknown schedule was taken";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::recipe);
    EXPECT_NE(std::string(error.what()).find("did you mean 'cosine'"), std::string::npos)
        << error.what();
  }
}

}  // namespace
}  // namespace kindred
