// The loops of a network's first layer, at every level that this CPU has, against plain ones. All
// numbers are small multiples of 1/8: sums of their products are exact in float, in any order.
#include "nn/kernels/stem_kernels.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <type_traits>
#include <utility>
#include <vector>

#include "nn/kernels/stem_block_kernels.h"
#include "support/activations.h"
#include "support/bfloat16.h"
#include "support/naive_activations.h"

namespace kindred::test {
namespace {

template <typename T>
T stored(float value) {
  if constexpr (std::is_same_v<T, float>) {
    return value;
  } else {
    const auto bits = std::bit_cast<std::uint32_t>(rounded_to_bfloat16(value));
    return {static_cast<std::uint16_t>(bits >> 16)};
  }
}
double number(double stored) { return stored; }
float number(float stored) { return stored; }
float number(Bfloat16 stored) {
  return std::bit_cast<float>(static_cast<std::uint32_t>(stored.bits) << 16);
}
template <typename T>
const T kNan = stored<T>(std::numeric_limits<float>::quiet_NaN());

/// Multiples of 1/8 from -1 to 1.
template <typename T>
std::vector<T> numbers(Index size, std::uint32_t seed) {
  std::vector<T> values(static_cast<std::size_t>(size));
  for (T& value : values) {
    seed = seed * 1664525 + 1013904223;
    value = stored<T>(static_cast<float>(static_cast<int>((seed >> 16) % 17) - 8) / 8);
  }
  return values;
}
template <typename T>
double at(const std::vector<T>& values, Index i) {
  return static_cast<double>(number(values[static_cast<std::size_t>(i)]));
}

/// dst channels-last, or in blocks of a vector's channels.
enum class Layout { last, blocks };

template <typename Plan>
void place(Plan& plan, Layout layout, Isa level) {
  const Index O = plan.dst.channels;
  plan.block = layout == Layout::last ? O : vector_floats(level);
  plan.pixel_stride = plan.block;
  plan.block_stride = plan.block * plan.dst.height * plan.dst.width;
}
/// Of (sample, channel, row, column) in dst.
template <typename Plan>
Index at_dst(const Plan& plan, Index n, Index o, Index h, Index w) {
  return n * plan.dst.size() + plan.place_of(o) + (h * plan.dst.width + w) * plan.pixel_stride;
}

StemPlan plan_of(Index S, const Shape& src, Index O, Index kernel, Index stride, Index padding) {
  StemPlan plan{
      .S = S, .src = src, .dst = {}, .kernel = kernel, .stride = stride, .padding = padding};
  plan.dst = {O, (src.height + 2 * padding - kernel) / stride + 1,
              (src.width + 2 * padding - kernel) / stride + 1};
  return plan;
}

/// The pixel under tap (kh, kw, c) of dst's pixel (h, w); 0 outside of the image.
template <typename T>
double pixel(const StemPlan& plan, const std::vector<T>& src, Index n, Index h, Index w,
             Index tap) {
  const Index C = plan.src.channels;
  const Index y = h * plan.stride + tap / C / plan.kernel - plan.padding;
  const Index x = w * plan.stride + tap / C % plan.kernel - plan.padding;
  if (y < 0 || x < 0 || y >= plan.src.height || x >= plan.src.width) return 0;
  return at(src, n * plan.src.size() + (y * plan.src.width + x) * C + tap % C);
}

/// body(n, o, h, w) for all of dst.
template <typename Plan, typename F>
void for_dst(const Plan& plan, Index S, F&& body) {
  for (Index n = 0; n < S; ++n) {
    for (Index o = 0; o < plan.dst.channels; ++o) {
      for (Index h = 0; h < plan.dst.height; ++h) {
        for (Index w = 0; w < plan.dst.width; ++w) body(n, o, h, w);
      }
    }
  }
}

template <typename T>
void check_forward(const StemPlan& plan, Isa level, bool has_bias, Activation activation) {
  const Index O = plan.dst.channels;
  const auto src = numbers<T>(plan.S * plan.src.size(), 1);
  const auto weights = numbers<float>(plan.taps() * O, 2);
  const auto bias = numbers<float>(O, 3);
  std::vector<float> slopes;  // powers of 2: what they are multiplied with stays exact
  for (Index o = 0; o < O; ++o) slopes.push_back(o % 3 == 0 ? -0.5F : 0.25F);
  activation.slopes = slopes.data();
  std::vector<float> padded(static_cast<std::size_t>(plan.padded_floats()), NAN);
  std::vector<T> dst(static_cast<std::size_t>(plan.S * plan.dst.size()), kNan<T>);
  kernels_at<StemKernels<T>>(level).forward(plan, src.data(), weights.data(),
                                            has_bias ? bias.data() : nullptr, activation,
                                            padded.data(), dst.data());
  for_dst(plan, plan.S, [&](Index n, Index o, Index h, Index w) {
    double sum = has_bias ? at(bias, o) : 0;
    for (Index t = 0; t < plan.taps(); ++t) {
      sum += at(weights, t * O + o) * pixel(plan, src, n, h, w, t);
    }
    sum = naive::activated(activation.kind, sum, at(slopes, o));
    const T expected = stored<T>(static_cast<float>(sum));
    ASSERT_EQ(at(dst, at_dst(plan, n, o, h, w)), static_cast<double>(number(expected)))
        << "sample " << n << ", channel " << o << ", pixel " << h << ", " << w;
  });
}

template <typename T>
void check_backward(const StemPlan& plan, Isa level, bool has_bias) {
  const Index O = plan.dst.channels;
  const auto src = numbers<T>(plan.S * plan.src.size(), 4);
  const auto diff_dst = numbers<T>(plan.S * plan.dst.size(), 5);
  std::vector<float> padded(static_cast<std::size_t>(plan.padded_floats()), NAN);
  std::vector<float> diff_weights(static_cast<std::size_t>(plan.taps() * O), NAN);
  std::vector<float> diff_bias(static_cast<std::size_t>(O), NAN);
  kernels_at<StemKernels<T>>(level).backward_weights(plan, src.data(), diff_dst.data(),
                                                     padded.data(), diff_weights.data(),
                                                     has_bias ? diff_bias.data() : nullptr);
  std::vector<double> weights(diff_weights.size());
  std::vector<double> bias(diff_bias.size());
  for_dst(plan, plan.S, [&](Index n, Index o, Index h, Index w) {
    const double diff = at(diff_dst, at_dst(plan, n, o, h, w));
    bias[static_cast<std::size_t>(o)] += diff;
    for (Index t = 0; t < plan.taps(); ++t) {
      weights[static_cast<std::size_t>(t * O + o)] += diff * pixel(plan, src, n, h, w, t);
    }
  });
  for (Index i = 0; i < plan.taps() * O; ++i) ASSERT_EQ(at(diff_weights, i), at(weights, i)) << i;
  for (Index o = 0; o < O && has_bias; ++o) ASSERT_EQ(at(diff_bias, o), at(bias, o)) << o;
}

template <typename T>
class StemKernelsTest : public testing::Test {};
using AllTypes = testing::Types<float, Bfloat16>;
TYPED_TEST_SUITE(StemKernelsTest, AllTypes);

/// body(level, layout, O) for all of them, with a trace.
template <typename F>
void for_levels(F&& body) {
  for (const Isa level : kAllIsas) {
    if (level > cpu_isa()) continue;
    for (const Layout layout : {Layout::last, Layout::blocks}) {
      for (const Index O : {16, 32, 48, 64}) {
        SCOPED_TRACE(testing::Message() << name_of(level) << ", " << O << " channels"
                                        << (layout == Layout::last ? ", channels-last" : ""));
        body(level, layout, O);
        if (testing::Test::HasFatalFailure()) return;
      }
    }
  }
}

struct Image {
  Shape src;
  Index kernel;
  Index padding;
};
// Rows of dst of every length up to 7, and a long one; taps in every number up to 10 a row.
const Image kImages[] = {{{1, 7, 9}, 3, 1}, {{3, 8, 5}, 3, 1},  {{3, 5, 19}, 3, 0},
                         {{2, 6, 8}, 3, 1}, {{1, 9, 14}, 5, 2}, {{3, 4, 3}, 1, 0},
                         {{2, 7, 6}, 5, 1}, {{1, 3, 2}, 3, 2},  {{4, 3, 4}, 2, 1}};

TYPED_TEST(StemKernelsTest, EveryLevelConvolvesAlike) {
  for_levels([](Isa level, Layout layout, Index O) {
    for (const Image& image : kImages) {
      for (const Index stride : {1, 2}) {
        StemPlan plan = plan_of(2, image.src, O, image.kernel, stride, image.padding);
        place(plan, layout, level);
        SCOPED_TRACE(testing::Message()
                     << image.src.height << " x " << image.src.width << " x " << image.src.channels
                     << ", kernel " << image.kernel << ", stride " << stride);
        for (const bool bias : {false, true}) {
          for (const ActivationKind kind : kAllActivations) {
            if (is_piecewise_linear(kind)) check_forward<TypeParam>(plan, level, bias, {kind});
          }
          check_backward<TypeParam>(plan, level, bias);
        }
      }
    }
  });
}

/// A stem block and what goes through it.
template <typename T>
struct Block {
  Block(Index S, const Shape& image, Index O, Layout layout, Isa level, Activation activation)
      : loops(kernels_at<StemBlockKernels<T>>(level)) {
    plan.convolution = plan_of(S, image, O, 3, 1, 1);
    plan.dst = {O, plan.convolution.dst.height / 2, plan.convolution.dst.width / 2};
    plan.activation = activation;
    place(plan, layout, level);
    src = numbers<T>(S * image.size(), 6);
    const Index floats = loops.image_floats(plan);
    images.resize(static_cast<std::size_t>(S * floats));
    for (Index n = 0; n < S; ++n) {
      loops.prepare(plan, src.data() + n * image.size(), images.data() + n * floats);
    }
    folded = numbers<float>(10 * O, 7);
    winners.resize(static_cast<std::size_t>(loops.winner_bytes(plan)));
    dst.assign(static_cast<std::size_t>(S * plan.dst.size()), kNan<T>);
  }

