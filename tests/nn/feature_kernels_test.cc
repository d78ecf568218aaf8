// Norms over features at every level against their formulas in float64.
#include "nn/channels/feature_kernels.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>
#include <vector>

#include "support/kernel_levels.h"

namespace kindred::test {
namespace {

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
constexpr Index kSamples = 3;

template <typename T>
class FeatureKernelsTest : public testing::Test {};
using Elements = testing::Types<float, Bfloat16>;
TYPED_TEST_SUITE(FeatureKernelsTest, Elements);

/// Rows with gaps of zeros between them.
template <typename T>
std::vector<T> rows(const FeaturePlan& plan, std::uint32_t seed) {
  std::mt19937 random(seed);
  std::vector<T> numbers(static_cast<std::size_t>(plan.S * plan.stride));
  for (Index n = 0; n < plan.S; ++n) {
    for (Index i = 0; i < plan.features; ++i) {
      const float value = static_cast<float>(random() % 201) / 64.0F - 1;
      numbers[static_cast<std::size_t>(n * plan.stride + i)] = from_float<T>(value);
    }
  }
  return numbers;
}

template <typename T>
double at(const std::vector<T>& numbers, const FeaturePlan& plan, Index n, Index i) {
  return static_cast<double>(to_float(numbers[static_cast<std::size_t>(n * plan.stride + i)]));
}

/// body(level, plan) for sizes around those of registers and of four.
template <typename F>
void for_plans(F&& body) {
  for (const Isa level : levels()) {
    for (const Index features : {1, 2, 3, 4, 7, 8, 9, 16, 33, 64, 101}) {
      SCOPED_TRACE(testing::Message() << name_of(level) << ", " << features << " features");
      body(level, FeaturePlan{kSamples, features, features + 5});
      if (testing::Test::HasFailure()) return;
    }
  }
}

template <typename T>
void expect_gaps_of_zeros(const std::vector<T>& numbers, const FeaturePlan& plan) {
  for (Index n = 0; n < plan.S; ++n) {
    for (Index i = plan.features; i < plan.stride; ++i) ASSERT_EQ(at(numbers, plan, n, i), 0);
  }
}

TYPED_TEST(FeatureKernelsTest, EveryLevelNormalisesLayers) {
  using T = TypeParam;
  for_plans([](Isa level, const FeaturePlan& plan) {
    const auto& kernels = kernels_at<FeatureKernels<T>>(level);
    const auto features = static_cast<std::size_t>(plan.features);
    const auto x = rows<T>(plan, 1);
    const auto dy = rows<T>(plan, 2);
    std::vector<T> y(x.size(), from_float<T>(kNan)), dx = y;
    std::vector<float> scale, shift, dscale(features, kNan), dshift = dscale;
    for (std::size_t i = 0; i < features; ++i) {
      scale.push_back(0.25F * static_cast<float>(i % 7) - 0.5F);
      shift.push_back(0.5F * static_cast<float>(i % 3));
    }
    std::vector<float> means(kSamples), inverses(kSamples);
    const double epsilon = 0.125;
    kernels.normalise(plan, epsilon, x.data(), scale.data(), shift.data(), means.data(),
                      inverses.data(), y.data());
    kernels.normalise_backward(plan, x.data(), scale.data(), means.data(), inverses.data(),
                               dy.data(), dscale.data(), dshift.data(), dx.data());
    std::vector<double> wanted_dscale(features), wanted_dshift(features);
    const double F = static_cast<double>(plan.features);
    for (Index n = 0; n < plan.S; ++n) {
      double mean = 0, variance = 0, mean_g = 0, mean_gz = 0;
      for (Index i = 0; i < plan.features; ++i) mean += at(x, plan, n, i) / F;
      for (Index i = 0; i < plan.features; ++i) {
        variance += std::pow(at(x, plan, n, i) - mean, 2) / F;
      }
      const double inverse = 1 / std::sqrt(variance + epsilon);
      const auto z = [&](Index i) { return (at(x, plan, n, i) - mean) * inverse; };
      const auto g = [&](Index i) {
        return at(dy, plan, n, i) * static_cast<double>(scale[static_cast<std::size_t>(i)]);
      };
      for (Index i = 0; i < plan.features; ++i) {
        const auto to = static_cast<std::size_t>(i);
        mean_g += g(i) / F;
        mean_gz += g(i) * z(i) / F;
        wanted_dscale[to] += at(dy, plan, n, i) * z(i);
        wanted_dshift[to] += at(dy, plan, n, i);
      }
      for (Index i = 0; i < plan.features; ++i) {
        const auto c = static_cast<std::size_t>(i);
        const double wanted = z(i) * static_cast<double>(scale[c]) + static_cast<double>(shift[c]);
        const double diff = inverse * (g(i) - mean_g - z(i) * mean_gz);
        // Numbers below 8 and a few roundings each: 10 * 8 * 2^-24 < 5e-6
        ASSERT_NEAR(at(y, plan, n, i), wanted, 5e-6 + rounding<T>(wanted)) << i;
        ASSERT_NEAR(at(dx, plan, n, i), diff, 1e-5 + rounding<T>(diff)) << i;
      }
    }
    for (std::size_t i = 0; i < features; ++i) {
      EXPECT_NEAR(static_cast<double>(dscale[i]), wanted_dscale[i], 1e-5) << i;
      EXPECT_NEAR(static_cast<double>(dshift[i]), wanted_dshift[i], 1e-5) << i;
    }
    expect_gaps_of_zeros(y, plan);
    expect_gaps_of_zeros(dx, plan);
  });
}

TYPED_TEST(FeatureKernelsTest, EveryLevelGivesUnitVectors) {
  using T = TypeParam;
  for_plans([](Isa level, const FeaturePlan& plan) {
    const auto& kernels = kernels_at<FeatureKernels<T>>(level);
    auto x = rows<T>(plan, 1);
    for (Index i = 0; i < plan.features; ++i) {  // the second has no direction
      x[static_cast<std::size_t>(plan.stride + i)] = from_float<T>(i == 0 ? 1e-13F : 0.0F);
    }
    const auto dy = rows<T>(plan, 2);
    std::vector<T> y(x.size(), from_float<T>(kNan)), dx = y;
    std::vector<float> inverses(kSamples);
    kernels.to_unit(plan, x.data(), inverses.data(), y.data());
    kernels.to_unit_backward(plan, x.data(), inverses.data(), dy.data(), dx.data());
    for (Index n = 0; n < plan.S; ++n) {
      double squares = 0, along = 0;
      for (Index i = 0; i < plan.features; ++i) squares += std::pow(at(x, plan, n, i), 2);
      const double length = std::sqrt(squares);
      const bool is_zero = length < 1e-12;
      for (Index i = 0; i < plan.features && !is_zero; ++i) {
        along += at(x, plan, n, i) / length * at(dy, plan, n, i);
      }
      for (Index i = 0; i < plan.features; ++i) {
        const double wanted = is_zero ? 0 : at(x, plan, n, i) / length;
        const double diff = is_zero ? 0 : (at(dy, plan, n, i) - wanted * along) / length;
        ASSERT_NEAR(at(y, plan, n, i), wanted, 5e-7 + rounding<T>(wanted)) << n << ", " << i;
        // Relative to 1 / length, which is large where the only feature is small.
        ASSERT_NEAR(at(dx, plan, n, i), diff,
                    is_zero ? 0 : 1e-5 * std::max(1.0, 1 / length) + rounding<T>(diff))
            << n << ", " << i;
      }
    }
    expect_gaps_of_zeros(y, plan);
    expect_gaps_of_zeros(dx, plan);
  });
}

}  // namespace
}  // namespace kindred::test
