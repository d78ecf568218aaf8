// A margin that grows: in each step the loss is the one with that margin.
#include <gtest/gtest.h>

#include "loss/loss_run.h"

namespace kindred::loss_test {
namespace {

class GrowingMargin : public testing::TestWithParam<const char*> {};

TEST_P(GrowingMargin, IsInEachStepTheLossOfThatMargin) {
  const std::string more = GetParam() == std::string("semihard") ? "mining = 'semihard'\n" : "";
  const std::string name = more.empty() ? GetParam() : "triplet";
  const TestBatch batch = random_batch({0, 1, 2, 0, 1, 2, 0, 1, 2, 3, 3}, 4, 61);
  LossRun run(one_loss(name, more + "margin = 0.5\nmargin_from = 0.1\nmargin_warm_up = 0.4"),
              batch);
  struct Expected {
    Index step;  // of 100
    double margin;
  };
  for (const auto& [step, margin] :
       {Expected{0, 0.11}, {9, 0.2}, {19, 0.3}, {38, 0.49}, {39, 0.5}, {99, 0.5}}) {
    run.step = step;
    const double value = run.compute();
    EXPECT_DOUBLE_EQ(run.scalar("margin"), margin) << step;
    LossRun fixed(one_loss(name, more + "margin = " + std::to_string(margin)), batch);
    std::copy(run.parameters().begin(), run.parameters().end(), fixed.parameters().begin());
    // The margins differ by a rounding of double.
    EXPECT_NEAR(value, fixed.compute(), 1e-6 * std::max(1.0, value)) << step;
    EXPECT_TRUE(std::isnan(fixed.scalar("margin")));
  }
}

INSTANTIATE_TEST_SUITE_P(Losses, GrowingMargin,
                         testing::Values("arcface", "cosface", "subcenter_arcface", "triplet",
                                         "semihard"),
                         [](const auto& one) { return std::string(one.param); });

}  // namespace
}  // namespace kindred::loss_test
