// Winograd's loops at every level of instruction sets that this CPU has: each against the naive
// convolution, and all against each other.
#include "nn/kernels/winograd_kernels.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <limits>

#include "nn/layer_harness.h"
#include "support/activations.h"
#include "support/bfloat16.h"

namespace kindred::test {
namespace {

constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();

void put(double value, float& to) { to = static_cast<float>(value); }
void put(double value, Bfloat16& to) {
  const float rounded = rounded_to_bfloat16(static_cast<float>(value));
  to.bits = static_cast<std::uint16_t>(std::bit_cast<std::uint32_t>(rounded) >> 16);
}
double get(float from) { return from; }
double get(Bfloat16 from) {
  return std::bit_cast<float>(static_cast<std::uint32_t>(from.bits) << 16);
}

/// Calls body(place of the tensor's number in the kernels' memory, place in the tensor): in groups
/// of channels, or (Bfloat16) channels-last.
template <typename T, typename F>
void for_places(const naive::Tensor& tensor, Index group, F&& body) {
  const Shape& shape = tensor.shape;
  const Index each = std::is_same_v<T, float> ? group : shape.channels;
  for (Index n = 0; n < tensor.S; ++n) {
    for (Index c = 0; c < shape.channels; ++c) {
      for (Index p = 0; p < shape.height * shape.width; ++p) {
        const Index first = n * shape.size() + c / each * each * shape.height * shape.width;
        body(static_cast<std::size_t>(first + p * each + c % each),
             tensor.place(n, c, p / shape.width, p % shape.width));
      }
    }
  }
}
template <typename T>
std::vector<T> packed(const naive::Tensor& tensor, Index group) {
  std::vector<T> memory(tensor.values.size());
  for_places<T>(tensor, group,
                [&](std::size_t to, std::size_t from) { put(tensor.values[from], memory[to]); });
  return memory;
}
template <typename T>
naive::Tensor unpacked(const std::vector<T>& memory, Index S, const Shape& shape, Index group) {
  naive::Tensor tensor(S, shape);
  for_places<T>(tensor, group,
                [&](std::size_t from, std::size_t to) { tensor.values[to] = get(memory[from]); });
  return tensor;
}

/// Of numbers that bfloat16 can hold.
naive::Tensor short_numbers(Index S, const Shape& shape, std::uint64_t seed) {
  naive::Tensor tensor = random_tensor(S, shape, seed);
  for (double& value : tensor.values) value = std::ldexp(std::round(std::ldexp(value, 6)), -6);
  return tensor;
}

struct Results {
  std::vector<double> dst, diff_src, diff_weights, diff_bias;
};

/// A convolution with a bias whose dst is added to what it holds, and behind it an activation.
struct Problem {
  WinogradPlan plan;
  ActivationKind kind;
  naive::Tensor src, old_dst, diff_dst;
  std::vector<float> weights, bias, slopes;
  Results expected;

  Problem(const Shape& shape, Index channels, Index padding, Index tile, ActivationKind behind)
      : kind(behind) {
    const std::vector<LayerSpec> layers{spec(
        "convolution", "layer",
        {{"channels", static_cast<double>(channels)}, {"padding", static_cast<double>(padding)}})};
    LayerHarness harness(layers, 5, shape, NetworkMode::training, "direct");
    harness.fill_parameters(1);
    plan = {5, shape, harness.layers().dst_shape(), padding, tile};
    src = short_numbers(5, shape, 2);
    diff_dst = short_numbers(5, plan.dst, 3);
    old_dst = short_numbers(5, plan.dst, 4);
    const auto numbers_of = [&](const char* name) {
      const Segment& segment = *harness.table.find(name);
      const float* first = harness.parameters.data() + segment.offset;
      return std::vector<float>(first, first + segment.size);
    };
    weights = numbers_of("layer.weights");
    bias = numbers_of("layer.bias");

    naive::Numbers numbers(harness.table, harness.parameters);
    naive::Network oracle(layers);
    naive::Margin margin;
    expected.dst = oracle.forward(src, numbers, margin).values;
    for (Index o = 0; o < channels; ++o) slopes.push_back(o % 3 == 0 ? -0.5F : 0.25F);
    const auto pixels = static_cast<std::size_t>(plan.dst.height * plan.dst.width);
    for (std::size_t i = 0; i < expected.dst.size(); ++i) {
      const float slope = slopes[i / pixels % slopes.size()];
      expected.dst[i] =
          naive::activated(kind, expected.dst[i] + old_dst.values[i], static_cast<double>(slope));
    }
    expected.diff_src = oracle.backward(diff_dst, numbers).values;
    const double* diff_weights = numbers.diff("layer.weights");
    expected.diff_weights.assign(diff_weights, diff_weights + weights.size());
    const double* diff_bias = numbers.diff("layer.bias");
    expected.diff_bias.assign(diff_bias, diff_bias + bias.size());
  }

  /// Parts in any order give the same: here the last comes first.
  template <typename F>
  static void run(Index parts, F&& body) {
    for (Index part = parts; part-- > 0;) body(part);
  }
  static std::vector<float> unknown(Index floats) {
    return std::vector<float>(static_cast<std::size_t>(floats), kNaN);
  }

  template <typename T>
  void forward(const WinogradKernels<T>& loops, const WinogradForward<T>& convolution) const {
    const WinogradPlan& of = convolution.plan;
    run(loops.forward_parts(of), [&](Index part) {
      std::vector<float> scratch = unknown(loops.forward_scratch(of));
      loops.forward(convolution, part, scratch.data());
    });
  }

