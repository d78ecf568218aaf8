// The example of src/loss/README.md; registry_test.cc checks it as every loss.
#include <gtest/gtest.h>

#include "loss/loss_run.h"

namespace kindred::loss_test {
namespace {

// Kin: (1, 0) and (.6, .8), cosine .6; others: (0, 1) with cosines 0 and .8. alpha 2, beta .5.
//   kin: softplus(-2 · .1); others: the mean of softplus(2 · -.5) and softplus(2 · .3)
TEST(BinomialDeviance, IsTheWorkedValue) {
  LossRun run(one_loss("binomial_deviance"), {2, 2, {1, 0, .6, .8, 0, 1}, {0, 0, 1}});
  const auto softplus_of = [](double x) { return std::log1p(std::exp(x)); };
  EXPECT_NEAR(run.compute(), softplus_of(-.2) + (softplus_of(-1) + softplus_of(.6)) / 2, 1e-12);
}

}  // namespace
}  // namespace kindred::loss_test
