#include "gallery/scan_kernels.h"

#include <cstring>

#include "core/register.h"

namespace kindred {
namespace {

constexpr Index kNumbers = kRegisterBytes / static_cast<Index>(sizeof(float));

KINDRED_INLINE Register load(const float* from) {
  Register v;
  read(from, v);
  return v;
}

KINDRED_INLINE float sum_of(const Register& v) {
  float lanes[kNumbers];
  write(lanes, v);
  for (Index half = kNumbers / 2; half > 0; half /= 2) {
    for (Index i = 0; i < half; ++i) lanes[i] += lanes[i + half];
  }
  return lanes[0];
}

/// `rows` rows and `asked` queries in registers: what is read from memory is read once, and sums
/// do not wait for each other.
template <int rows, int asked>
KINDRED_INLINE void score_tile(const float* row, Index stride, const float* scales,
                               const float* queries, float* scores, Index score_stride) {
  Register sums[rows][asked] = {};
  for (Index k = 0; k < stride; k += kNumbers) {
    for (int i = 0; i < rows; ++i) {
      const Register numbers = load(row + i * stride + k);
      for (int q = 0; q < asked; ++q) sums[i][q] += numbers * load(queries + q * stride + k);
    }
  }
  for (int q = 0; q < asked; ++q) {
    for (int i = 0; i < rows; ++i) scores[q * score_stride + i] = sum_of(sums[i][q]) * scales[i];
  }
}

template <int tile, int asked>
void score_rows(const float* rows, Index count, Index stride, const float* scales,
                const float* queries, float* scores, Index score_stride) {
  Index i = 0;
  for (; i + tile <= count; i += tile) {
    score_tile<tile, asked>(rows + i * stride, stride, scales + i, queries, scores + i,
                            score_stride);
  }
  for (; i < count; ++i) {
    score_tile<1, asked>(rows + i * stride, stride, scales + i, queries, scores + i, score_stride);
  }
}

void score(const float* rows, Index count, Index stride, const float* scales, const float* queries,
           Index asked, float* scores, Index score_stride) {
  switch (asked) {
    case 1: return score_rows<4, 1>(rows, count, stride, scales, queries, scores, score_stride);
    case 2: return score_rows<4, 2>(rows, count, stride, scales, queries, scores, score_stride);
    case 3: return score_rows<2, 3>(rows, count, stride, scales, queries, scores, score_stride);
    default: return score_rows<2, 4>(rows, count, stride, scales, queries, scores, score_stride);
  }
}

}  // namespace

KINDRED_OFFER(ScanKernels, {score});

}  // namespace kindred
