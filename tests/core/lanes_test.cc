#include "core/lanes.h"

#include <gtest/gtest.h>

namespace kindred {
namespace {

double relative_error(double found, double expected) {
  return std::abs(found - expected) / expected;
}

TEST(Lanes, ExpIsWithinTwoUnitsInTheLastPlace) {
  const double tolerance = sizeof(Scalar) == 4 ? 2e-7 : 1e-15;
  for (double x = -87; x < 88; x += 0.00917) {
    const auto rounded = static_cast<Scalar>(x);
    const double found = static_cast<double>(exp(broadcast(rounded))[3]);
    ASSERT_LE(relative_error(found, std::exp(static_cast<double>(rounded))), tolerance) << x;
  }
}

TEST(Lanes, ExpIsZeroFarBelowAndFiniteFarAbove) {
  EXPECT_EQ(exp(broadcast(static_cast<Scalar>(-1000)))[0], 0);
  EXPECT_EQ(exp(broadcast(-std::numeric_limits<Scalar>::infinity()))[0], 0);
  EXPECT_TRUE(std::isfinite(exp(broadcast(static_cast<Scalar>(1e5)))[0]));
  EXPECT_EQ(exp(Lanes{})[0], 1);
}

TEST(Lanes, LogIsWithinTheRoundingOfOneAndItself) {
  const double tolerance = sizeof(Scalar) == 4 ? 2e-7 : 1e-15;
  for (double e = -80; e < 80; e += 0.00917) {
    const auto x = static_cast<Scalar>(std::exp(e));
    const double exact = std::log(static_cast<double>(x));
    ASSERT_NEAR(static_cast<double>(log(broadcast(x))[2]), exact,
                tolerance * std::max(1.0, std::abs(exact)))
        << x;
  }
  EXPECT_EQ(log(broadcast(1))[0], 0);
}

TEST(Lanes, SoftplusAndItsSlopeAreExactAtBothEnds) {
  const double tolerance = sizeof(Scalar) == 4 ? 4e-7 : 1e-15;
  for (double x = -80; x < 80; x += 0.0713) {
    const auto rounded = static_cast<Scalar>(x);
    const auto exact = static_cast<double>(rounded);
    const double value = std::max(exact, 0.0) + std::log1p(std::exp(-std::abs(exact)));
    const double slope = 1 / (1 + std::exp(-exact));
    ASSERT_LE(relative_error(static_cast<double>(softplus(broadcast(rounded))[1]), value),
              tolerance)
        << x;
    ASSERT_LE(relative_error(static_cast<double>(sigmoid(broadcast(rounded))[1]), slope), tolerance)
        << x;
  }
}

TEST(Lanes, DotAndDifferenceTakeRowsOfAnyLength) {
  std::vector<Scalar> a;
  std::vector<Scalar> b;
  double product = 0;
  double difference = 0;
  for (Index n = 0; n < 70; ++n) {
    EXPECT_DOUBLE_EQ(dot(a.data(), b.data(), n), product);
    EXPECT_DOUBLE_EQ(squared_difference(a.data(), b.data(), n), difference);
    EXPECT_EQ(squared_difference(a.data(), a.data(), n), 0);
    a.push_back(static_cast<Scalar>(n % 7));
    b.push_back(static_cast<Scalar>(n % 5) - 2);
    product += static_cast<double>(a.back()) * static_cast<double>(b.back());
    difference += (static_cast<double>(a.back()) - static_cast<double>(b.back())) *
                  (static_cast<double>(a.back()) - static_cast<double>(b.back()));
  }
}

TEST(Lanes, AnySeesEachLane) {
  EXPECT_FALSE(any(IntLanes{}));
  for (Index l = 0; l < kLanes; ++l) EXPECT_TRUE(any(count_from(0) == static_cast<LaneInt>(l)));
}

}  // namespace
}  // namespace kindred
