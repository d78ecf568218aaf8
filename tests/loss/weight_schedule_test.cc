#include "kindred/loss/weight_schedule.h"

#include <gtest/gtest.h>

#include "kindred/core/error.h"
#include "loss/loss_run.h"

namespace kindred::loss_test {
namespace {

WeightSchedule schedule(const std::string& text) {
  Recipe recipe = Recipe::from_text(text, "test");
  return WeightSchedule(recipe.root());
}

/// The weights of steps 1 to 10 of a run of ten.
std::vector<double> ten_steps(const std::string& text) {
  const WeightSchedule weight = schedule(text);
  std::vector<double> weights;
  for (Index step = 0; step < 10; ++step) weights.push_back(weight.at(step, 10));
  return weights;
}

void expect_weights(const std::string& text, const std::vector<double>& expected) {
  const std::vector<double> found = ten_steps(text);
  for (std::size_t i = 0; i < expected.size(); ++i) {
    EXPECT_DOUBLE_EQ(found[i], expected[i]) << text << ", step " << i + 1;
  }
}

TEST(WeightSchedule, IsConstantUnlessAsked) {
  expect_weights("", {1, 1, 1, 1, 1, 1, 1, 1, 1, 1});
  expect_weights("weight = 0.25", {.25, .25, .25, .25, .25, .25, .25, .25, .25, .25});
  EXPECT_FALSE(schedule("weight = 0.25").varies());
  EXPECT_DOUBLE_EQ(schedule("weight = 2\nwarm_up_to = 0.5").at(0, 0), 2);  // outside a run
}

TEST(WeightSchedule, RisesAndFallsInStraightLines) {
  expect_weights("weight = 2\nwarm_up_to = 0.5", {.4, .8, 1.2, 1.6, 2, 2, 2, 2, 2, 2});
  expect_weights("weight = 3\nwarm_up_from = 0.2\nwarm_up_to = 0.5", {0, 0, 1, 2, 3, 3, 3});
  expect_weights("weight = 4\nfade_from = 0.6", {4, 4, 4, 4, 4, 4, 3, 2, 1, 0});
  expect_weights("weight = 2\nwarm_up_to = 0.2\nfade_from = 0.5\nfade_to = 0.9",
                 {1, 2, 2, 2, 2, 1.5, 1, .5, 0, 0});
}

TEST(WeightSchedule, SwitchesOnLateAndOffEarly) {
  expect_weights("warm_up_from = 0.4", {0, 0, 0, 0, 1, 1, 1, 1, 1, 1});
  expect_weights("fade_to = 0.4", {1, 1, 1, 1, 0, 0, 0, 0, 0, 0});
  expect_weights("warm_up_from = 0.3\nfade_to = 0.6", {0, 0, 0, 1, 1, 1, 0, 0, 0, 0});
  EXPECT_TRUE(schedule("warm_up_from = 0.4").varies());
  EXPECT_TRUE(schedule("fade_to = 0.4").varies());
}

TEST(WeightSchedule, SaysWhenItsSharesAreOutOfOrder) {
  for (const char* text : {"warm_up_from = 0.5\nwarm_up_to = 0.3",
                           "warm_up_to = 0.6\nfade_to = 0.5", "fade_from = 0.8\nfade_to = 0.7"}) {
    try {
      schedule(text);
      FAIL() << text;
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::recipe);
      EXPECT_NE(std::string(error.what()).find("warm_up_from <= warm_up_to <= fade_from"),
                std::string::npos)
          << error.what();
    }
  }
}

TEST(Objective, WeighsEachLossByItsOwnScheduleAndReportsTheWeightInForce) {
  LossRun run(one_loss("triplet", "weight = 2\nwarm_up_from = 0.1\nwarm_up_to = 0.5") +
                  one_loss("softmax", "fade_to = 0.5") + one_loss("center"),
              random_batch({0, 1, 2, 0, 1, 2, 0, 1, 2}, 5, 31));
  struct Expected {
    Index step;  // of 100
    double triplet;
    double softmax;
  };
  for (const auto& [step, triplet, softmax] :
       {Expected{0, 0, 1}, {9, 0, 1}, {29, 1, 1}, {49, 2, 1}, {50, 2, 0}, {99, 2, 0}}) {
    run.step = step;
    const double value = run.compute();
    EXPECT_DOUBLE_EQ(run.report(0).weight, triplet) << step;
    EXPECT_DOUBLE_EQ(run.report(1).weight, softmax) << step;
    EXPECT_DOUBLE_EQ(
        value, triplet * run.report(0).value + softmax * run.report(1).value + run.report(2).value)
        << step;
  }
  EXPECT_TRUE(run.report(0).scheduled);
  EXPECT_TRUE(run.report(1).scheduled);
  EXPECT_FALSE(run.report(2).scheduled);
}

TEST(Objective, GivesNoGradientFromALossOfWeightZero) {
  LossRun run(one_loss("softmax", "warm_up_from = 0.5"), random_batch({0, 1, 2, 0}, 5, 32));
  EXPECT_EQ(run.compute(), 0);
  EXPECT_GT(run.report().value, 0);
  for (Index i = 0; i < 4; ++i) {
    for (Index k = 0; k < 5; ++k) EXPECT_EQ(run.gradient()(i, k), 0);
  }
}

}  // namespace
}  // namespace kindred::loss_test
