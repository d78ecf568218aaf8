#include "kindred/loss/objective.h"

#include <gtest/gtest.h>

#include "kindred/core/error.h"
#include "loss/loss_run.h"

namespace kindred::loss_test {
namespace {

TestBatch small() { return random_batch({0, 1, 2, 0, 1, 2, 0, 1, 2}, 5, 31); }

std::string error_of(const std::string& recipe) {
  try {
    LossRun run(recipe, small());
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::recipe);
    return error.what();
  }
  return "no error";
}

TEST(Objective, IsTheWeightedSumOfItsLosses) {
  LossRun both(one_loss("softmax", "weight = 2") + one_loss("triplet", "weight = 0.25"), small());
  LossRun softmax(one_loss("softmax"), small());
  LossRun triplet(one_loss("triplet"), small());
  std::copy(softmax.parameters().begin(), softmax.parameters().end(), both.parameters().begin());
  const double sum = both.compute();
  softmax.compute();
  triplet.compute();
  EXPECT_DOUBLE_EQ(both.report(0).value, softmax.report().value);
  EXPECT_DOUBLE_EQ(both.report(1).value, triplet.report().value);
  EXPECT_DOUBLE_EQ(sum, 2 * softmax.report().value + 0.25 * triplet.report().value);
  for (Index i = 0; i < 9; ++i) {
    for (Index k = 0; k < 5; ++k) {
      const double expected = 2 * static_cast<double>(softmax.gradient()(i, k)) +
                              0.25 * static_cast<double>(triplet.gradient()(i, k));
      EXPECT_NEAR(static_cast<double>(both.gradient()(i, k)), expected, 1e-6);
    }
  }
}

TEST(Objective, NumbersTheSecondLossOfAName) {
  LossRun run(one_loss("softmax") + one_loss("triplet") + one_loss("softmax") + one_loss("center") +
                  one_loss("softmax"),
              small());
  EXPECT_EQ(run.report(0).name, "softmax");
  EXPECT_EQ(run.report(1).name, "triplet");
  EXPECT_EQ(run.report(2).name, "softmax.2");
  EXPECT_EQ(run.report(4).name, "softmax.3");
  EXPECT_NE(run.table().find("loss.softmax.2.weights"), nullptr);
  EXPECT_NE(run.state().find("loss.center.centers"), nullptr);
  // Two heads of one recipe do not start alike.
  const auto offset = static_cast<std::size_t>(run.table().find("loss.softmax.2.weights")->offset);
  EXPECT_NE(run.parameters()[0], run.parameters()[offset]);
}

TEST(Objective, GivesZeroRowsNoGradientThroughTheirDirection) {
  TestBatch batch = small();
  for (Index k = 0; k < 5; ++k) batch.at(4, k) = 0;
  LossRun run(one_loss("triplet") + one_loss("softmax", "normalize = true"), batch);
  run.compute();
  for (Index k = 0; k < 5; ++k) EXPECT_EQ(run.gradient()(4, k), 0);
}

TEST(Objective, GivesUnitRowLossesAGradientAcrossTheRow) {
  LossRun run(one_loss("triplet", "mining = 'all'"), small());
  run.compute();
  for (Index i = 0; i < 9; ++i) {
    double along = 0;
    for (Index k = 0; k < 5; ++k) {
      along +=
          static_cast<double>(run.gradient()(i, k)) * static_cast<double>(run.embeddings()(i, k));
    }
    EXPECT_NEAR(along, 0, 1e-6);
  }
}

TEST(Objective, SaysNaNWhenAnEmbeddingIsNot) {
  for (const double bad :
       {std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::infinity()}) {
    TestBatch batch = small();
    batch.at(3, 2) = bad;
    for (const char* loss : {"triplet", "softmax", "center"}) {
      LossRun run(one_loss(loss), batch);
      EXPECT_TRUE(std::isnan(run.compute())) << loss;
    }
  }
}

TEST(Objective, ReportsTheMeanLengthOfTheEmbeddings) {
  TestBatch batch = small();
  for (Index i = 0; i < 9; ++i) {
    for (Index k = 0; k < 5; ++k) batch.at(i, k) = k == 0 ? 2.0 + static_cast<double>(i) : 0.0;
  }
  LossRun run(one_loss("triplet"), batch);
  run.compute();
  EXPECT_DOUBLE_EQ(run.objective().mean_length(), 6);
}

TEST(Objective, SaysWhatIsWrongWithARecipe) {
  EXPECT_NE(error_of("").find("no [[loss]]"), std::string::npos);
  EXPECT_NE(error_of("[[loss]]\nweight = 1").find("needs a name"), std::string::npos);
  EXPECT_NE(error_of(one_loss("tripled")).find("did you mean 'triplet'?"), std::string::npos);
  EXPECT_NE(error_of(one_loss("triplet", "margn = 0.3")).find("did you mean 'margin'?"),
            std::string::npos);
  EXPECT_NE(error_of(one_loss("triplet", "mining = 'hardest'")).find("semihard"),
            std::string::npos);
  EXPECT_NE(error_of(one_loss("softmax", "label_smoothing = 2")).find("label_smoothing"),
            std::string::npos);
}

}  // namespace
}  // namespace kindred::loss_test
