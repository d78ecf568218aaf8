// The loops of depthwise convolutions at every level, against plain ones. All numbers are small
// multiples of a power of two, so that sums of their products are exact in float, in any order.
#include "nn/kernels/depthwise_kernels.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "support/activations.h"
#include "support/kernel_levels.h"

namespace kindred::test {
namespace {

constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();

/// What a convolution does besides its image's size.
struct Convolution {
  Index kernel, stride, padding;
  Index dilation = 1;
};

struct Case {
  const char* name;
  Index S;
  Shape src;
  FormatTag tag;
};
void PrintTo(const Case& of, std::ostream* out) { *out << of.name; }

const Case kCases[] = {
    {"nhwc of one channel", 2, {1, 9, 7}, FormatTag::nhwc},
    {"nhwc of three channels", 2, {3, 7, 9}, FormatTag::nhwc},
    {"nhwc of 8 channels", 2, {8, 11, 9}, FormatTag::nhwc},
    {"nhwc of 17 channels", 2, {17, 8, 13}, FormatTag::nhwc},
    {"nhwc of 64 channels", 1, {64, 9, 20}, FormatTag::nhwc},
    {"nhwc of more groups than a bundle, in 16, 8 and 1", 2, {157, 7, 7}, FormatTag::nhwc},
    {"nChw8c", 2, {24, 14, 14}, FormatTag::nChw8c},
    {"nChw8c, padded", 2, {17, 9, 13}, FormatTag::nChw8c},
    {"nChw16c", 2, {32, 13, 19}, FormatTag::nChw16c},
    {"nChw16c, padded", 3, {3, 15, 8}, FormatTag::nChw16c},
    {"nchw", 2, {3, 9, 10}, FormatTag::nchw},
};
const Convolution kConvolutions[] = {
    {3, 1, 1}, {3, 1, 0},    {3, 1, 2},    {3, 2, 1},    {3, 2, 0},    {3, 2, 2},
    {5, 1, 2}, {5, 1, 4},    {5, 2, 2},    {5, 2, 1},    {7, 1, 3},    {7, 1, 0},
    {7, 2, 3}, {1, 1, 0},    {1, 2, 0},    {2, 1, 1},    {2, 3, 0},    {4, 2, 1},
    {3, 3, 1}, {3, 1, 2, 2}, {3, 2, 3, 3}, {2, 4, 2, 6}, {3, 6, 1, 2}, {6, 1, 5},
};

/// A convolution with its tensors, and what plain loops make of them.
template <typename T>
struct Problem {
  Problem(const Case& of, const Convolution& convolution, std::uint32_t seed = 1)
      : dst_shape{of.src.channels, extent(of.src.height, convolution),
                  extent(of.src.width, convolution)},
        x(of.S, of.src, of.tag),
        dy(of.S, dst_shape, of.tag),
        before(of.S, dst_shape, of.tag),
        plan{x.layout,           dy.layout,           convolution.kernel,
             convolution.stride, convolution.padding, convolution.dilation},
        plain(static_cast<std::size_t>(of.src.channels * plan.taps())),
        weights(static_cast<std::size_t>(plan.weight_floats())),
        bias(static_cast<std::size_t>(plan.src.C)),
        slopes(bias.size()) {
    x.fill(seed, 1.0F / 32);
    dy.fill(seed + 1, 1.0F / 64);
    before.fill(seed + 2, 1.0F / 16);
    std::mt19937 random(seed + 3);
    const auto number = [&] { return static_cast<float>(random() % 129) / 64 - 1; };
    for (float& weight : plain) weight = number();
    for (Index c = 0; c < of.src.channels; ++c) bias[static_cast<std::size_t>(c)] = number();
    // Their products are exact.
    for (Index c = 0; c < of.src.channels; ++c) {
      slopes[static_cast<std::size_t>(c)] = c % 3 == 0 ? 0.5F : c % 3 == 1 ? 0.25F : -2.0F;
    }
    for (Index c = 0; c < of.src.channels; ++c) {
      for (Index tap = 0; tap < plan.taps(); ++tap) {
        weights[place(c, tap)] = plain[static_cast<std::size_t>(c * plan.taps() + tap)];
      }
    }
  }

  static Index extent(Index n, const Convolution& of) {
    return (n + 2 * of.padding - (of.kernel - 1) * of.dilation - 1) / of.stride + 1;
  }

  /// Of a weight, as depthwise_kernels.h says.
  std::size_t place(Index c, Index tap) const {
    for (const ChannelGroup& group : plan.src.groups) {
      if (c < group.channel || c >= group.channel + group.lanes) continue;
      return static_cast<std::size_t>(group.channel * plan.taps() + tap * group.lanes + c -
                                      group.channel);
    }
    return weights.size();
  }