  Index S() const { return plan.convolution.S; }
  Index O() const { return plan.dst.channels; }
  double tap(Index n, Index h, Index w, Index t) const {
    return pixel(plan.convolution, src, n, h, w, t);
  }
  double convolved(const std::vector<float>& weights, Index n, Index o, Index h, Index w) const {
    double sum = 0;
    for (Index t = 0; t < 9; ++t) sum += at(weights, t * O() + o) * tap(n, h, w, t);
    return sum;
  }
  /// The greatest of a window's four pixels, and which it is: the first of equals.
  std::pair<double, Index> best(Index n, Index o, Index h, Index w) const {
    std::pair<double, Index> found{-HUGE_VAL, 0};
    for (Index k = 0; k < 4; ++k) {
      const double value =
          convolved(folded, n, o, 2 * h + k / 2, 2 * w + k % 2) + at(folded, 9 * O() + o);
      if (value > found.first) found = {value, k};
    }
    return found;
  }
  void forward() {
    for (Index n = 0; n < S(); ++n) {
      loops.forward(plan, n, images.data(), folded.data(), dst.data(), winners.data());
    }
  }
  void expect_maxima() const {
    for_dst(plan, S(), [&](Index n, Index o, Index h, Index w) {
      const double value = best(n, o, h, w).first;
      const T expected =
          stored<T>(static_cast<float>(plan.activation ? std::max(value, 0.0) : value));
      ASSERT_EQ(at(dst, at_dst(plan, n, o, h, w)), static_cast<double>(number(expected)))
          << "sample " << n << ", channel " << o << ", window " << h << ", " << w;
    });
  }

