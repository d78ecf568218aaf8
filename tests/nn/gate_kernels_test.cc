// Gates of channels and generalised means at every level against their formulas in float64.
#include "nn/channels/gate_kernels.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "nn/channels/gem_kernels.h"
#include "support/kernel_levels.h"

namespace kindred::test {
namespace {

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

template <typename T>
class GateKernelsTest : public testing::Test {};
using Elements = testing::Types<float, Bfloat16>;
TYPED_TEST_SUITE(GateKernelsTest, Elements);

struct GateCase {
  Shape shape;
  FormatTag tag;
};
const GateCase kCases[] = {
    {{157, 5, 7}, FormatTag::nhwc},   {{3, 7, 5}, FormatTag::nhwc},
    {{21, 5, 7}, FormatTag::nChw8c},  {{32, 3, 3}, FormatTag::nChw16c},
    {{21, 1, 2}, FormatTag::nChw16c}, {{6, 5, 7}, FormatTag::nchw},
    {{19, 1, 1}, FormatTag::nhwc},
};

/// body(level, case)
template <typename F>
void for_cases(F&& body) {
  for (const Isa level : levels()) {
    for (const GateCase& of : kCases) {
      SCOPED_TRACE(std::string(name_of(level)) + ", case " + std::to_string(&of - kCases));
      body(level, of);
      if (testing::Test::HasFailure()) return;
    }
  }
}

template <typename T>
T* sample(Tensor<T>& tensor, Index n) {
  return tensor.numbers.data() + n * tensor.layout.sample_stride;
}

TYPED_TEST(GateKernelsTest, EveryLevelScalesChannels) {
  using T = TypeParam;
  for_cases([](Isa level, const GateCase& of) {
    const auto& kernels = kernels_at<GateKernels<T>>(level);
    Tensor<T> x(1, of.shape, of.tag), y(1, of.shape, of.tag), dy(1, of.shape, of.tag),
        dx(1, of.shape, of.tag);
    x.fill(3, 1.0F / 32);
    dy.fill(4, 1.0F / 128);
    const GatePlan plan{x.layout};
    const auto C = static_cast<std::size_t>(x.layout.C);
    std::vector<T> means(C, from_float<T>(kNan)), dmeans(C, from_float<T>(0.0F));
    std::vector<float> gates(C, 0.0F), dgates(C, kNan);
    for (std::size_t c = 0; c < static_cast<std::size_t>(x.C); ++c) {
      gates[c] = 0.125F * static_cast<float>(c % 9);
      dmeans[c] = from_float<T>(0.25F * static_cast<float>(c % 5) - 0.5F);
    }
    kernels.means(plan, sample(x, 0), means.data());
    kernels.forward(plan, sample(x, 0), gates.data(), sample(y, 0));
    kernels.backward_gates(plan, sample(x, 0), sample(dy, 0), dgates.data());
    kernels.backward(plan, sample(dy, 0), gates.data(), dmeans.data(), sample(dx, 0));
    const double N = static_cast<double>(x.layout.pixels());
    for (Index c = 0; c < x.layout.C; ++c) {
      const auto i = static_cast<std::size_t>(c);
      const double gate = static_cast<double>(gates[i]);
      double sum = 0;
      double product = 0;
      for (Index p = 0; p < x.layout.pixels(); ++p) {
        sum += x.at(0, c, p);
        product += x.at(0, c, p) * dy.at(0, c, p);
        const double wanted = x.at(0, c, p) * gate;
        ASSERT_NEAR(y.at(0, c, p), wanted, rounding<T>(wanted)) << "channel " << c;
        const double diff = dy.at(0, c, p) * gate + static_cast<double>(to_float(dmeans[i])) / N;
        ASSERT_NEAR(dx.at(0, c, p), diff, 2e-7 + rounding<T>(diff)) << "channel " << c;
      }
      // Sums of 35 numbers below 4 are exact; a share of them is rounded twice.
      ASSERT_NEAR(static_cast<double>(to_float(means[i])), sum / N, 5e-7 + rounding<T>(sum / N));
      ASSERT_NEAR(static_cast<double>(dgates[i]), product, 1e-5) << "channel " << c;
    }
  });
}

TYPED_TEST(GateKernelsTest, EveryLevelOpensGates) {
  for (const Isa level : levels()) {
    const auto& kernels = kernels_at<GateKernels<TypeParam>>(level);
    for (const bool hard : {false, true}) {
      const GatePlan plan{{}, hard};
      std::vector<float> e, de(81, kNan), gates(81, kNan), dgates;
      for (int i = 0; i < 81; ++i) e.push_back(static_cast<float>(i - 40) * 0.26F);
      for (int i = 0; i < 81; ++i) dgates.push_back(static_cast<float>(i % 7) - 3);
      kernels.gates(plan, e.data(), 81, gates.data());
      kernels.backward_e(plan, gates.data(), dgates.data(), 81, de.data());
      for (std::size_t i = 0; i < 81; ++i) {
        const double at = static_cast<double>(e[i]);
        const double gate = hard ? std::clamp((at + 3) / 6, 0.0, 1.0) : 1 / (1 + std::exp(-at));
        const double slope = hard ? (std::abs(at) < 3 ? 1.0 / 6 : 0) : gate * (1 - gate);
        EXPECT_NEAR(static_cast<double>(gates[i]), gate, 4e-7) << at;
        EXPECT_NEAR(static_cast<double>(de[i]), slope * static_cast<double>(dgates[i]), 1e-6) << at;
      }
    }
  }
}

TYPED_TEST(GateKernelsTest, EveryLevelTakesGeneralisedMeans) {
  using T = TypeParam;
  for_cases([](Isa level, const GateCase& of) {
    const auto& kernels = kernels_at<GemKernels<T>>(level);
    for (const float power : {1.0F, 2.75F, 9.0F}) {
      const Shape vector{of.shape.channels, 1, 1};
      Tensor<T> x(1, of.shape, of.tag), y(1, vector, of.tag), dy(1, vector, of.tag),
          dx(1, of.shape, of.tag);
      x.fill(3, 1.0F / 32);
      dy.fill(4, 1.0F / 128);
      const GemPlan plan{x.layout, y.layout, of.shape.channels, 0.0625F};
      const auto C = static_cast<std::size_t>(x.layout.C);
      std::vector<float> largest(C, kNan), means(C, kNan);
      kernels.forward(plan, power, sample(x, 0), largest.data(), means.data(), sample(y, 0));
      const double dpower = kernels.backward(plan, power, sample(x, 0), largest.data(),
                                             means.data(), sample(dy, 0), sample(dx, 0));
      EXPECT_EQ(kernels.backward(plan, power, sample(x, 0), largest.data(), means.data(),
                                 sample(dy, 0), nullptr),
                dpower);
      const double p = static_cast<double>(power);
      double wanted_dpower = 0;
      for (Index c = 0; c < x.layout.C; ++c) {
        if (c >= x.C) {
          ASSERT_EQ(y.at(0, c, 0), 0) << "padding";
          continue;
        }
        double mean = 0;
        double logs = 0;
        const double N = static_cast<double>(x.layout.pixels());
        for (Index i = 0; i < x.layout.pixels(); ++i) {
          const double v = std::max(x.at(0, c, i), 0.0625);
          mean += std::pow(v, p) / N;
          logs += std::pow(v, p) * std::log(v) / N;
        }
        const double root = std::pow(mean, 1 / p);
        // An exponential of p times a logarithm <= log 50, both right to 2e-7: 9 * 4 * 2e-7 and
        // less for the terms that matter; numbers are below 3.2.
        ASSERT_NEAR(y.at(0, c, 0), root, 5e-6 + rounding<T>(root)) << "channel " << c;
        const double diff = dy.at(0, c, 0);
        wanted_dpower += diff * root * (logs / mean - std::log(mean) / p) / p;
        for (Index i = 0; i < x.layout.pixels(); ++i) {
          const double v = x.at(0, c, i);
          const double slope =
              v < 0.0625 ? 0 : diff * std::pow(root, 1 - p) * std::pow(v, p - 1) / N;
          ASSERT_NEAR(dx.at(0, c, i), slope, 1e-5 + rounding<T>(slope)) << "channel " << c;
        }
      }
      EXPECT_NEAR(dpower, wanted_dpower, 1e-4) << power;
    }
  });
}

}  // namespace
}  // namespace kindred::test
