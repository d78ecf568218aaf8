// The optimizers' loops at every level of this machine, against double. optimizer_test.cc checks
// what they are given.
#include "train/update_kernels.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "kindred/core/random.h"
#include "support/levels.h"

namespace kindred {
namespace {

using Numbers = std::vector<float>;

Numbers numbers(Index count, std::uint64_t seed) {
  Random random(seed, Purpose::test);
  Numbers drawn;
  for (Index i = 0; i < count; ++i) drawn.push_back(random.normal());
  return drawn;
}
Numbers positive_numbers(Index count, std::uint64_t seed) {
  Numbers drawn = numbers(count, seed);
  for (float& x : drawn) x = std::abs(x);
  return drawn;
}

/// Sums of at most four terms of size below 8: 4 roundings of 2^-24 * 8.
constexpr double kTolerance = 4 * 8 * 0x1p-24;

void expect_near(const Numbers& found, const std::vector<double>& expected, Isa level) {
  for (std::size_t i = 0; i < expected.size(); ++i) {
    EXPECT_NEAR(static_cast<double>(found[i]), expected[i], kTolerance)
        << name_of(level) << ' ' << i << " of " << expected.size();
  }
  // Behind the last nothing is written.
  for (std::size_t i = expected.size(); i < found.size(); ++i) EXPECT_EQ(found[i], 77);
}

constexpr Index kCounts[] = {1, 8, 15, 16, 17, 33, 100};

TEST(UpdateKernels, MoveByAdam) {
  constexpr AdamStep kStep{.gradient_scale = 0.5F,
                           .added_decay = 0.25F,
                           .keep = 0.875F,
                           .beta1 = 0.75F,
                           .rest1 = 0.25F,
                           .beta2 = 0.9375F,
                           .rest2 = 0.0625F,
                           .epsilon = 0.5F,
                           .stride = 0.125F,
                           .root = 1.5F};
  for (const Isa level : levels_here()) {
    for (const Index count : kCounts) {
      const Numbers gradient = numbers(count, 1);
      Numbers weights = numbers(count, 2);
      Numbers means = numbers(count, 3);
      Numbers squares = positive_numbers(count, 4);
      std::vector<double> w, m, v;
      for (std::size_t i = 0; i < gradient.size(); ++i) {
        const double slope = 0.5 * gradient[i] + 0.25 * weights[i];
        m.push_back(0.75 * means[i] + 0.25 * slope);
        v.push_back(0.9375 * squares[i] + 0.0625 * slope * slope);
        w.push_back(0.875 * weights[i] - 0.125 * m.back() / (1.5 * std::sqrt(v.back()) + 0.5));
      }
      for (Numbers* array : {&weights, &means, &squares}) array->push_back(77);
      kernels_at<UpdateKernels>(level).adam(kStep, gradient.data(), weights.data(), means.data(),
                                            squares.data(), count);
      expect_near(weights, w, level);
      expect_near(means, m, level);
      expect_near(squares, v, level);
    }
  }
}

TEST(UpdateKernels, MoveByTheMomentum) {
  for (const Isa level : levels_here()) {
    for (const Index count : kCounts) {
      for (const bool with_momentum : {false, true}) {
        for (const bool nesterov : {false, true}) {
          const SgdStep step{.gradient_scale = 0.5F,
                             .decay = 0.25F,
                             .momentum = 0.75F,
                             .nesterov = nesterov,
                             .rate = 0.125F};
          const Numbers gradient = numbers(count, 1);
          Numbers weights = numbers(count, 2);
          Numbers moments = numbers(count, 3);
          std::vector<double> w, v;
          for (std::size_t i = 0; i < gradient.size(); ++i) {
            const double slope = 0.5 * gradient[i] + 0.25 * weights[i];
            v.push_back(0.75 * moments[i] + slope);
            const double move = !with_momentum ? slope
                                : nesterov     ? slope + 0.75 * v.back()
                                               : v.back();
            w.push_back(weights[i] - 0.125 * move);
          }
          weights.push_back(77);
          moments.push_back(77);
          kernels_at<UpdateKernels>(level).sgd(step, gradient.data(), weights.data(),
                                               with_momentum ? moments.data() : nullptr, count);
          expect_near(weights, w, level);
          if (with_momentum) expect_near(moments, v, level);
        }
      }
    }
  }
}

TEST(UpdateKernels, AverageWeights) {
  for (const Isa level : levels_here()) {
    for (const Index count : kCounts) {
      const Numbers weights = numbers(count, 1);
      Numbers mean = numbers(count, 2);
      std::vector<double> expected;
      for (std::size_t i = 0; i < weights.size(); ++i) {
        expected.push_back(mean[i] + 0.125 * (static_cast<double>(weights[i]) - mean[i]));
      }
      mean.push_back(77);
      kernels_at<UpdateKernels>(level).average(0.125F, weights.data(), mean.data(), count);
      expect_near(mean, expected, level);
    }
  }
}

// Squares are exact in double and the order of additions is written: the same bits at every level.
TEST(UpdateKernels, SumSquaresTheSameAtEveryLevel) {
  for (const Index count : kCounts) {
    const Numbers values = numbers(count, 1);
    double exact = 0;
    for (const float x : values) exact += static_cast<double>(x) * x;
    const double found = kernels_at<UpdateKernels>(Isa::v2).sum_of_squares(values.data(), count);
    EXPECT_NEAR(found, exact, 1e-12 * exact);
    for (const Isa level : levels_here()) {
      EXPECT_EQ(kernels_at<UpdateKernels>(level).sum_of_squares(values.data(), count), found);
    }
  }
}

}  // namespace
}  // namespace kindred
