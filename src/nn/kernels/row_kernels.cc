#include "nn/kernels/row_kernels.h"

#include <algorithm>
#include <array>

#include "nn/kernels/vector.h"

namespace kindred {
namespace {

/// Adds rows 1, ..., Count - 1 to row 0. One pass: every number is read once, and the sum written
/// once.
template <std::size_t Count>
void add_group(float* rows, Index stride, Index begin, Index end) {
  for_vectors(end - begin, [&]<int L>(Index i) {
    std::array<typename Vector<L>::Float, Count> sums;
    for (std::size_t r = 0; r < Count; ++r) {
      sums[r] = Vector<L>::load(rows + static_cast<Index>(r) * stride + begin + i);
    }
    for (std::size_t apart = 1; apart < Count; apart *= 2) {
      for (std::size_t r = 0; r + apart < Count; r += 2 * apart) sums[r] += sums[r + apart];
    }
    Vector<L>::store(rows + begin + i, sums[0]);
  });
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
