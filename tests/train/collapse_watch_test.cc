#include "train/runs/collapse_watch.h"

#include <gtest/gtest.h>

#include <cmath>

namespace kindred {
namespace {

TEST(CollapseWatch, TellsOnceThatAllClassesStayAtOnePoint) {
  CollapseWatch watch;
  for (Index step = 1; step <= 200; ++step) {
    EXPECT_EQ(watch.look(step, 0.96), step == 50) << step;
    EXPECT_EQ(watch.collapsed(), step >= 10) << step;  // of a run that ends here
  }
  EXPECT_NE(watch.text().find("mean cosine 0.960 at step 200"), std::string::npos) << watch.text();
  EXPECT_NE(watch.text().find("lower optimizer.learning_rate"), std::string::npos);
}

TEST(CollapseWatch, IsQuietWhereClassesMoveApart) {
  CollapseWatch watch;
  for (Index step = 1; step <= 40; ++step) EXPECT_FALSE(watch.look(step, 0.99));  // as they begin
  for (Index step = 41; step <= 200; ++step) EXPECT_FALSE(watch.look(step, 0.8));
  EXPECT_FALSE(watch.collapsed());
}

TEST(CollapseWatch, CountsAnewAfterAGoodStep) {
  CollapseWatch watch;
  for (Index step = 1; step <= 49; ++step) EXPECT_FALSE(watch.look(step, 1));
  EXPECT_FALSE(watch.look(50, 0.5));
  for (Index step = 51; step <= 99; ++step) EXPECT_FALSE(watch.look(step, 1));
  EXPECT_FALSE(watch.collapsed());
  EXPECT_TRUE(watch.look(100, 1));
  EXPECT_TRUE(watch.collapsed());
}

TEST(CollapseWatch, LearnsNothingFromStepsWithoutANumber) {
  CollapseWatch watch;
  for (Index step = 1; step <= 200; ++step) EXPECT_FALSE(watch.look(step, std::nan("")));
  EXPECT_FALSE(watch.collapsed());
}

}  // namespace
}  // namespace kindred
