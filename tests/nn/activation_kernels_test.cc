// Activations at every level against their formulas in float64.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "nn/channels/prelu_kernels.h"
#include "nn/kernels/elementwise_kernels.h"
#include "support/activations.h"
#include "support/kernel_levels.h"
#include "support/naive_activations.h"

namespace kindred::test {
namespace {

template <typename T>
class ActivationKernelsTest : public testing::Test {};
using Elements = testing::Types<float, Bfloat16>;
TYPED_TEST_SUITE(ActivationKernelsTest, Elements);

/// From -100 to 100, denser near 0; beyond the bends of all of them, and on none.
template <typename T>
std::vector<T> points() {
  std::vector<T> numbers;
  for (int i = -128; i <= 128; ++i) {
    const float at = static_cast<float>(i) / 32.0F;
    numbers.push_back(from_float<T>(at * std::abs(at) * std::abs(at) * 1.5F + 0.0078125F));
  }
  return numbers;
}

TYPED_TEST(ActivationKernelsTest, EveryLevelComputesTheFormulas) {
  using T = TypeParam;
  const std::vector<T> x = points<T>();
  const auto size = static_cast<Index>(x.size());
  std::vector<T> dy;
  for (Index i = 0; i < size; ++i) {
    dy.push_back(from_float<T>(0.25F * static_cast<float>(i % 9) - 1));
  }
  for (const Isa level : levels()) {
    const auto& kernels = kernels_at<ElementwiseKernels<T>>(level);
    for (const ActivationKind kind : kAllActivations) {
      if (kind == ActivationKind::prelu) continue;
      std::vector<T> y(x.size()), dx(x.size());
      kernels.activate({kind}, x.data(), size, y.data());
      kernels.activate_backward({kind}, dy.data(), x.data(), size, dx.data());
      for (std::size_t i = 0; i < x.size(); ++i) {
        SCOPED_TRACE(testing::Message() << name_of(level) << ", activation "
                                        << static_cast<int>(kind) << " of " << to_float(x[i]));
        const double at = static_cast<double>(to_float(x[i]));
        const double wanted = naive::activated(kind, at);
        const double diff = static_cast<double>(to_float(dy[i])) * naive::slope_of(kind, at);
        // Gates are right to 3e-7 of their own, and meet |x| or, on the way back, |x| s (1 - s) < 1
        // and a factor of 3 and less where it is hard.
        const double gate = is_piecewise_linear(kind) ? 0 : 1e-6;
        ASSERT_NEAR(
            static_cast<double>(to_float(y[i])), wanted,
            gate * std::min(1.0, std::abs(at)) + gate * std::abs(wanted) + rounding<T>(wanted));
        ASSERT_NEAR(static_cast<double>(to_float(dx[i])), diff, gate + rounding<T>(diff));
      }
    }
  }
}

TYPED_TEST(ActivationKernelsTest, ClipsTellTheirSlopeByWhatTheyGive) {
  using T = TypeParam;
  const std::vector<T> x = points<T>();
  const auto size = static_cast<Index>(x.size());
  for (const Isa level : levels()) {
    const auto& kernels = kernels_at<ElementwiseKernels<T>>(level);
    for (const ActivationKind kind : kAllActivations) {
      if (!is_clip(kind)) continue;
      std::vector<T> y(x.size()), of_x(x.size()), of_y(x.size());
      kernels.activate({kind}, x.data(), size, y.data());
      kernels.activate_backward({kind}, x.data(), x.data(), size, of_x.data());
      kernels.activate_backward({kind}, x.data(), y.data(), size, of_y.data());
      for (std::size_t i = 0; i < x.size(); ++i) {
        ASSERT_EQ(to_float(of_x[i]), to_float(of_y[i])) << name_of(level) << to_float(x[i]);
      }
    }
  }
}

TYPED_TEST(ActivationKernelsTest, KeepNaNAndGoFarOut) {
  using T = TypeParam;
  const float nan = std::numeric_limits<float>::quiet_NaN();
  for (const Isa level : levels()) {
    const auto& kernels = kernels_at<ElementwiseKernels<T>>(level);
    for (const ActivationKind kind : kAllActivations) {
      if (kind == ActivationKind::prelu) continue;
      const std::vector<T> x(9, from_float<T>(nan));
      std::vector<T> y(9);
      kernels.activate({kind}, x.data(), 9, y.data());
      for (const T value : y) ASSERT_TRUE(std::isnan(to_float(value))) << name_of(level);
      if (kind == ActivationKind::none) continue;
      const std::vector<T> far(9, from_float<T>(-0x1p100F));
      kernels.activate({kind}, far.data(), 9, y.data());
      for (const T value : y) ASSERT_EQ(to_float(value), 0.0F) << name_of(level);
    }
  }
}

struct PreluCase {
  Shape shape;
  FormatTag tag;
};
const PreluCase kPrelus[] = {
    {{157, 5, 7}, FormatTag::nhwc},   {{3, 7, 5}, FormatTag::nhwc},
    {{21, 5, 7}, FormatTag::nChw8c},  {{32, 3, 3}, FormatTag::nChw16c},
    {{21, 1, 2}, FormatTag::nChw16c}, {{6, 5, 7}, FormatTag::nchw},
    {{40, 1, 1}, FormatTag::nhwc},
};

template <typename T>
void check_prelu(const PreluCase& of, Isa level) {
  const auto& kernels = kernels_at<PreluKernels<T>>(level);
  const Index S = 3;
  Tensor<T> x(S, of.shape, of.tag), y(S, of.shape, of.tag), dy(S, of.shape, of.tag),
      dx(S, of.shape, of.tag);
  x.fill(3, 1.0F / 32);
  dy.fill(4, 1.0F / 128);
  const PreluPlan plan{x.layout};
  const auto C = static_cast<std::size_t>(x.layout.C);
  std::vector<float> slopes(C), dslopes(C, std::numeric_limits<float>::quiet_NaN());
  for (std::size_t c = 0; c < static_cast<std::size_t>(x.C); ++c) {
    slopes[c] = 0.25F * static_cast<float>(c % 7) - 0.5F;
  }
  for (Index part = 0; part < kernels.parts(plan); ++part) {
    kernels.forward(plan, part, x.numbers.data(), slopes.data(), y.numbers.data());
    kernels.backward(plan, part, x.numbers.data(), slopes.data(), dy.numbers.data(), dslopes.data(),
                     dx.numbers.data());
  }
  const std::vector<float> with_dx = dslopes;
  for (Index part = 0; part < kernels.parts(plan); ++part) {
    kernels.backward(plan, part, x.numbers.data(), slopes.data(), dy.numbers.data(), dslopes.data(),
                     nullptr);
  }
  EXPECT_EQ(dslopes, with_dx);
  for (Index c = 0; c < x.layout.C; ++c) {
    const double slope = static_cast<double>(slopes[static_cast<std::size_t>(c)]);
    double sum = 0;
    for (Index n = 0; n < S; ++n) {
      for (Index p = 0; p < x.layout.pixels(); ++p) {
        const double at = x.at(n, c, p);
        const double diff = dy.at(n, c, p);
        const double wanted = at > 0 ? at : slope * at;
        const double wanted_diff = at > 0 ? diff : slope * diff;
        // Slopes, numbers and diffs are short: their products are exact in float.
        ASSERT_NEAR(y.at(n, c, p), wanted, rounding<T>(wanted)) << "channel " << c;
        ASSERT_NEAR(dx.at(n, c, p), wanted_diff, rounding<T>(wanted_diff)) << "channel " << c;
        sum += diff * std::min(at, 0.0);
      }
    }
    // And so are sums of 105 products, multiples of 2^-12 below 2^9, but for what a float holds.
    ASSERT_NEAR(static_cast<double>(dslopes[static_cast<std::size_t>(c)]), sum, 1e-4) << c;
  }
}

TYPED_TEST(ActivationKernelsTest, EveryLevelHasSlopesForChannels) {
  for (const Isa level : levels()) {
    for (const PreluCase& of : kPrelus) {
      SCOPED_TRACE(std::string(name_of(level)) + ", case " + std::to_string(&of - kPrelus));
      check_prelu<TypeParam>(of, level);
      if (testing::Test::HasFailure()) return;
    }
  }
}

}  // namespace
}  // namespace kindred::test
