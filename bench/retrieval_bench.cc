// Ranking 60,000 rows of 128 numbers among themselves, with two threads, against the plain product.
// product: 2 N N D floating-point operations, N x D against blocks of the gallery, nothing kept.
// evaluate: the same products (and the R N scores of relevant samples once more), each block of
// scores counted while it is in cache; with 10 classes (R = 6,000, as Fashion-MNIST) and with 3,000
// (R = 20). Rows are unit vectors about the centres of their classes; recall@1, r_precision, map@r
// and mrr.
#include <benchmark/benchmark.h>

#include <vector>

#include "kindred/core/matmul.h"
#include "kindred/core/random.h"
#include "kindred/eval/retrieval.h"

namespace kindred {
namespace {

constexpr Index kRows = 60000;
constexpr Index kDimension = 128;
constexpr int kThreads = 2;
constexpr float kSpread = 2;  // of a class about its centre

struct Rows {
  Matrix embeddings{kRows, kDimension};
  std::vector<std::int64_t> labels;
};

Rows make_rows(Index classes) {
  Rows rows;
  Matrix centers(classes, kDimension);
  for (Index c = 0; c < classes; ++c) {
    Random random(1, Purpose::test, static_cast<std::uint64_t>(c));
    for (Index k = 0; k < kDimension; ++k) centers(c, k) = random.normal();
  }
  for (Index i = 0; i < kRows; ++i) {
    Random random(2, Purpose::test, static_cast<std::uint64_t>(i));
    const float* center = centers.row(i % classes);
    for (Index k = 0; k < kDimension; ++k) {
      rows.embeddings(i, k) = center[k] + kSpread * random.normal();
    }
    rows.labels.push_back(i % classes);
  }
  return rows;
}

void count_flops(benchmark::State& state) {
  state.counters["FLOP/s"] = benchmark::Counter(2.0 * kRows * kRows * kDimension,
                                                benchmark::Counter::kIsIterationInvariantRate);
}

// The best that the library's product does with these rows: blocks large enough for its panels,
// small enough that the result stays in cache.
void product(benchmark::State& state) {
  const Workers workers(kThreads);
  const Rows rows = make_rows(10);
  constexpr Index kQueries = 1024;
  constexpr Index kGallery = 1024;
  Matrix scores(kQueries, kGallery);
  const ConstMatrixView all = rows.embeddings;
  for (auto _ : state) {
    for (Index q = 0; q < kRows; q += kQueries) {
      const Index queries = std::min(kQueries, kRows - q);
      for (Index g = 0; g < kRows; g += kGallery) {
        const Index gallery = std::min(kGallery, kRows - g);
        multiply_nt<float>(workers, all.rows_from(q, queries), all.rows_from(g, gallery),
                           {scores.data(), queries, gallery, scores.stride()});
      }
    }
    benchmark::DoNotOptimize(scores.data());
  }
  count_flops(state);
}

void evaluate(benchmark::State& state) {
  const Workers workers(kThreads);
  const Rows rows = make_rows(state.range(0));
  RetrievalOptions options;
  options.leave_one_out = true;
  options.map = false;
  options.recall_at = {1};
  options.precision_at = {};
  double map_at_r = 0;
  for (auto _ : state) {
    map_at_r = evaluate_retrieval(workers, rows.embeddings, rows.labels, rows.embeddings,
                                  rows.labels, options)["map@r"];
  }
  state.counters["map@r"] = map_at_r;
  count_flops(state);
}

BENCHMARK(product)->UseRealTime()->Unit(benchmark::kSecond)->Iterations(1);
BENCHMARK(evaluate)
    ->ArgName("classes")
    ->Arg(10)
    ->Arg(3000)
    ->UseRealTime()
    ->Unit(benchmark::kSecond)
    ->Iterations(1);

}  // namespace
}  // namespace kindred

BENCHMARK_MAIN();
