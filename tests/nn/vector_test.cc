// Between float and Bfloat16, for every bfloat16 there is.
#include "nn/kernels/vector.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

#include "nn/kernels/activation_loops.h"
#include "support/bfloat16.h"

namespace kindred::test {
namespace {

template <typename Lanes>
class VectorTest : public testing::Test {};
using AllLanes = testing::Types<std::integral_constant<int, 1>, std::integral_constant<int, 4>,
                                std::integral_constant<int, 8>, std::integral_constant<int, 16>>;
TYPED_TEST_SUITE(VectorTest, AllLanes);

constexpr std::uint32_t kAll = 1U << 16;

/// Subnormal numbers are zero to some instructions and numbers to others.
bool is_subnormal(float value) { return std::fpclassify(value) == FP_SUBNORMAL; }

TYPED_TEST(VectorTest, ReadsEveryBfloat16AsItsFloat) {
  constexpr int L = TypeParam::value;
  for (std::uint32_t first = 0; first < kAll; first += L) {
    Bfloat16 from[L];
    for (std::uint32_t l = 0; l < L; ++l) from[l].bits = static_cast<std::uint16_t>(first + l);
    float to[L];
    Vector<L>::store(to, Vector<L>::load(from));
    for (std::uint32_t l = 0; l < L; ++l) {
      ASSERT_EQ(std::bit_cast<std::uint32_t>(to[l]), (first + l) << 16);
    }
  }
}

TYPED_TEST(VectorTest, ReadsAndWritesBytes) {
  constexpr int L = TypeParam::value;
  for (std::size_t first = 0; first + L <= 256; first += L) {
    std::uint8_t from[L];
    std::uint8_t to[L + 1];
    for (std::size_t l = 0; l < L; ++l) from[l] = static_cast<std::uint8_t>(first + l);
    to[L] = 77;
    const auto numbers = Vector<L>::load_bytes(from);
    Vector<L>::store_bytes(to, numbers);
    for (std::size_t l = 0; l < L; ++l) {
      ASSERT_EQ(numbers[l], static_cast<int>(first + l));
      ASSERT_EQ(to[l], first + l);
    }
    ASSERT_EQ(to[L], 77);
  }
}

TYPED_TEST(VectorTest, RectifiesLaneByLane) {
  constexpr int L = TypeParam::value;
  const float nan = std::numeric_limits<float>::quiet_NaN();
  for (int at = 0; at < L; ++at) {
    float y[L], dy[L], found[L], passed[L], kept[L], others[L];
    for (int l = 0; l < L; ++l) {
      y[l] = l % 2 == 0 ? 1.5F : -1.5F;
      dy[l] = static_cast<float>(l + 1);
    }
    y[at] = nan;
    using V = Vector<L>;
    V::store(found, activated<L, ActivationKind::relu>(V::load(y)));
    V::store(passed, activation_gradient<L, ActivationKind::relu>(V::load(dy), V::load(y)));
    typename V::Int mask{};
    mask[at] = -1;
    V::store(kept, V::where(mask, V::load(dy)));
    V::store(others, V::where_not(mask, V::load(dy)));
    for (int l = 0; l < L; ++l) {
      ASSERT_EQ(kept[l], l == at ? dy[l] : 0);
      ASSERT_EQ(others[l], l == at ? 0 : dy[l]);
      ASSERT_EQ(passed[l], l == at || l % 2 == 0 ? dy[l] : 0);
      if (l != at) {
        ASSERT_EQ(found[l], l % 2 == 0 ? 1.5F : 0.0F);
      } else {
        ASSERT_TRUE(std::isnan(found[l]));
      }
    }
  }
}

TYPED_TEST(VectorTest, GathersNumbersThatLieApart) {
  constexpr int L = TypeParam::value;
  std::vector<float> numbers(1000);
  for (std::size_t i = 0; i < numbers.size(); ++i) numbers[i] = static_cast<float>(i);
  for (const Index stride : {Index{1}, Index{9}, Index{60}}) {
    float to[L];
    Vector<L>::store(to, Vector<L>::gather(numbers.data() + 5, stride));
    for (Index l = 0; l < L; ++l) ASSERT_EQ(to[l], static_cast<float>(5 + l * stride));
  }
}

// The number itself, just below, at, and just above the middle between it and the next.
TYPED_TEST(VectorTest, WritesTheNearestBfloat16TiesToEven) {
  constexpr int L = TypeParam::value;
  for (const std::uint32_t tail : {0U, 0x7fffU, 0x8000U, 0x8001U, 0xffffU}) {
    for (std::uint32_t first = 0; first < kAll; first += L) {
      float from[L];
      for (std::uint32_t l = 0; l < L; ++l) {
        from[l] = std::bit_cast<float>((first + l) << 16 | tail);
      }
      Bfloat16 to[L];
      Vector<L>::store(to, Vector<L>::load(from));
      for (std::uint32_t l = 0; l < L; ++l) {
        if (is_subnormal(from[l])) continue;
        const auto found = std::bit_cast<float>(std::uint32_t{to[l].bits} << 16);
        if (std::isnan(from[l])) {
          ASSERT_TRUE(std::isnan(found));
        } else {
          ASSERT_EQ(found, rounded_to_bfloat16(from[l])) << from[l];
        }
      }
    }
  }
}

}  // namespace
}  // namespace kindred::test
