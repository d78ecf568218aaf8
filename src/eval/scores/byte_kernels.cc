#include "eval/scores/byte_kernels.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#if defined(__AVX512F__)
#include <immintrin.h>
#endif

namespace kindred {
namespace {

#if defined(__AVX512F__)

// 14 x 2 of 32 registers hold the sums, as of the product of float32 (core/matmul_tile.cc).
constexpr Index kRows = 14;
constexpr Index kCols = 32;
constexpr Index kGroup = 4;  // numbers that one instruction adds up in a lane

template <Index Width, typename To, int Offset>
void pack(const std::int8_t* src, Index count, Index depth, Index stride, To* packed) {
  for (Index k = 0; k < depth; k += kGroup) {
    for (Index i = 0; i < Width; ++i) {
      for (Index n = 0; n < kGroup; ++n) {
        const int number = i < count && k + n < depth ? src[i * stride + k + n] : 0;
        *packed++ = static_cast<To>(number + Offset);
      }
    }
  }
}

template <Index N, typename Body>
[[gnu::always_inline]] inline void unrolled(Body&& body) {
  [&]<std::size_t... i>(std::index_sequence<i...>) {
    (body(std::integral_constant<Index, static_cast<Index>(i)>{}), ...);
  }
  (std::make_index_sequence<static_cast<std::size_t>(N)>{});
}

// In each lane: sum + four unsigned numbers times four signed ones. In assembler, since the level
// promises no VNNI, and GCC 12 copies every sum about where it is given the intrinsic, which took
// twice the time.
[[gnu::always_inline]] inline __m512i with_products(__m512i sum, __m512i unsigned_numbers,
                                                    __m512i signed_numbers) {
  asm("vpdpbusd %2, %1, %0" : "+v"(sum) : "v"(unsigned_numbers), "v"(signed_numbers));
  return sum;
}

inline __m512 to_floats(__m512i numbers) {
  return _mm512_maskz_cvtepi32_ps(0xffff, numbers);  // the plain one begins with what is not set
}

// One tile. `sums` and `scales`: of its rows; `right_scales`: of its columns.
template <Index Rows>
void tile(const std::int8_t* left, const std::int32_t* sums, const float* scales,
          const std::uint8_t* right, const float* right_scales, Index groups, float* dst,
          Index dst_stride) {
  __m512i sum0[Rows];
  __m512i sum1[Rows];
  unrolled<Rows>([&](auto i) __attribute__((always_inline)) {
    sum0[i] = _mm512_setzero_si512();
    sum1[i] = _mm512_setzero_si512();
  });
  for (Index g = 0; g < groups; ++g) {
    const __m512i b0 = _mm512_loadu_si512(right);
    const __m512i b1 = _mm512_loadu_si512(right + kCols * kGroup / 2);
    unrolled<Rows>([&](auto i) __attribute__((always_inline)) {
      std::int32_t four;
      std::memcpy(&four, left + kGroup * i, sizeof four);
      const __m512i a = _mm512_set1_epi32(four);
      sum0[i] = with_products(sum0[i], b0, a);
      sum1[i] = with_products(sum1[i], b1, a);
    });
    left += kRows * kGroup;
    right += kCols * kGroup;
  }
  const __m512 scales0 = _mm512_loadu_ps(right_scales);
  const __m512 scales1 = _mm512_loadu_ps(right_scales + kCols / 2);
  unrolled<Rows>([&](auto i) __attribute__((always_inline)) {
    const __m512i offset = _mm512_set1_epi32(sums[i]);
    const __m512 scale = _mm512_set1_ps(scales[i]);
    const __m512 value0 = to_floats(_mm512_sub_epi32(sum0[i], offset));
    const __m512 value1 = to_floats(_mm512_sub_epi32(sum1[i], offset));
    float* const row = dst + i * dst_stride;
    _mm512_storeu_ps(row, _mm512_mul_ps(_mm512_mul_ps(value0, scale), scales0));
    _mm512_storeu_ps(row + kCols / 2, _mm512_mul_ps(_mm512_mul_ps(value1, scale), scales1));
  });
}

using TileFunction = void (*)(const std::int8_t*, const std::int32_t*, const float*,
                              const std::uint8_t*, const float*, Index, float*, Index);

constexpr auto kTiles = []<std::size_t... i>(std::index_sequence<i...>) {
  return std::array<TileFunction, sizeof...(i)>{tile<static_cast<Index>(i) + 1>...};
}
(std::make_index_sequence<static_cast<std::size_t>(kRows)>{});

void multiply(const ByteKernels::Left& left, Index first_row, Index rows,
              const ByteKernels::Right& right, Index first_col, Index cols, Index groups,
              float* dst, Index dst_stride) {
  // The right panel stays in L1 while the left block passes by.
  for (Index j = first_col; j < first_col + cols; j += kCols) {
    const std::uint8_t* const panel = right.panels + j * groups * kGroup;
    for (Index i = 0; i < rows; i += kRows) {
      const Index row = first_row + i;
      const Index count = std::min(kRows, rows - i);
      kTiles[static_cast<std::size_t>(count - 1)](
          left.panels + row * groups * kGroup, left.sums + row, left.scales + row, panel,
          right.scales + j, groups, dst + i * dst_stride + j, dst_stride);
    }
  }
}

constexpr ByteKernels kByteKernels{
    true, kRows, kCols, pack<kRows, std::int8_t, 0>, pack<kCols, std::uint8_t, 128>, multiply};

#else

constexpr ByteKernels kByteKernels{false, 0, 0, nullptr, nullptr, nullptr};

#endif

}  // namespace

KINDRED_OFFER(ByteKernels, kByteKernels);

}  // namespace kindred
