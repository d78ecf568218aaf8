// The norm's loops at every level against the formulas of norm_kernels.h in float64.
#include "nn/channels/norm_kernels.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "support/activations.h"
#include "support/kernel_levels.h"
#include "support/naive_activations.h"

namespace kindred::test {
namespace {

struct Case {
  std::string name;
  Index S;
  Shape shape;
  FormatTag tag;
};
const Case kCases[] = {
    {"nhwc", 3, {64, 6, 8}, FormatTag::nhwc},
    {"nhwc of more groups than a bundle, in 16, 8 and 1", 2, {157, 5, 7}, FormatTag::nhwc},
    {"nhwc of single channels", 3, {3, 7, 5}, FormatTag::nhwc},
    {"nChw8c", 3, {16, 6, 8}, FormatTag::nChw8c},
    {"nChw8c, padded, odd", 3, {21, 5, 7}, FormatTag::nChw8c},
    {"nChw16c", 3, {32, 6, 8}, FormatTag::nChw16c},
    {"nChw16c, padded, odd", 3, {21, 7, 5}, FormatTag::nChw16c},
    {"nchw", 3, {6, 5, 7}, FormatTag::nchw},
    {"nchw of one window", 4, {5, 2, 2}, FormatTag::nchw},
};

template <typename T>
struct Norm {
  Norm(const Case& of, Activation activation, bool pool)
      : dst{of.shape.channels, pool ? of.shape.height / 2 : of.shape.height,
            pool ? of.shape.width / 2 : of.shape.width},
        x(of.S, of.shape, of.tag),
        y(of.S, dst, of.tag),
        selected(of.S, dst, of.tag),
        dy(of.S, dst, of.tag),
        dx(of.S, of.shape, of.tag),
        plan{x.layout, y.layout, 1e-5, activation, pool} {
    x.fill(1, 1.0F / 32);
    dy.fill(2, 1.0F / 128);
    const auto C = static_cast<std::size_t>(x.layout.C);
    for (auto* numbers : {&mean, &variance, &dscale, &dshift, &dslopes}) {
      numbers->assign(C, std::numeric_limits<float>::quiet_NaN());
    }
    scale.assign(C, 0);
    shift.assign(C, 0);
    slopes.assign(C, 0);
    if (activation.kind == ActivationKind::prelu) plan.activation.slopes = slopes.data();
    for (std::size_t c = 0; c < static_cast<std::size_t>(x.C); ++c) {
      scale[c] = c % 3 == 2 ? -0.75F : 0.5F + 0.125F * static_cast<float>(c % 4);
      shift[c] = 0.25F * static_cast<float>(c % 5) - 0.515625F;
      slopes[c] = 0.25F * static_cast<float>(c % 7) - 0.5F;
    }
  }

  NormChannels channels() { return {scale.data(), shift.data(), mean.data(), variance.data()}; }
  NormGradient gradient() {
    return {dscale.data(), dshift.data(), plan.activation.slopes ? dslopes.data() : nullptr};
  }
  void forward(const NormKernels<T>& kernels) {
    for (Index part = 0; part < kernels.parts(plan); ++part) {
      kernels.forward(plan, part, x.numbers.data(), channels(), y.numbers.data(),
                      plan.pool ? selected.numbers.data() : nullptr);
    }
  }
  void inference(const NormKernels<T>& kernels) {
    for (Index part = 0; part < kernels.parts(plan); ++part) {
      kernels.inference(plan, part, x.numbers.data(), channels(), y.numbers.data());
    }
  }
  void backward(const NormKernels<T>& kernels, bool wants_dx) {
    for (Index part = 0; part < kernels.parts(plan); ++part) {
      kernels.backward(plan, part, x.numbers.data(), plan.pool ? selected.numbers.data() : nullptr,
                       channels(), dy.numbers.data(), gradient(),
                       wants_dx ? dx.numbers.data() : nullptr);
    }
  }

  double slope(Index c) const { return static_cast<double>(slopes[static_cast<std::size_t>(c)]); }
  double count() const { return static_cast<double>(plan.x.S * plan.x.pixels()); }
  double spread(std::size_t c) const { return static_cast<double>(variance[c]) + plan.epsilon; }
  /// By the mean and variance that were found.
  double normalised(Index n, Index c, Index p) const {
    const auto i = static_cast<std::size_t>(c);
    return (x.at(n, c, p) - static_cast<double>(mean[i])) * static_cast<double>(scale[i]) /
               std::sqrt(spread(i)) +
           static_cast<double>(shift[i]);
  }
  /// The pixel of x that pixel p of y comes from.
  Index source(Index n, Index c, Index p) const {
    if (!plan.pool) return p;
    const Index first = p / plan.y.W * 2 * plan.x.W + p % plan.y.W * 2;
    Index best = first;
    for (const Index at : {first + 1, first + plan.x.W, first + plan.x.W + 1}) {
      if (normalised(n, c, at) > normalised(n, c, best)) best = at;
    }
    return best;
  }