  template <typename T>
  Results compute(const WinogradKernels<T>& loops) const {
    const Index C = plan.src.channels;
    const Index O = plan.dst.channels;
    const Index group = loops.group;
    const std::vector<T> x = packed<T>(src, group);
    const std::vector<T> dy = packed<T>(diff_dst, group);
    std::vector<float> points = unknown(plan.point_floats());
    Results results;

    WinogradWeights to_points{C, O, weights.data(), 9, 9 * C, false, plan.tile, points.data()};
    run(to_points.parts(), [&](Index part) { loops.transform_filter(to_points, part); });
    std::vector<T> y = packed<T>(old_dst, group);
    forward<T>(loops,
               {plan, x.data(), points.data(), bias.data(), true, {kind, slopes.data()}, y.data()});
    results.dst = unpacked(y, plan.S, plan.dst, group).values;

    to_points = {O, C, weights.data(), 9 * C, 9, true, plan.tile, points.data()};
    run(to_points.parts(), [&](Index part) { loops.transform_filter(to_points, part); });
    naive::Tensor nothing(plan.S, plan.src);
    for (double& value : nothing.values) value = kNaN;
    std::vector<T> dx = packed<T>(nothing, group);
    const WinogradPlan of_diff = plan.of_diff();
    forward<T>(loops,
               {of_diff, dy.data(), points.data(), nullptr, false, kNoActivation, dx.data()});
    results.diff_src = unpacked(dx, plan.S, plan.src, group).values;

    std::vector<float> scratch = unknown(loops.gradient_scratch(plan));
    std::vector<float> diff_weights = unknown(9 * C * O);  // [9, C, O]
    const WinogradGradient<T> gradient{plan, x.data(), dy.data(), scratch.data(),
                                       diff_weights.data()};
    for (Index block = 0; block < loops.gradient_blocks(plan); ++block) {
      run((C + O) / group, [&](Index part) { loops.gradient_transform(gradient, block, part); });
      run(gradient.kMultiplyParts,
          [&](Index part) { loops.gradient_multiply(gradient, block, part); });
    }
    run(gradient.kFinishParts, [&](Index part) { loops.gradient_finish(gradient, part); });
    for (Index i = 0; i < C * O; ++i) {
      for (Index tap = 0; tap < 9; ++tap) {
        const Index from = (tap * C + i % C) * O + i / C;
        results.diff_weights.push_back(diff_weights[static_cast<std::size_t>(from)]);
      }
    }

    std::vector<float> diff_bias = unknown(O);
    loops.backward_bias(plan, dy.data(), diff_bias.data());
    results.diff_bias.assign(diff_bias.begin(), diff_bias.end());
    return results;
  }
};

/// Typical errors, relative to typical numbers.
struct Tolerance {
  double dst;  ///< and diff_src
  double diff_weights;
  double between_levels;  ///< of dst and diff_src
};

void expect_near(const Results& found, const Results& expected, double dst, double diff_weights) {
  EXPECT_LE(typical_error(found.dst, expected.dst), dst);
  EXPECT_LE(typical_error(found.diff_src, expected.diff_src), dst);
  EXPECT_LE(typical_error(found.diff_weights, expected.diff_weights), diff_weights);
  // 5 * 13 * 17 = 1,105 terms of up to 1 in one chain: sqrt(1105) 2^-24 = 2e-6.
  EXPECT_LE(typical_error(found.diff_bias, expected.diff_bias), 2e-6);
}

template <typename T>
void check_levels(Index tile, const Tolerance& tolerance) {
  const struct {
    Shape src;
    Index channels;
    ActivationKind behind;
  } sizes[] = {{{16, 13, 17}, 48, ActivationKind::prelu},
               {{32, 9, 11}, 16, ActivationKind::relu6},
               {{48, 7, 8}, 32, ActivationKind::relu},
               {{16, 3, 13}, 16, ActivationKind::none}};
  for (const auto& size : sizes) {
    for (const Index padding : {0, 1, 2}) {
      const Problem problem(size.src, size.channels, padding, tile, size.behind);
      const Results lowest = problem.compute(kernels_at<WinogradKernels<T>>(Isa::v2));
      for (const Isa level : kAllIsas) {
        if (level > cpu_isa()) break;
        SCOPED_TRACE(testing::Message() << name_of(level) << ", " << size.src.channels << " x "
                                        << size.src.height << " x " << size.src.width << " to "
                                        << size.channels << ", padding " << padding);
        const Results found = problem.compute(kernels_at<WinogradKernels<T>>(level));
        expect_near(found, problem.expected, tolerance.dst, tolerance.diff_weights);
        expect_near(found, lowest, tolerance.between_levels, 2 * tolerance.diff_weights);
      }
    }
  }
}

// As winograd_test.cc says. Two levels may differ by the error of either.
TEST(WinogradKernels, ConvolveAlikeAtEveryLevel) { check_levels<float>(4, {7e-6, 7e-6, 1.4e-5}); }

// Of bfloat16, the rounding to 8 bits is the error, by 1.7e-3. Between two levels a number may be
// rounded the other way, by 2^-8, where it lies within their difference of the middle of two:
// sqrt(2 * 1e-5 / 2^-8) * 2^-8 = 2.8e-4.
TEST(WinogradKernels, ConvolveBfloat16AlikeAtEveryLevel) {
  check_levels<Bfloat16>(4, {1.8e-3, 7e-6, 2.8e-4});
  check_levels<Bfloat16>(7, {1.8e-3, 1e-5, 2.8e-4});
}

TEST(WinogradKernels, WorkOnAsManyChannelsAsARegisterHolds) {
  for (const Isa level : kAllIsas) {
    if (level > cpu_isa()) break;
    EXPECT_EQ(kernels_at<WinogradKernels<float>>(level).group, vector_floats(level));
    EXPECT_EQ(kernels_at<WinogradKernels<Bfloat16>>(level).group, vector_floats(level));
  }
}

}  // namespace
}  // namespace kindred::test