  /// body(pixel of dst, tap, pixel of src) for all that meet.
  template <typename F>
  void for_meetings(F&& body) const {
    for (Index oh = 0; oh < plan.dst.H; ++oh) {
      for (Index ow = 0; ow < plan.dst.W; ++ow) {
        for (Index tap = 0; tap < plan.taps(); ++tap) {
          const Index h = oh * plan.stride + tap / plan.kernel * plan.dilation - plan.padding;
          const Index w = ow * plan.stride + tap % plan.kernel * plan.dilation - plan.padding;
          if (h < 0 || w < 0 || h >= plan.src.H || w >= plan.src.W) continue;
          body(oh * plan.dst.W + ow, tap, h * plan.src.W + w);
        }
      }
    }
  }

  /// Parts in any order give the same: here the last comes first.
  template <typename F>
  static void run(Index parts, F&& body) {
    for (Index part = parts; part-- > 0;) body(part);
  }

  void check_forward(const DepthwiseKernels<T>& kernels, bool with_bias, bool sum,
                     Activation activation) const {
    Tensor<T> y(plan.src.S, dst_shape, FormatTag::nhwc);
    y.layout = dy.layout;
    y.numbers = sum ? before.numbers : std::vector<T>(dy.numbers.size(), from_float<T>(kNaN));
    const DepthwiseOutput output{with_bias ? bias.data() : nullptr, sum, activation};
    run(kernels.forward_parts(plan), [&](Index part) {
      kernels.forward(plan, part, x.numbers.data(), weights.data(), output, y.numbers.data());
    });
    for (Index n = 0; n < plan.src.S; ++n) {
      for (Index c = 0; c < plan.src.C; ++c) {
        std::vector<double> sums(static_cast<std::size_t>(plan.dst.pixels()));
        if (c < x.C) {
          for_meetings([&](Index to, Index tap, Index from) {
            sums[static_cast<std::size_t>(to)] +=
                static_cast<double>(plain[static_cast<std::size_t>(c * plan.taps() + tap)]) *
                x.at(n, c, from);
          });
        }
        for (Index p = 0; p < plan.dst.pixels(); ++p) {
          double& value = sums[static_cast<std::size_t>(p)];
          if (with_bias) value += static_cast<double>(bias[static_cast<std::size_t>(c)]);
          if (sum) value += before.at(n, c, p);
          if (activation.kind == ActivationKind::prelu) {
            if (value < 0) value *= static_cast<double>(slopes[static_cast<std::size_t>(c)]);
          } else if (activation) {
            value = std::max(value, 0.0);
            if (activation.kind == ActivationKind::relu6) value = std::min(value, 6.0);
          }
          ASSERT_EQ(y.at(n, c, p),
                    static_cast<double>(to_float(from_float<T>(static_cast<float>(value)))))
              << "dst, sample " << n << ", channel " << c << ", pixel " << p;
        }
      }
    }
  }

  void check_backward_data(const DepthwiseKernels<T>& kernels) const {
    Tensor<T> dx(plan.src.S, {x.C, plan.src.H, plan.src.W}, FormatTag::nhwc);
    dx.layout = x.layout;
    dx.numbers.assign(x.numbers.size(), from_float<T>(kNaN));
    run(kernels.data_parts(plan), [&](Index part) {
      kernels.backward_data(plan, part, dy.numbers.data(), weights.data(), dx.numbers.data());
    });
    for (Index n = 0; n < plan.src.S; ++n) {
      for (Index c = 0; c < plan.src.C; ++c) {
        std::vector<double> sums(static_cast<std::size_t>(plan.src.pixels()));
        if (c < x.C) {
          for_meetings([&](Index from, Index tap, Index to) {
            sums[static_cast<std::size_t>(to)] +=
                static_cast<double>(plain[static_cast<std::size_t>(c * plan.taps() + tap)]) *
                dy.at(n, c, from);
          });
        }
        for (Index p = 0; p < plan.src.pixels(); ++p) {
          const auto value = static_cast<float>(sums[static_cast<std::size_t>(p)]);
          ASSERT_EQ(dx.at(n, c, p), static_cast<double>(to_float(from_float<T>(value))))
              << "diff_src, sample " << n << ", channel " << c << ", pixel " << p;
        }
      }
    }
  }

  void check_backward_weights(const DepthwiseKernels<T>& kernels) const {
    std::vector<float> diff_weights(weights.size(), kNaN);
    std::vector<float> diff_bias(bias.size(), kNaN);
    run(kernels.gradient_parts(plan), [&](Index part) {
      kernels.backward_weights(plan, part, x.numbers.data(), dy.numbers.data(), diff_weights.data(),
                               diff_bias.data());
    });
    std::vector<double> expected(diff_weights.size());
    for (Index n = 0; n < plan.src.S; ++n) {
      for (Index c = 0; c < x.C; ++c) {
        for_meetings([&](Index at_dst, Index tap, Index at_src) {
          expected[place(c, tap)] += dy.at(n, c, at_dst) * x.at(n, c, at_src);
        });
      }
    }
    for (std::size_t i = 0; i < expected.size(); ++i) {
      ASSERT_EQ(static_cast<double>(diff_weights[i]), expected[i]) << "weight " << i;
    }
    for (Index c = 0; c < plan.src.C; ++c) {
      double sum = 0;
      for (Index i = 0; i < plan.src.S * plan.dst.pixels(); ++i) {
        sum += dy.at(i / plan.dst.pixels(), c, i % plan.dst.pixels());
      }
      ASSERT_EQ(static_cast<double>(diff_bias[static_cast<std::size_t>(c)]), sum) << c;
    }
    // Without a bias the same.
    std::vector<float> alone(weights.size(), kNaN);
    run(kernels.gradient_parts(plan), [&](Index part) {
      kernels.backward_weights(plan, part, x.numbers.data(), dy.numbers.data(), alone.data(),
                               nullptr);
    });
    ASSERT_EQ(alone, diff_weights);
  }