  const StemBlockKernels<T>& loops;
  StemBlockPlan plan;
  std::vector<T> src;
  std::vector<float> images;
  std::vector<float> folded;
  std::vector<std::uint8_t> winners;
  std::vector<T> dst;
};

// Windows in every number up to 5 a row; rows and columns that are in no window.
const Shape kGrey[] = {{1, 6, 2}, {1, 5, 5}, {1, 4, 7}, {1, 7, 8}, {1, 3, 11}};

TYPED_TEST(StemKernelsTest, EveryLevelPoolsAlike) {
  for_levels([](Isa level, Layout layout, Index O) {
    for (const Shape& image : kGrey) {
      for (const Activation activation : kActivations) {
        Block<TypeParam> block(2, image, O, layout, level, activation);
        block.forward();
        block.expect_maxima();
        block.dst.assign(block.dst.size(), kNan<TypeParam>);
        for (Index n = 0; n < block.S(); ++n) {
          block.loops.infer(block.plan,
                            block.images.data() + n * block.loops.image_floats(block.plan),
                            block.folded.data(), block.dst.data() + n * block.plan.dst.size());
        }
        block.expect_maxima();
      }
    }
  });
}

/// Sums that the gradients of one channel are made of: see below.
struct Sums {
  double diff = 0;
  double diff_y = 0;
  double patch[9] = {};
  double y_patch[9] = {};
  double diff_patch[9] = {};
};

// y = convolution, x = (y - mean) inverse: the norm's gradient by y is
//   scale inverse (diff - mean of diff - x mean of diff x),
// and by weights the sum of that times the pixel under the tap. What the loops add up is exact, and
// the rest is float64 on both sides: a result has the one rounding of a float, 2^-24.
template <typename T>
void check_block_backward(Block<T>& block) {
  const Index O = block.O();
  const StemBlockPlan& plan = block.plan;
  const auto weights = numbers<float>(9 * O, 8);
  const auto scale = numbers<float>(O, 9);
  const auto shift = numbers<float>(O, 10);
  const auto diff_dst = numbers<T>(block.S() * plan.dst.size(), 11);
  std::vector<float> mean(static_cast<std::size_t>(O), NAN);
  std::vector<float> variance(mean);
  std::vector<float> folded(static_cast<std::size_t>(10 * O), NAN);
  const StemBlockChannels channels{weights.data(), scale.data(), shift.data(), mean.data(),
                                   variance.data()};
  PatchMoments moments;
  for (Index part = 0; part < PatchMoments::kParts; ++part) {
    block.loops.measure_patches(plan, block.images.data(), part, moments);
  }
  block.loops.statistics(plan, moments, channels, folded.data());
  block.forward();
  std::vector<float> diff_weights(static_cast<std::size_t>(9 * O), NAN);
  std::vector<float> diff_scale(mean.size(), NAN);
  std::vector<float> diff_shift(mean.size(), NAN);
  for (Index group = 0; group < O / 16; ++group) {
    block.loops.backward(plan, group, block.images.data(), moments, channels, block.winners.data(),
                         diff_dst.data(), diff_weights.data(), diff_scale.data(),
                         diff_shift.data());
  }

  const double N = plan.count();
  const auto close = [](double found, double expected) {
    ASSERT_NEAR(found, expected, 0x1p-24 * std::abs(expected) + 1e-11);
  };
  std::vector<double> exact_mean(mean.size());
  std::vector<double> square(mean.size());
  for_dst(plan.convolution, block.S(), [&](Index n, Index o, Index h, Index w) {
    const double y = block.convolved(weights, n, o, h, w);
    exact_mean[static_cast<std::size_t>(o)] += y / N;
    square[static_cast<std::size_t>(o)] += y * y / N;
  });
  std::vector<Sums> sums(mean.size());
  for_dst(plan.convolution, block.S(), [&](Index n, Index o, Index h, Index w) {
    Sums& of = sums[static_cast<std::size_t>(o)];
    const double y = block.convolved(weights, n, o, h, w) - at(mean, o);
    for (Index t = 0; t < 9; ++t) {
      of.patch[t] += block.tap(n, h, w, t);
      of.y_patch[t] += y * block.tap(n, h, w, t);
    }
  });
  for_dst(plan, block.S(), [&](Index n, Index o, Index h, Index w) {
    const auto [value, k] = block.best(n, o, h, w);
    if (plan.activation && value <= 0) return;
    Sums& of = sums[static_cast<std::size_t>(o)];
    const double diff = at(diff_dst, at_dst(plan, n, o, h, w));
    const Index y = 2 * h + k / 2;
    const Index x = 2 * w + k % 2;
    of.diff += diff;
    of.diff_y += diff * (block.convolved(weights, n, o, y, x) - at(mean, o));
    for (Index t = 0; t < 9; ++t) of.diff_patch[t] += diff * block.tap(n, y, x, t);
  });
  for (Index o = 0; o < O; ++o) {
    const Sums& of = sums[static_cast<std::size_t>(o)];
    close(at(mean, o), at(exact_mean, o));
    close(at(variance, o), at(square, o) - at(exact_mean, o) * at(exact_mean, o));
    const double inverse = 1 / std::sqrt(at(variance, o) + plan.epsilon);
    close(at(diff_shift, o), of.diff);
    close(at(diff_scale, o), of.diff_y * inverse);
    for (Index t = 0; t < 9; ++t) {
      close(at(folded, t * O + o), at(weights, t * O + o) * at(scale, o) * inverse);
      const double diff = of.diff_patch[t] - of.diff / N * of.patch[t] -
                          of.diff_y * inverse * inverse / N * of.y_patch[t];
      close(at(diff_weights, t * O + o), at(scale, o) * inverse * diff);
    }
  }
}

TYPED_TEST(StemKernelsTest, EveryLevelPropagatesBackAlike) {
  for_levels([](Isa level, Layout layout, Index O) {
    for (const Shape& image : kGrey) {
      for (const Activation activation : kActivations) {
        Block<TypeParam> block(3, image, O, layout, level, activation);
        check_block_backward(block);
        if (testing::Test::HasFatalFailure()) return;
      }
    }
  });
}

}  // namespace
}  // namespace kindred::test