  Shape dst;
  Tensor<T> x, y, selected, dy, dx;
  NormPlan plan;
  std::vector<float> scale, shift, slopes, mean, variance, dscale, dshift, dslopes;
};

/// body(n, c, pixel)
template <typename T, typename F>
void for_all(const Tensor<T>& tensor, F&& body) {
  for (Index n = 0; n < tensor.layout.S; ++n) {
    for (Index c = 0; c < tensor.layout.C; ++c) {
      for (Index p = 0; p < tensor.layout.pixels(); ++p) body(n, c, p);
    }
  }
}

template <typename T>
void expect_statistics(const Norm<T>& norm) {
  for (Index c = 0; c < norm.x.C; ++c) {
    double mean = 0;
    double squares = 0;
    for (Index n = 0; n < norm.plan.x.S; ++n) {
      for (Index p = 0; p < norm.plan.x.pixels(); ++p) mean += norm.x.at(n, c, p) / norm.count();
    }
    for (Index n = 0; n < norm.plan.x.S; ++n) {
      for (Index p = 0; p < norm.plan.x.pixels(); ++p) {
        squares += std::pow(norm.x.at(n, c, p) - mean, 2);
      }
    }
    // Differences of numbers <= 100 / 32 from another are <= 6.25, in chains of <= 12 a sample:
    // 12 * 6.25 * 2^-24 < 5e-6; their squares 12 * 39 * 2^-24 < 3e-5.
    const auto i = static_cast<std::size_t>(c);
    EXPECT_NEAR(static_cast<double>(norm.mean[i]), mean, 5e-6) << "channel " << c;
    EXPECT_NEAR(static_cast<double>(norm.variance[i]), squares / norm.count(), 3e-5)
        << "channel " << c;
  }
}

template <typename T>
void expect_y(const Norm<T>& norm) {
  for_all(norm.y, [&](Index n, Index c, Index p) {
    if (c >= norm.y.C) {
      ASSERT_EQ(norm.y.at(n, c, p), 0) << "padding";
      return;
    }
    const double before = norm.normalised(n, c, norm.source(n, c, p));
    const double wanted = naive::activated(norm.plan.activation.kind, before, norm.slope(c));
    // Four roundings of numbers < 8: 4 * 8 * 2^-24 < 2e-6; gates are right to 2e-7 of such numbers.
    const double gate = is_piecewise_linear(norm.plan.activation.kind) ? 0 : 2e-6;
    ASSERT_NEAR(norm.y.at(n, c, p), wanted, 2e-6 + gate + rounding<T>(wanted))
        << "sample " << n << " channel " << c << " pixel " << p;
  });
}

template <typename T>
void expect_selected(const Norm<T>& norm) {
  for_all(norm.selected, [&](Index n, Index c, Index p) {
    if (c >= norm.y.C) return;
    ASSERT_EQ(norm.selected.at(n, c, p), norm.x.at(n, c, norm.source(n, c, p)))
        << "sample " << n << " channel " << c << " pixel " << p;
  });
}

template <typename T>
void expect_gradients(const Norm<T>& norm, bool wants_dx) {
  const auto per_channel = static_cast<std::size_t>(norm.x.C);
  std::vector<double> sum(per_channel), product(per_channel), slopes(per_channel);
  std::vector<double> g(norm.x.numbers.size());
  for_all(norm.y, [&](Index n, Index c, Index p) {
    if (c >= norm.y.C) return;
    const Index from = norm.source(n, c, p);
    const double before = norm.normalised(n, c, from);
    ASSERT_GT(std::abs(before), 2e-6) << "too near the ReLU's bend to tell its side in float32";
    const auto i = static_cast<std::size_t>(c);
    const double diff =
        norm.dy.at(n, c, p) * naive::slope_of(norm.plan.activation.kind, before, norm.slope(c));
    g[norm.x.place(n, c, from)] = diff;
    sum[i] += diff;
    product[i] += diff * (norm.x.at(n, c, from) - static_cast<double>(norm.mean[i]));
    slopes[i] += norm.dy.at(n, c, p) * std::min(before, 0.0);
  });
  for (std::size_t c = 0; c < per_channel; ++c) {
    // g <= 100 / 128 in chains of 12 a sample, <= 4 samples: 4 * 12 * 12 * 0.8 * 2^-24 < 3e-5;
    // times (x - mean) <= 6.25 over a deviation > 1.
    EXPECT_NEAR(static_cast<double>(norm.dshift[c]), sum[c], 3e-5) << "channel " << c;
    EXPECT_NEAR(static_cast<double>(norm.dscale[c]), product[c] / std::sqrt(norm.spread(c)), 2e-4)
        << "channel " << c;
    if (norm.plan.activation.slopes == nullptr) continue;
    // Times y, which is below 8.
    EXPECT_NEAR(static_cast<double>(norm.dslopes[c]), slopes[c], 2e-4) << "channel " << c;
  }
  for_all(norm.dx, [&](Index n, Index c, Index p) {
    const double found = norm.dx.at(n, c, p);
    if (!wants_dx) {
      ASSERT_TRUE(std::isnan(found));
      return;
    }
    if (c >= norm.x.C) {
      ASSERT_EQ(found, 0) << "padding";
      return;
    }
    const auto i = static_cast<std::size_t>(c);
    const double factor = static_cast<double>(norm.scale[i]) / std::sqrt(norm.spread(i));
    const double d = norm.x.at(n, c, p) - static_cast<double>(norm.mean[i]);
    const double wanted = factor * (g[norm.x.place(n, c, p)] - sum[i] / norm.count() -
                                    d * product[i] / (norm.count() * norm.spread(i)));
    // The errors of the sums over N >= 16, and five roundings of numbers < 2: 3e-5
    ASSERT_NEAR(found, wanted, 3e-5 + rounding<T>(wanted))
        << "sample " << n << " channel " << c << " pixel " << p;
  });
}

template <typename T>
void check(const Case& of, Activation activation, bool pool, Isa level) {
  const NormKernels<T>& kernels = kernels_at<NormKernels<T>>(level);
  Norm<T> norm(of, activation, pool);
  norm.forward(kernels);
  expect_statistics(norm);
  expect_y(norm);
  if (pool) expect_selected(norm);
  norm.backward(kernels, false);
  expect_gradients(norm, false);
  norm.backward(kernels, true);
  expect_gradients(norm, true);

  Norm<T> inference(of, activation, pool);
  for (std::size_t c = 0; c < inference.mean.size(); ++c) {
    inference.mean[c] = 0.25F * static_cast<float>(c % 3);
    inference.variance[c] = 1.0F + static_cast<float>(c % 2);
  }
  inference.inference(kernels);
  expect_y(inference);
}

TEST(NormKernels, EveryLevelComputesTheFormulas) {
  for (const Isa level : levels()) {
    for (const Case& of : kCases) {
      for (const ActivationKind kind : kAllActivations) {
        for (const bool pool : {false, true}) {
          if (pool && !is_clip(kind)) continue;
          SCOPED_TRACE(testing::Message() << name_of(level) << ", " << of.name << ", activation "
                                          << static_cast<int>(kind) << (pool ? ", pool" : ""));
          check<float>(of, {kind}, pool, level);
          check<Bfloat16>(of, {kind}, pool, level);
          if (testing::Test::HasFailure()) return;
        }
      }
    }
  }
}

// diff_src may lie where diff_dst lies: Sequence does so.
TEST(NormKernels, EveryLevelPropagatesInPlace) {
  for (const Isa level : levels()) {
    for (const Case& of : kCases) {
      SCOPED_TRACE(std::string(name_of(level)) + ", " + of.name);
      const NormKernels<float>& kernels = kernels_at<NormKernels<float>>(level);
      Norm<float> norm(of, kReluActivation, false);
      norm.forward(kernels);
      norm.backward(kernels, true);
      std::vector<float> in_place = norm.dy.numbers;
      for (Index part = 0; part < kernels.parts(norm.plan); ++part) {
        kernels.backward(norm.plan, part, norm.x.numbers.data(), nullptr, norm.channels(),
                         in_place.data(), norm.gradient(), in_place.data());
      }
      EXPECT_EQ(in_place, norm.dx.numbers);
    }
  }
}

}  // namespace
}  // namespace kindred::test
