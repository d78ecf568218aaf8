// lanes.h at every level of this machine, against plain arithmetic: what is of halves at one level
// is one vector at another.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <limits>

#include "kindred/core/random.h"
#include "lanes_kernels.h"
#include "support/levels.h"

namespace kindred {
namespace {

constexpr Index kCount = 64;
using Numbers = std::array<float, kCount>;
using Ints = std::array<std::int32_t, kCount>;

/// Normal numbers, with zeros of both signs, and pairs of equals in two arrays of different seeds.
Numbers numbers(std::uint64_t seed) {
  Random random(seed, Purpose::test);
  Numbers drawn;
  for (std::size_t i = 0; i < drawn.size(); ++i) {
    const float x = random.normal();
    drawn[i] = i % 5 == 0 ? static_cast<float>(i) : i % 17 == 3 ? 0.0F : i % 17 == 4 ? -0.0F : x;
  }
  return drawn;
}

const LanesKernels& at(Isa level) { return kernels_at<LanesKernels>(level); }

/// Every lane of f(a, b) is exactly what `expected` says of the two numbers.
void expect_lanes(Isa level, LanesKernels::Binary f, float (*expected)(float, float)) {
  const Numbers a = numbers(1);
  const Numbers b = numbers(2);
  Numbers found;
  found.fill(std::numeric_limits<float>::quiet_NaN());
  f(a.data(), b.data(), found.data(), kCount);
  for (std::size_t i = 0; i < found.size(); ++i) {
    EXPECT_EQ(std::bit_cast<std::int32_t>(found[i]),
              std::bit_cast<std::int32_t>(expected(a[i], b[i])))
        << name_of(level) << ' ' << i << ": " << a[i] << ", " << b[i];
  }
}
void expect_masks(Isa level, LanesKernels::Compare f, bool (*expected)(float, float)) {
  const Numbers a = numbers(1);
  Numbers b = numbers(2);
  b[7] = std::numeric_limits<float>::quiet_NaN();
  Ints found;
  found.fill(5);
  f(a.data(), b.data(), found.data(), kCount);
  for (std::size_t i = 0; i < found.size(); ++i) {
    EXPECT_EQ(found[i], expected(a[i], b[i]) ? -1 : 0) << name_of(level) << ' ' << i;
  }
}

TEST(LanesAtEachLevel, ComputeEachLaneAlone) {
  for (const Isa level : levels_here()) {
    const LanesKernels& lanes = at(level);
    expect_lanes(level, lanes.plus, [](float a, float b) { return a + b; });
    expect_lanes(level, lanes.minus, [](float a, float b) { return a - b; });
    expect_lanes(level, lanes.times, [](float a, float b) { return a * b; });
    expect_lanes(level, lanes.max, [](float a, float b) { return a > b ? a : b; });
    expect_lanes(level, lanes.min, [](float a, float b) { return a < b ? a : b; });
    expect_lanes(level, lanes.smaller_or_seven, [](float a, float b) { return a < b ? a : 7; });
    expect_masks(level, lanes.less, [](float a, float b) { return a < b; });
    expect_masks(level, lanes.less_equal, [](float a, float b) { return a <= b; });
    expect_masks(level, lanes.greater, [](float a, float b) { return a > b; });
    expect_masks(level, lanes.greater_equal, [](float a, float b) { return a >= b; });
    expect_masks(level, lanes.equal, [](float a, float b) { return a == b; });
    expect_masks(level, lanes.not_equal, [](float a, float b) { return a != b; });
  }
}

TEST(LanesAtEachLevel, TakeRootsQuotientsAndSigns) {
  const Numbers a = numbers(3);
  Numbers positive;
  for (std::size_t i = 0; i < a.size(); ++i) positive[i] = std::abs(a[i]) + 1;
  for (const Isa level : levels_here()) {
    const LanesKernels& lanes = at(level);
    Numbers found;
    lanes.sqrt(positive.data(), found.data(), kCount);
    for (std::size_t i = 0; i < a.size(); ++i) EXPECT_EQ(found[i], std::sqrt(positive[i]));
    lanes.over(a.data(), positive.data(), found.data(), kCount);
    for (std::size_t i = 0; i < a.size(); ++i) EXPECT_EQ(found[i], a[i] / positive[i]);
    lanes.abs(a.data(), found.data(), kCount);
    for (std::size_t i = 0; i < a.size(); ++i) EXPECT_EQ(found[i], std::abs(a[i]));
    lanes.negative(a.data(), found.data(), kCount);
    for (std::size_t i = 0; i < a.size(); ++i) EXPECT_EQ(found[i], -a[i]);
    lanes.whole(a.data(), found.data(), kCount);
    for (std::size_t i = 0; i < a.size(); ++i) EXPECT_EQ(found[i], std::trunc(a[i]));
  }
}

TEST(LanesAtEachLevel, MoveBits) {
  Ints a;
  Ints b;
  for (std::size_t i = 0; i < a.size(); ++i) {
    a[i] = static_cast<std::int32_t>(i * 7654321 % 1000003) - 400000;
    b[i] = static_cast<std::int32_t>(i * 1234567 % 1000003);
  }
  for (const Isa level : levels_here()) {
    Ints found;
    at(level).bits(a.data(), b.data(), found.data());
    for (std::size_t i = 0; i < 16; ++i) EXPECT_EQ(found[i], (a[i] & ~b[i]) | (a[i] * 8));
    at(level).shifted(a.data(), b.data(), found.data());
    for (std::size_t i = 0; i < 16; ++i) EXPECT_EQ(found[i], (a[i] + 5 - b[i]) >> 2);
    at(level).count_from(40, found.data());
    for (std::size_t i = 0; i < 16; ++i) EXPECT_EQ(found[i], 40 + static_cast<std::int32_t>(i));
    std::array<std::int32_t, 16> mask{};
    EXPECT_FALSE(at(level).any(mask.data()));
    for (std::int32_t& lane : mask) {
      lane = -1;
      EXPECT_TRUE(at(level).any(mask.data()));
      lane = 0;
    }
  }
}

TEST(LanesAtEachLevel, TakePartsOfVectors) {
  const Numbers a = numbers(4);
  for (const Isa level : levels_here()) {
    EXPECT_EQ(at(level).largest(a.data()), *std::max_element(a.begin(), a.begin() + 16));
    for (Index n = 0; n < 16; ++n) {
      Numbers first;
      Numbers part;
      Numbers stored;
      stored.fill(-1);
      at(level).first(a.data(), n, first.data());
      at(level).part(a.data(), n, part.data());
      at(level).store_part(a.data(), n, stored.data());
      for (Index l = 0; l < 16; ++l) {
        const auto i = static_cast<std::size_t>(l);
        const float expected = l < n ? a[i] : -1;
        EXPECT_EQ(first[i], expected);
        EXPECT_EQ(part[i], expected);
        EXPECT_EQ(stored[i], expected);
      }
    }
  }
}

// The order of additions is written: lane by lane, then eight and eight lanes. Products of two
// floats are exact in double, so that fused additions change nothing either.
TEST(LanesAtEachLevel, SumInTheWrittenOrder) {
  const Numbers a = numbers(5);
  const Numbers b = numbers(6);
  std::array<double, 16> lanes{};
  for (std::size_t i = 0; i < a.size(); ++i) lanes[i % 16] += static_cast<double>(a[i]);
  double halves[2] = {0, 0};
  for (std::size_t l = 0; l < 16; ++l) halves[l / 8] += lanes[l];
  for (const Isa level : levels_here()) {
    std::array<double, 16> found{};
    EXPECT_EQ(at(level).sum(a.data(), kCount, found.data()), halves[0] + halves[1]);
    EXPECT_EQ(found, lanes);
    for (Index n = 0; n <= kCount; ++n) {
      EXPECT_EQ(at(level).dot(a.data(), b.data(), n), at(Isa::v2).dot(a.data(), b.data(), n));
      EXPECT_EQ(at(level).squared_difference(a.data(), b.data(), n),
                at(Isa::v2).squared_difference(a.data(), b.data(), n));
    }
  }
}

/// |found - exact| <= tolerance * max(|exact|, least) over a range of arguments.
void expect_near(LanesKernels::Unary f, double (*exact)(double), double from, double to,
                 double tolerance, double least) {
  for (double x = from; x < to; x += kCount * 0.0137) {
    Numbers src;
    for (std::size_t i = 0; i < src.size(); ++i) {
      src[i] = static_cast<float>(x + 0.0137 * static_cast<double>(i));
    }
    Numbers found;
    f(src.data(), found.data(), kCount);
    for (std::size_t i = 0; i < src.size(); ++i) {
      const double expected = exact(static_cast<double>(src[i]));
      ASSERT_NEAR(static_cast<double>(found[i]), expected,
                  tolerance * std::max(std::abs(expected), least))
          << src[i];
    }
  }
}

// The bounds that lanes.h states; softplus and its slope add two roundings to those of exp.
TEST(LanesAtEachLevel, ComputeExponentialsAndLogarithms) {
  for (const Isa level : levels_here()) {
    SCOPED_TRACE(name_of(level));
    const LanesKernels& lanes = at(level);
    expect_near(
        lanes.exp, [](double x) { return std::exp(x); }, -87, 86, 2e-7, 0);
    expect_near(
        lanes.log, [](double x) { return std::log(x); }, 0.001, 200, 2e-7, 1);
    expect_near(
        lanes.softplus,
        [](double x) { return std::max(x, 0.0) + std::log1p(std::exp(-std::abs(x))); }, -80, 80,
        4e-7, 0);
    expect_near(
        lanes.sigmoid, [](double x) { return 1 / (1 + std::exp(-x)); }, -80, 80, 4e-7, 0);
    const float infinity = std::numeric_limits<float>::infinity();
    Numbers ends;
    ends.fill(0);
    ends[3] = -infinity;
    ends[9] = -1000;
    ends[12] = infinity;
    Numbers found;
    lanes.exp(ends.data(), found.data(), kCount);
    EXPECT_EQ(found[0], 1);
    EXPECT_EQ(found[3], 0);
    EXPECT_EQ(found[9], 0);
    EXPECT_TRUE(std::isfinite(found[12]));
  }
}

}  // namespace
}  // namespace kindred
