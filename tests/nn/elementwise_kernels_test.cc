// Pools, elementwise loops and the sum of gradient rows at every level against plain loops.
#include "nn/kernels/elementwise_kernels.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "nn/channels/pool_kernels.h"
#include "support/activations.h"
#include "support/kernel_levels.h"

namespace kindred::test {
namespace {

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

template <typename T>
class ElementwiseTest : public testing::Test {};
using Elements = testing::Types<float, Bfloat16>;
TYPED_TEST_SUITE(ElementwiseTest, Elements);

/// Sizes around those of one register, of two, and of what is left over.
constexpr Index kSizes[] = {1, 3, 4, 7, 8, 9, 15, 16, 17, 31, 33, 64, 101};

/// -1, -0.75, ..., 1, from another place on: exact in both types, and so are their sums.
template <typename T>
std::vector<T> quarters(Index size, Index from) {
  std::vector<T> numbers;
  for (Index i = 0; i < size; ++i) {
    numbers.push_back(from_float<T>(0.25F * static_cast<float>((i * 5 + from) % 9) - 1));
  }
  return numbers;
}
template <typename T>
std::vector<T> unwritten(Index size) {
  return std::vector<T>(static_cast<std::size_t>(size), from_float<T>(kNan));
}

TYPED_TEST(ElementwiseTest, EveryLevelAdds) {
  using T = TypeParam;
  for (const Isa level : levels()) {
    const auto& kernels = kernels_at<ElementwiseKernels<T>>(level);
    for (const Index size : kSizes) {
      const auto a = quarters<T>(size, 0);
      const auto b = quarters<T>(size, 4);
      auto sum = unwritten<T>(size + 1);
      auto rectified = unwritten<T>(size + 1);
      kernels.add(a.data(), b.data(), size, sum.data());
      kernels.add_activated(kReluActivation, a.data(), b.data(), size, rectified.data());
      for (std::size_t i = 0; i < a.size(); ++i) {
        const float wanted = to_float(a[i]) + to_float(b[i]);
        ASSERT_EQ(to_float(sum[i]), wanted) << name_of(level) << ", " << i << " of " << size;
        ASSERT_EQ(to_float(rectified[i]), std::max(wanted, 0.0F))
            << name_of(level) << ", " << i << " of " << size;
      }
      ASSERT_TRUE(std::isnan(to_float(sum.back()))) << "beyond the end";
      ASSERT_TRUE(std::isnan(to_float(rectified.back()))) << "beyond the end";
    }
  }
}

TYPED_TEST(ElementwiseTest, EveryLevelRectifies) {
  using T = TypeParam;
  for (const Isa level : levels()) {
    const auto& kernels = kernels_at<ElementwiseKernels<T>>(level);
    for (const Index size : kSizes) {
      auto x = quarters<T>(size, 0);
      x.back() = from_float<T>(kNan);
      const auto dy = quarters<T>(size, 1);
      auto y = unwritten<T>(size + 1);
      auto dx = y;
      kernels.activate(kReluActivation, x.data(), size, y.data());
      kernels.activate_backward(kReluActivation, dy.data(), x.data(), size, dx.data());
      for (std::size_t i = 0; i + 1 < x.size(); ++i) {
        ASSERT_EQ(to_float(y[i]), std::max(to_float(x[i]), 0.0F)) << name_of(level);
        ASSERT_EQ(to_float(dx[i]), to_float(x[i]) > 0 ? to_float(dy[i]) : 0) << name_of(level);
      }
      const std::size_t last = x.size() - 1;
      ASSERT_TRUE(std::isnan(to_float(y[last]))) << name_of(level) << ": NaN stays NaN";
      ASSERT_EQ(to_float(dx[last]), to_float(dy[last])) << name_of(level) << ": NaN is let through";
      ASSERT_TRUE(std::isnan(to_float(y.back()))) << "beyond the end";
    }
  }
}

TYPED_TEST(ElementwiseTest, EveryLevelDrops) {
  using T = TypeParam;
  for (const Isa level : levels()) {
    for (const Index size : kSizes) {
      auto x = quarters<T>(size, 0);
      std::vector<std::uint8_t> kept;
      for (Index i = 0; i < size; ++i) kept.push_back(i % 3 == 1 ? 0 : 1);
      if (size > 1) x[1] = from_float<T>(std::numeric_limits<float>::infinity());  // dropped: 0
      auto y = unwritten<T>(size + 1);
      kernels_at<ElementwiseKernels<T>>(level).drop(x.data(), kept.data(), 4.0F, size, y.data());
      for (std::size_t i = 0; i < x.size(); ++i) {
        ASSERT_EQ(to_float(y[i]), kept[i] == 0 ? 0.0F : 4 * to_float(x[i])) << name_of(level);
      }
      ASSERT_TRUE(std::isnan(to_float(y.back()))) << "beyond the end";
    }
  }
}

struct PoolCase {
  Shape shape;
  FormatTag tag;
  Index kernel, stride, padding;
};
const PoolCase kPools[] = {
    {{64, 6, 8}, FormatTag::nhwc, 2, 2, 0},    {{21, 5, 7}, FormatTag::nhwc, 2, 2, 0},
    {{27, 7, 6}, FormatTag::nhwc, 3, 2, 1},    {{16, 6, 8}, FormatTag::nChw8c, 2, 2, 0},
    {{21, 7, 9}, FormatTag::nChw8c, 3, 2, 1},  {{32, 6, 8}, FormatTag::nChw16c, 2, 2, 0},
    {{21, 7, 9}, FormatTag::nChw16c, 3, 1, 1}, {{5, 7, 7}, FormatTag::nchw, 2, 2, 0},
    {{24, 7, 5}, FormatTag::nChw8c, 7, 1, 0},  {{3, 9, 9}, FormatTag::nchw, 15, 1, 7},
};

template <typename T>
struct PoolRun {
  PoolRun(const PoolCase& of, bool largest)
      : dst{of.shape.channels, (of.shape.height + 2 * of.padding - of.kernel) / of.stride + 1,
            std::max<Index>(1, (of.shape.width + 2 * of.padding - of.kernel) / of.stride + 1)},
        x(2, of.shape, of.tag),
        y(2, dst, of.tag),
        dy(2, dst, of.tag),
        dx(2, of.shape, of.tag),
        plan{x.layout, y.layout, of.kernel, of.stride, of.padding, largest},
        winners(y.numbers.size(), 255) {
    x.fill(3, 1.0F / 32);
    dy.fill(4, 1.0F / 128);
  }
  /// body(pixel of x, number within the window), as PoolPlan says
  template <typename F>
  void for_window(Index p, F&& body) const {
    const Index top = p / plan.dst.W * plan.stride - plan.padding;
    const Index left = p % plan.dst.W * plan.stride - plan.padding;
    int number = 0;
    for (Index h = std::max<Index>(top, 0); h < std::min(top + plan.kernel, plan.src.H); ++h) {
      for (Index w = std::max<Index>(left, 0); w < std::min(left + plan.kernel, plan.src.W); ++w) {
        body(h * plan.src.W + w, number++);
      }
    }
  }

