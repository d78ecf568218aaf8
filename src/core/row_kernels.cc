#include "core/row_kernels.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "core/register.h"

namespace kindred {
namespace {

using Floats = RegisterOf<float>;
constexpr Index kFloats = sizeof(Floats) / sizeof(float);

/// Adds rows 1, ..., Count - 1 to row 0, as many floats as a Number holds.
template <std::size_t Count, typename Number>
void add_at(float* rows, Index stride) {
  std::array<Number, Count> sums;
  for (std::size_t r = 0; r < Count; ++r) {
    std::memcpy(&sums[r], rows + static_cast<Index>(r) * stride, sizeof(Number));
  }
  for (std::size_t apart = 1; apart < Count; apart *= 2) {
    for (std::size_t r = 0; r + apart < Count; r += 2 * apart) sums[r] += sums[r + apart];
  }
  std::memcpy(rows, &sums[0], sizeof(Number));
}

/// One pass: every number is read once, and the sum written once.
template <std::size_t Count>
void add_group(float* rows, Index stride, Index begin, Index end) {
  Index i = begin;
  for (; i + kFloats <= end; i += kFloats) add_at<Count, Floats>(rows + i, stride);
  for (; i < end; ++i) add_at<Count, float>(rows + i, stride);
}

constexpr Index kGroup = 8;  // rows that are added in registers; a power of 2, so that the trees
                             // of groups and that over them are the tree over all rows

using AddGroup = void (*)(float*, Index, Index, Index);
constexpr std::array<AddGroup, kGroup + 1> kAddGroup = {nullptr,      nullptr,      add_group<2>,
                                                        add_group<3>, add_group<4>, add_group<5>,
                                                        add_group<6>, add_group<7>, add_group<8>};

void add_rows(float* rows, Index stride, Index count, Index begin, Index end) {
  for (Index apart = 1; apart < count; apart *= kGroup) {
    for (Index i = 0; i + apart < count; i += kGroup * apart) {
      const Index together = std::min(kGroup, blocks_of(count - i, apart));
      kAddGroup[static_cast<std::size_t>(together)](rows + i * stride, apart * stride, begin, end);
    }
  }
}

}  // namespace

KINDRED_OFFER(RowKernels, {add_rows});

}  // namespace kindred
