#pragma once
#include <benchmark/benchmark.h>

#include <vector>

#include "kindred/core/function_ref.h"
#include "kindred/core/parallel.h"

namespace kindred {

/// The bytes that a pass over so many rows of float32 numbers reads.
inline void count_bytes_read(benchmark::State& state, Index rows, Index dimension) {
  state.SetBytesProcessed(state.iterations() * rows * dimension *
                          static_cast<Index>(sizeof(float)));
}

/// The sum of `count` numbers, a multiple of 32, in registers.
inline float sum_of_numbers(const float* from, Index count) {
  typedef float Numbers __attribute__((vector_size(16)));
  Numbers sums[8] = {};
  for (Index i = 0; i < count; i += 32) {
    for (int j = 0; j < 8; ++j) {
      sums[j] += *reinterpret_cast<const Numbers*>(from + i + 4 * j);
    }
  }
  float total = 0;
  for (const Numbers& sum : sums) total += sum[0] + sum[1] + sum[2] + sum[3];
  return total;
}

/// Measures what reading takes: each thread adds up all numbers of its blocks. `row(i)`: where row
/// i begins; those of a block of `block` rows lie together. REQUIRES: dimension is a multiple
/// of 32.
inline void measure_sweep(benchmark::State& state, const Workers& workers, Index rows,
                          Index dimension, Index block, FunctionRef<const float*(Index)> row) {
  std::vector<float> totals(static_cast<std::size_t>(blocks_of(rows, block)));
  for (auto _ : state) {
    workers.for_blocks(rows, block, [&](Index begin, Index end, int) {
      totals[static_cast<std::size_t>(begin / block)] =
          sum_of_numbers(row(begin), (end - begin) * dimension);
    });
    benchmark::DoNotOptimize(totals.data());
  }
  count_bytes_read(state, rows, dimension);
}

}  // namespace kindred
