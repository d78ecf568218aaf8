// One query against a gallery of 1,000,000 embeddings of 128 numbers in memory, with two threads,
// beside one reading sweep over the same bytes. Both read 512 MB; the scan adds 2 N D
// floating-point operations, which hide behind the memory. sweep: each thread adds up all numbers
// of its blocks, in registers. scan: GallerySnapshot::nearest, the 10 nearest of 1, 4 or 16 queries
// at once.
#include <benchmark/benchmark.h>

#include <memory>
#include <vector>

#include "kindred/core/parallel.h"
#include "kindred/core/random.h"
#include "kindred/gallery/gallery_snapshot.h"
#include "reading_sweep.h"

namespace kindred {
namespace {

constexpr Index kPictures = 1000000;
constexpr Index kDimension = 128;
constexpr Index kBlock = 4096;
constexpr int kThreads = 2;

const GallerySnapshot& gallery() {
  static const std::shared_ptr<const GallerySnapshot> made = [] {
    auto snapshot = std::make_shared<const GallerySnapshot>(kDimension);
    for (Index first = 0; first < kPictures; first += kBlock) {
      GallerySnapshot::Rows rows;
      for (Index i = first; i < std::min(first + kBlock, kPictures); ++i) {
        Random random(1, Purpose::test, static_cast<std::uint64_t>(i));
        rows.ids.push_back(i + 1);
        rows.identities.push_back(i / 10 + 1);
        for (Index k = 0; k < kDimension; ++k) rows.embeddings.push_back(random.normal());
      }
      snapshot = snapshot->with(rows);
    }
    return snapshot;
  }();
  return *made;
}

void sweep(benchmark::State& state) {
  const GallerySnapshot& snapshot = gallery();
  measure_sweep(state, Workers(kThreads), kPictures, kDimension, kBlock,
                [&](Index row) { return snapshot.embedding(row); });
}

void scan(benchmark::State& state) {
  const Workers workers(kThreads);
  const GallerySnapshot& snapshot = gallery();
  Matrix queries(state.range(0), kDimension);
  for (Index q = 0; q < queries.rows(); ++q) {
    Random random(2, Purpose::test, static_cast<std::uint64_t>(q));
    for (Index k = 0; k < kDimension; ++k) queries(q, k) = random.normal();
  }
  for (auto _ : state) benchmark::DoNotOptimize(snapshot.nearest(workers, queries, 10));
  count_bytes_read(state, kPictures, kDimension);
}

BENCHMARK(sweep)->Unit(benchmark::kMillisecond)->UseRealTime()->Repetitions(7);
BENCHMARK(scan)
    ->Arg(1)
    ->Arg(4)
    ->Arg(16)
    ->Unit(benchmark::kMillisecond)
    ->UseRealTime()
    ->Repetitions(7);

}  // namespace
}  // namespace kindred

BENCHMARK_MAIN();
