// One operation: a slice of 16 images (28x28x1) through the reference network (bench/README.md) on
// one thread: forward, forward and backward, or forward with the norms folded (inference). Cost: 16
// x 20 MFLOP forward, three times that forward and backward.
#include <benchmark/benchmark.h>

#include "kindred/core/random.h"
#include "kindred/nn/network.h"

namespace kindred {
namespace {

constexpr Index kSlice = 16;

struct Reference {
  explicit Reference(NetworkMode mode) {
    Recipe recipe = Recipe::from_text(
        "[model]\narchitecture = \"conv4\"\nwidth = 64\npool_last = true\nembedding = 128\n",
        "bench");
    const Architecture architecture =
        read_architecture(recipe.root().section("model"), Shape{1, 28, 28});
    network = std::make_unique<Network>(architecture, kSlice, NetworkMode::training, table, state);
    parameters = Buffer<float>(table.size());
    network->initialise(1, parameters.span());
    if (mode == NetworkMode::inference) {
      network = std::make_unique<Network>(architecture, kSlice, mode, table, state);
    }
    network->pack(Workers(1), parameters.span());
    slice = network->make_slice();
    scratch = network->make_scratch();
    pass.scratch = scratch.get();
    row = Buffer<float>(mode == NetworkMode::training ? network->gradient_row_size() : 0);
    embeddings = Matrix(kSlice, network->embedding());
    diff_embeddings = Matrix(kSlice, network->embedding());
    diff_embeddings.fill(0.01f);
    Random random(1, Purpose::test);
    for (Index i = 0; i < slice->src().rows(); ++i) {
      for (Index j = 0; j < slice->src().cols(); ++j) slice->src()(i, j) = random.normal();
    }
  }
  void report(benchmark::State& benchmark_state, double passes) const {
    benchmark_state.counters["FLOP/s"] =
        benchmark::Counter(passes * static_cast<double>(kSlice) * network->forward_flops(),
                           benchmark::Counter::kIsIterationInvariantRate);
    benchmark_state.counters["images/s"] = benchmark::Counter(
        static_cast<double>(kSlice), benchmark::Counter::kIsIterationInvariantRate);
  }

  ParameterTable table;
  State state;
  std::unique_ptr<Network> network;
  Buffer<float> parameters;
  Buffer<float> row;
  Matrix embeddings;
  Matrix diff_embeddings;
  std::unique_ptr<Scratch> scratch;
  std::unique_ptr<Slice> slice;
  Pass pass;
};

void forward(benchmark::State& state, NetworkMode mode) {
  const ComputeScope scope;
  Reference reference(mode);
  for (auto _ : state) reference.slice->forward(reference.embeddings, reference.pass);
  reference.report(state, 1);
}

void forward_and_backward(benchmark::State& state) {
  const ComputeScope scope;
  Reference reference(NetworkMode::training);
  for (auto _ : state) {
    reference.slice->forward(reference.embeddings, reference.pass);
    reference.slice->backward(reference.diff_embeddings, reference.row.span(), Accumulate::no,
                              reference.pass);
  }
  reference.report(state, 3);
}

BENCHMARK_CAPTURE(forward, training, NetworkMode::training)
    ->UseRealTime()
    ->Repetitions(5)
    ->ReportAggregatesOnly();
BENCHMARK_CAPTURE(forward, inference, NetworkMode::inference)
    ->UseRealTime()
    ->Repetitions(5)
    ->ReportAggregatesOnly();
BENCHMARK(forward_and_backward)->UseRealTime()->Repetitions(5)->ReportAggregatesOnly();

}  // namespace
}  // namespace kindred

BENCHMARK_MAIN();
