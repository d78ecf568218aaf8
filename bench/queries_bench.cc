// The 10 nearest of a few queries among 1,000,000 rows of 128 and of 768 numbers, with two threads,
// beside one reading sweep over the same bytes (512 MB and 3 GB). sweep: each thread adds up all
// numbers of its blocks, in registers. search: find_neighbors by cosine, whatever it takes.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <vector>

#include "kindred/core/random.h"
#include "kindred/eval/neighbors.h"

namespace kindred {
namespace {

constexpr Index kRows = 1000000;
constexpr Index kBlock = 4096;
constexpr int kThreads = 2;

/// The last that was asked for stays.
ConstMatrixView rows_of(const Workers& workers, Index dimension) {
  static Matrix made;
  if (made.cols() == dimension) return made;
  made = Matrix(kRows, dimension);
  workers.for_blocks(kRows, kBlock, [&](Index begin, Index end, int) {
    for (Index i = begin; i < end; ++i) {
      Random random(1, Purpose::test, static_cast<std::uint64_t>(i));
      for (Index k = 0; k < dimension; ++k) {
        made(i, k) = static_cast<float>(random.below(2001)) / 1000 - 1;
      }
    }
  });
  return made;
}

void count_bytes(benchmark::State& state, Index dimension) {
  state.SetBytesProcessed(state.iterations() * kRows * dimension *
                          static_cast<Index>(sizeof(float)));
}

typedef float Numbers __attribute__((vector_size(16)));

float sum_of(const float* from, Index count) {
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

void sweep(benchmark::State& state) {
  const Workers workers(kThreads);
  const Index dimension = state.range(0);
  const ConstMatrixView rows = rows_of(workers, dimension);
  std::vector<float> totals(static_cast<std::size_t>(blocks_of(kRows, kBlock)));
  for (auto _ : state) {
    workers.for_blocks(kRows, kBlock, [&](Index begin, Index end, int) {
      totals[static_cast<std::size_t>(begin / kBlock)] =
          sum_of(rows.row(begin), (end - begin) * dimension);
    });
    benchmark::DoNotOptimize(totals.data());
  }
  count_bytes(state, dimension);
}

void search(benchmark::State& state) {
  const Workers workers(kThreads);
  const Index dimension = state.range(0);
  const ConstMatrixView rows = rows_of(workers, dimension);
  Matrix queries(state.range(1), dimension);
  for (Index i = 0; i < queries.rows(); ++i) {
    std::copy_n(rows.row(i), dimension, queries.row(i));
  }
  for (auto _ : state) {
    const Neighbors found = find_neighbors(workers, queries, rows, 10, Similarity::cosine);
    benchmark::DoNotOptimize(found.score.data());
  }
  count_bytes(state, dimension);
}

BENCHMARK(sweep)->Arg(128)->Unit(benchmark::kMillisecond)->UseRealTime()->Repetitions(7);
BENCHMARK(search)
    ->ArgsProduct({{128}, {1, 4, 16, 48, 49}})
    ->Unit(benchmark::kMillisecond)
    ->UseRealTime()
    ->Repetitions(7);
BENCHMARK(sweep)->Arg(768)->Unit(benchmark::kMillisecond)->UseRealTime()->Repetitions(7);
BENCHMARK(search)
    ->ArgsProduct({{768}, {1, 4, 48, 49}})
    ->Unit(benchmark::kMillisecond)
    ->UseRealTime()
    ->Repetitions(7);

}  // namespace
}  // namespace kindred

BENCHMARK_MAIN();
