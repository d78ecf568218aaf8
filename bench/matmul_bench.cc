// One operation: dst = a bᵀ for a [M, K], b [N, K] in float32, with two threads.
// Cost: 2 M N K floating-point operations; 4 (M K + N K + M N) bytes move once. The square product
// is the machine's peak that `kindred bench` quotes, the others are the shapes of losses and of
// search.
#include <benchmark/benchmark.h>

#include "kindred/core/matmul.h"
#include "kindred/core/random.h"

namespace kindred {
namespace {

Matrix random_matrix(Index rows, Index cols, std::uint64_t seed) {
  Matrix matrix(rows, cols);
  Random random(seed, Purpose::test);
  for (Index i = 0; i < rows; ++i) {
    for (Index j = 0; j < cols; ++j) matrix(i, j) = random.uniform(-1, 1);
  }
  return matrix;
}

void multiply(benchmark::State& state) {
  const Index m = state.range(0);
  const Index n = state.range(1);
  const Index k = state.range(2);
  const Workers workers(2);
  const Matrix a = random_matrix(m, k, 1);
  const Matrix b = random_matrix(n, k, 2);
  Matrix dst(m, n);
  for (auto _ : state) {
    multiply_nt<float>(workers, a, b, dst);
    benchmark::DoNotOptimize(dst.data());
  }
  state.counters["FLOP/s"] = benchmark::Counter(2.0 * static_cast<double>(m * n * k),
                                                benchmark::Counter::kIsIterationInvariantRate);
}

BENCHMARK(multiply)
    ->ArgNames({"M", "N", "K"})
    ->Args({2048, 2048, 2048})  // the peak
    ->Args({128, 128, 128})     // similarities of a batch
    ->Args({128, 964, 128})     // class products of a batch
    ->Args({2048, 2048, 128})   // a large batch
    ->Args({1024, 16384, 128})  // a block of exact search
    ->UseRealTime()
    ->Repetitions(5)
    ->ReportAggregatesOnly();

}  // namespace
}  // namespace kindred

BENCHMARK_MAIN();
