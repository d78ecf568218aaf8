// One operation: value and gradients of one loss on a batch of B embeddings of 128 numbers, 1,000
// classes where classes are meant, 4 samples a class, with two threads. Each registered loss with
// its default settings, and triplets with their other minings. Cost: three products, of 2 B B 128
// operations for pairs and triplets, 2 B 1000 128 for classes; what the rest of a loss costs should
// stay near that.
#include <benchmark/benchmark.h>

#include <string>
#include <vector>

#include "kindred/core/random.h"
#include "kindred/loss/objective.h"

namespace kindred {
namespace {

constexpr Index kEmbedding = 128;
constexpr Index kClasses = 1000;

void compute(benchmark::State& state, const std::string& recipe_text) {
  const Index batch = state.range(0);
  const Workers workers(2);
  Recipe recipe = Recipe::from_text(recipe_text, "bench");
  LossContext context;
  context.name = "loss";
  context.embedding = kEmbedding;
  context.classes = kClasses;
  context.batch = batch;
  ParameterTable table;
  State carried;
  Objective objective(recipe.root(), context, table, carried);
  Buffer<float> parameters(table.size());
  Buffer<float> gradient(table.size());
  objective.initialise(1, parameters.span());

  Matrix embeddings(batch, kEmbedding);
  Matrix diff_embeddings(batch, kEmbedding);
  std::vector<std::int64_t> labels;
  std::vector<Index> ids;
  Random random(1, Purpose::test);
  for (Index i = 0; i < batch; ++i) {
    labels.push_back(i / 4 % kClasses);
    ids.push_back(i);
    for (Index j = 0; j < kEmbedding; ++j) embeddings(i, j) = random.normal();
  }
  LossInput input;
  input.embeddings = embeddings.view();
  input.labels = labels;
  input.sample_ids = ids;
  input.planned_steps = 1;
  input.parameters = parameters.span();
  for (auto _ : state) {
    benchmark::DoNotOptimize(
        objective.compute(workers, input, diff_embeddings.view(), gradient.span()));
  }
}

void add(const std::string& name, const std::string& recipe) {
  benchmark::RegisterBenchmark(name.c_str(), compute, recipe)
      ->ArgName("B")
      ->Arg(128)
      ->Arg(512)
      ->Arg(2048)
      ->UseRealTime()
      ->Unit(benchmark::kMillisecond)
      ->Repetitions(5)
      ->ReportAggregatesOnly();
}

}  // namespace
}  // namespace kindred

int main(int argc, char** argv) {
  for (const kindred::LossEntry& entry : kindred::loss_registry()) {
    if (entry.needs_targets) continue;
    const std::string name(entry.name);
    kindred::add(name, "[[loss]]\nname = \"" + name + "\"\n");
  }
  for (const std::string mining : {"semihard", "all"}) {
    kindred::add("triplet/" + mining,
                 "[[loss]]\nname = \"triplet\"\nmining = \"" + mining + "\"\n");
  }
  benchmark::Initialize(&argc, argv);
  benchmark::RunSpecifiedBenchmarks();
}