  Shape dst;
  Tensor<T> x, y, dy, dx;
  PoolPlan plan;
  std::vector<std::uint8_t> winners;
};

template <typename T>
void check_pool(const PoolCase& of, bool largest, Isa level) {
  const auto& kernels = kernels_at<PoolKernels<T>>(level);
  PoolRun<T> run(of, largest);
  std::uint8_t* winners = largest ? run.winners.data() : nullptr;
  kernels.forward(run.plan, run.x.numbers.data(), run.y.numbers.data(), winners);
  std::vector<float> sums(static_cast<std::size_t>(run.plan.src.sample_stride), kNan);
  kernels.backward(run.plan, run.dy.numbers.data(), winners, sums.data(), run.dx.numbers.data());
  std::vector<double> dx(run.dx.numbers.size());
  for (Index n = 0; n < run.plan.src.S; ++n) {
    for (Index c = 0; c < run.plan.src.C; ++c) {
      for (Index p = 0; p < run.plan.dst.pixels(); ++p) {
        double sum = 0;
        double count = 0;
        Index best = -1;
        int best_number = 0;
        run.for_window(p, [&](Index at, int number) {
          sum += run.x.at(n, c, at);
          count += 1;
          if (best >= 0 && run.x.at(n, c, at) <= run.x.at(n, c, best)) return;
          best = at;
          best_number = number;
        });
        const double dy = run.dy.at(n, c, p);
        const std::size_t to = run.y.place(n, c, p);
        if (largest) {
          ASSERT_EQ(run.y.at(n, c, p), run.x.at(n, c, best)) << "channel " << c << " pixel " << p;
          ASSERT_EQ(run.winners[to], best_number) << "channel " << c << " pixel " << p;
          dx[run.x.place(n, c, best)] += dy;
        } else {
          // At most 81 numbers <= 3.125: 81 * 3.2 * 2^-24 < 2e-5
          ASSERT_NEAR(run.y.at(n, c, p), sum / count, 2e-5 + rounding<T>(sum / count));
          run.for_window(p, [&](Index at, int) { dx[run.x.place(n, c, at)] += dy / count; });
        }
      }
    }
  }
  for (Index n = 0; n < run.plan.src.S; ++n) {
    for (Index c = 0; c < run.plan.src.C; ++c) {
      for (Index p = 0; p < run.plan.src.pixels(); ++p) {
        // At most 81 shares that add up to less than 1: 81 * 2^-24 < 5e-6
        const double wanted = dx[run.x.place(n, c, p)];
        ASSERT_NEAR(run.dx.at(n, c, p), wanted, 5e-6 + rounding<T>(wanted))
            << "channel " << c << " pixel " << p;
      }
    }
  }
  if (!largest) return;
  Tensor<T> y = PoolRun<T>(of, true).y;
  kernels.forward(run.plan, run.x.numbers.data(), y.numbers.data(), nullptr);
  for (std::size_t i = 0; i < y.numbers.size(); ++i) {
    ASSERT_EQ(to_float(y.numbers[i]), to_float(run.y.numbers[i])) << "nobody asks who won";
  }
}

TYPED_TEST(ElementwiseTest, EveryLevelPools) {
  for (const Isa level : levels()) {
    for (const PoolCase& of : kPools) {
      for (const bool largest : {true, false}) {
        SCOPED_TRACE(std::string(name_of(level)) + ", case " + std::to_string(&of - kPools) +
                     (largest ? ", largest" : ", mean"));
        check_pool<TypeParam>(of, largest, level);
        if (testing::Test::HasFailure()) return;
      }
    }
  }
}

}  // namespace
}  // namespace kindred::test
