#include "train/runs/collapse_watch.h"

#include <gtest/gtest.h>

#include <vector>

namespace kindred {
namespace {

std::vector<LossReport> report(double active_share, double mean, double spread) {
  return {{"softmax", 3.0, 1.0, false, {}},
          {"triplet",
           0.2,
           1.0,
           false,
           {{"active_share", active_share}, {"mean_distance", mean}, {"distance_spread", spread}}}};
}

TEST(CollapseWatch, WarnsOnceWhenAllTripletsStayActiveAtOneDistance) {
  CollapseWatch watch;
  int warnings = 0;
  Index first = 0;
  for (Index step = 1; step <= 200; ++step) {
    const auto warning = watch.look(step, report(1.0, 0.02, 0.0001));
    if (!warning) continue;
    if (++warnings == 1) first = step;
    EXPECT_NE(warning->find("loss 'triplet' looks collapsed"), std::string::npos) << *warning;
  }
  EXPECT_EQ(warnings, 1);
  EXPECT_EQ(first, 50);
}

TEST(CollapseWatch, IsQuietWhileDistancesDiffer) {
  CollapseWatch watch;
  for (Index step = 1; step <= 200; ++step) {
    EXPECT_FALSE(watch.look(step, report(1.0, 0.9, 0.1)));   // early training looks like this
    EXPECT_FALSE(watch.look(step, report(0.5, 0.02, 0.0)));  // half of the triplets are met
  }
}

TEST(CollapseWatch, StartsCountingAgainAfterAGoodStep) {
  CollapseWatch watch;
  for (Index step = 1; step <= 49; ++step) EXPECT_FALSE(watch.look(step, report(1, 0.02, 0)));
  EXPECT_FALSE(watch.look(50, report(0.9, 0.5, 0.1)));
  for (Index step = 51; step <= 99; ++step) EXPECT_FALSE(watch.look(step, report(1, 0.02, 0)));
  EXPECT_TRUE(watch.look(100, report(1, 0.02, 0)));
}

}  // namespace
}  // namespace kindred
