#include "kindred/core/matrix.h"

#include <gtest/gtest.h>

#include <cstdint>

namespace kindred {
namespace {

bool aligned(const void* p) { return reinterpret_cast<std::uintptr_t>(p) % kAlignment == 0; }

TEST(Buffer, IsAlignedAndZero) {
  const Buffer<float> buffer(5);
  EXPECT_TRUE(aligned(buffer.data()));
  EXPECT_EQ(buffer.size(), 5);
  for (const float value : buffer.span()) EXPECT_EQ(value, 0.0f);
  EXPECT_EQ(Buffer<float>(0).span().size(), 0u);
}

TEST(Matrix, StartsEveryRowOnACacheLine) {
  Matrix matrix(3, 17);
  EXPECT_EQ(matrix.stride(), 32);
  for (Index i = 0; i < 3; ++i) EXPECT_TRUE(aligned(matrix.row(i)));
  EXPECT_EQ(BasicMatrix<double>(2, 9).stride(), 16);
}

TEST(Matrix, ViewsSeeRowsAndColumns) {
  Matrix matrix(4, 3);
  for (Index i = 0; i < 4; ++i) {
    for (Index j = 0; j < 3; ++j) matrix(i, j) = static_cast<float>(10 * i + j);
  }
  const ConstMatrixView middle = matrix.view().rows_from(1, 2);
  EXPECT_EQ(middle.rows(), 2);
  EXPECT_EQ(middle(0, 0), 10.0f);
  EXPECT_EQ(middle(1, 2), 22.0f);
  EXPECT_FALSE(middle.empty());
  EXPECT_TRUE(matrix.view().rows_from(4, 0).empty());
}

TEST(Matrix, FillsItsColumnsAndLeavesThePaddingAlone) {
  Matrix matrix(2, 3);
  matrix.fill(7);
  EXPECT_EQ(matrix(1, 2), 7.0f);
  EXPECT_EQ(matrix.data()[3], 0.0f);
}

TEST(Index, RoundsUpToUnits) {
  EXPECT_EQ(round_up(0, 16), 0);
  EXPECT_EQ(round_up(1, 16), 16);
  EXPECT_EQ(round_up(16, 16), 16);
  EXPECT_EQ(blocks_of(0, 8), 0);
  EXPECT_EQ(blocks_of(8, 8), 1);
  EXPECT_EQ(blocks_of(9, 8), 2);
}

}  // namespace
}  // namespace kindred
