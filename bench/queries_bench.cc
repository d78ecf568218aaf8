// The 10 nearest of a few queries among 1,000,000 rows of 128 and of 768 numbers, with two threads,
// beside one reading sweep over the same bytes (512 MB and 3 GB). sweep: each thread adds up all
// numbers of its blocks, in registers. search: find_neighbors by cosine, whatever it takes.
#include <benchmark/benchmark.h>

#include <algorithm>

#include "kindred/core/random.h"
#include "kindred/eval/neighbors.h"
#include "reading_sweep.h"

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

void sweep(benchmark::State& state) {
  const Workers workers(kThreads);
  const Index dimension = state.range(0);
  const ConstMatrixView rows = rows_of(workers, dimension);
  measure_sweep(state, workers, kRows, dimension, kBlock, [&](Index row) { return rows.row(row); });
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
  count_bytes_read(state, kRows, dimension);
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
