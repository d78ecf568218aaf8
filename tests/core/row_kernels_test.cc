#include "core/row_kernels.h"

#include <gtest/gtest.h>

#include <utility>
#include <vector>

#include "kindred/core/cpu.h"

namespace kindred {
namespace {

// Numbers whose sum shows in which order they were added.
float tree_sum(std::vector<float> numbers) {
  for (std::size_t apart = 1; apart < numbers.size(); apart *= 2) {
    for (std::size_t i = 0; i + apart < numbers.size(); i += 2 * apart) {
      numbers[i] += numbers[i + apart];
    }
  }
  return numbers.front();
}

TEST(RowKernels, EveryLevelAddsRowsInATreeOfPairs) {
  constexpr Index kStride = 112;
  for (const Isa level : kAllIsas) {
    if (level > cpu_isa()) continue;
    for (const Index count : {1, 2, 3, 5, 7, 8, 9, 16, 23, 64, 65, 70}) {
      for (const auto& [begin, end] : {std::pair<Index, Index>{0, 101}, {16, 48}, {3, 10}}) {
        std::vector<float> rows(static_cast<std::size_t>(count * kStride));
        for (std::size_t i = 0; i < rows.size(); ++i) {
          rows[i] = 1.0F / static_cast<float>(i % 1013 + 1);
        }
        const std::vector<float> before = rows;
        kernels_at<RowKernels>(level).add_rows(rows.data(), kStride, count, begin, end);
        for (Index j = 0; j < kStride; ++j) {
          std::vector<float> column;
          for (Index r = 0; r < count; ++r) {
            column.push_back(before[static_cast<std::size_t>(r * kStride + j)]);
          }
          const bool added = j >= begin && j < end;
          ASSERT_EQ(rows[static_cast<std::size_t>(j)], added ? tree_sum(column) : column.front())
              << name_of(level) << ", " << count << " rows, element " << j;
        }
      }
    }
  }
}

}  // namespace
}  // namespace kindred