  void check_all() const {
    for (const Isa level : levels()) {
      SCOPED_TRACE(name_of(level));
      const DepthwiseKernels<T>& kernels = kernels_at<DepthwiseKernels<T>>(level);
      check_forward(kernels, false, false, kNoActivation);
      check_forward(kernels, true, false, kReluActivation);
      check_forward(kernels, true, true, kReluActivation);
      check_forward(kernels, false, true, kNoActivation);
      check_forward(kernels, true, true, {ActivationKind::relu6});
      check_forward(kernels, true, false, {ActivationKind::prelu, slopes.data()});
      check_backward_data(kernels);
      check_backward_weights(kernels);
    }
  }

  Shape dst_shape;
  Tensor<T> x, dy, before;
  DepthwisePlan plan;
  std::vector<float> plain;  // [C, taps]
  std::vector<float> weights, bias, slopes;
};

bool fits(const Case& of, const Convolution& convolution) {
  const Index reach = (convolution.kernel - 1) * convolution.dilation + 1;
  return std::min(of.src.height, of.src.width) + 2 * convolution.padding >= reach;
}

class DepthwiseKernelsCase : public testing::TestWithParam<Case> {};

TEST_P(DepthwiseKernelsCase, ConvolvesAsPlainLoopsDo) {
  for (const Convolution& convolution : kConvolutions) {
    if (!fits(GetParam(), convolution)) continue;
    SCOPED_TRACE(testing::Message()
                 << "kernel " << convolution.kernel << ", stride " << convolution.stride
                 << ", padding " << convolution.padding << ", dilation " << convolution.dilation);
    Problem<float>(GetParam(), convolution).check_all();
    Problem<Bfloat16>(GetParam(), convolution).check_all();
  }
}

INSTANTIATE_TEST_SUITE_P(All, DepthwiseKernelsCase, testing::ValuesIn(kCases),
                         [](const auto& test) { return "case_" + std::to_string(test.index); });

TEST(DepthwiseKernels, TakeAnImageThatIsOneWindow) {
  for (const FormatTag tag : {FormatTag::nhwc, FormatTag::nChw8c, FormatTag::nChw16c}) {
    for (const Index size : {2, 5, 7}) {
      for (const Index channels : {1, 3, 17, 40}) {
        const Case of{"one window", 3, {channels, size, size}, tag};
        SCOPED_TRACE(testing::Message() << channels << " channels of " << size);
        Problem<float>(of, {size, 1, 0}).check_all();
        Problem<Bfloat16>(of, {size, 1, 0}).check_all();
      }
    }
  }
}

TEST(DepthwiseKernels, TakeRowsOfAnyLength) {
  for (Index width = 1; width <= 27; ++width) {
    SCOPED_TRACE(width);
    const Case of{"of a width", 1, {16, 3, width}, FormatTag::nChw8c};
    for (const Convolution& convolution :
         {Convolution{3, 1, 1}, {3, 2, 1}, {5, 1, 2}, {5, 2, 2}, {7, 1, 3}}) {
      if (fits(of, convolution)) Problem<float>(of, convolution).check_all();
    }
  }
}

// A NaN comes through where it is met, and nowhere else: what lies outside of an image, or of
// another channel, is not multiplied.
TEST(DepthwiseKernels, KeepNaNWhereItIs) {
  const Case of{"with a NaN", 1, {16, 9, 12}, FormatTag::nChw8c};
  Problem<float> problem(of, {3, 1, 1});
  problem.x.numbers[problem.x.place(0, 5, 4 * 12 + 11)] = kNaN;
  for (const Isa level : levels()) {
    const auto& kernels = kernels_at<DepthwiseKernels<float>>(level);
    std::vector<float> y(problem.dy.numbers.size());
    for (Index part = 0; part < kernels.forward_parts(problem.plan); ++part) {
      kernels.forward(problem.plan, part, problem.x.numbers.data(), problem.weights.data(),
                      {nullptr, false, kReluActivation}, y.data());
    }
    Index count = 0;
    for (Index c = 0; c < 16; ++c) {
      for (Index p = 0; p < problem.plan.dst.pixels(); ++p) {
        const bool near = std::abs(p / 12 - 4) <= 1 && p % 12 >= 10;
        const bool is_nan = std::isnan(y[problem.dy.place(0, c, p)]);
        EXPECT_EQ(is_nan, c == 5 && near) << c << ", " << p;
        count += is_nan;
      }
    }
    EXPECT_EQ(count, 6);
  }
}

}  // namespace
}  // namespace kindred::test
