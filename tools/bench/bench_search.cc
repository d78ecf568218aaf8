#include <fmt/format.h>

#include "bench/bench.h"
#include "kindred/core/random.h"
#include "kindred/eval/neighbors.h"

namespace kindred::tools {
namespace {

Matrix random_vectors(Index count, Index dimension) {
  Matrix vectors(count, dimension);
  Random random(1, Purpose::test);
  for (Index i = 0; i < count; ++i) {
    for (Index j = 0; j < dimension; ++j) vectors(i, j) = random.normal();
  }
  return vectors;
}

}  // namespace

BenchResult bench_search(const BenchOptions& options, const Machine& machine,
                         const Workers& workers) {
  constexpr Index kWarmUp = 1024;  // queries
  reset_peak_memory();
  const Matrix vectors = random_vectors(options.vectors, options.dimension);
  const ConstMatrixView all = vectors;
  find_neighbors(workers, all.rows_from(0, std::min(kWarmUp, options.vectors)), all, options.k,
                 Similarity::cosine);
  BenchResult result;
  result.rates = measure(options.repeats, options.vectors, [&] {
    find_neighbors(workers, all, all, options.k, Similarity::cosine, true);
  });
  result.name = "search";
  result.title = fmt::format("exact search, {} x {} in itself, k = {}", options.vectors,
                             options.dimension, options.k);
  result.unit = "queries";
  result.unit_flops = 2.0 * static_cast<double>(options.vectors * options.dimension);
  result.peak = machine.float32_product;
  result.memory = peak_memory();
  result.numbers["vectors"] = options.vectors;
  result.numbers["dimension"] = options.dimension;
  result.numbers["k"] = options.k;
  return result;
}

}  // namespace kindred::tools
