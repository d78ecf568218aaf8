#include <fmt/format.h>

#include "bench/bench_profile.h"
#include "bench/bench_reference.h"
#include "bench/bench_sweep.h"
#include "kindred/train/embedder.h"
#include "kindred/train/trainer.h"

namespace kindred::tools {
namespace {

constexpr Index kBatch = 128;

/// Embedding with the reference network, warmed up.
struct Inference {
  Inference(const BenchOptions& options, const Workers& workers)
      : reference(options),
        trainer(*reference.setup, workers),
        embedder(reference.setup->architecture, reference.setup->train.slice,
                 reference.setup->dataset->element(), reference.setup->scaling,
                 trainer.training_state().table, trainer.training_state().state, workers),
        samples(static_cast<std::size_t>(options.steps * kBatch)) {
    embedder.load(trainer.training_state().weights());
    for (std::size_t i = 0; i < samples.size(); ++i) {
      samples[i] = static_cast<Index>(i) % reference.setup->dataset->size();
    }
    embed(std::span(samples).first(kBatch));
  }
  void embed(std::span<const Index> which) { embedder.embed(*reference.setup->dataset, which); }
  Rates measured(const BenchOptions& options) {
    return measure(options.repeats, options.steps * kBatch, [&] { embed(samples); });
  }

  Reference reference;
  Trainer trainer;  // has the weights
  Embedder embedder;
  std::vector<Index> samples;
};

ProfiledRun profiled_run(const BenchOptions& options, Inference& inference) {
  inference.embedder.start_profile();
  ProfiledRun run;
  run.seconds = seconds_of([&] { inference.embed(inference.samples); });
  run.layers = inference.embedder.layers();
  run.profile = inference.embedder.profile();
  run.batches = options.steps;
  run.batch = kBatch;
  run.bfloat16 = inference.reference.in_bfloat16();
  return run;
}

}  // namespace

BenchResult bench_infer(const BenchOptions& options, const Machine& machine,
                        const Workers& workers) {
  BenchResult result;
  {
    reset_peak_memory();
    Inference inference(options, workers);
    const Rates rates = inference.measured(options);
    result = inference.reference.result("infer", "inference", inference.embedder.forward_flops(),
                                        rates, machine);
    if (options.profile) {
      add_layer_table(median_run(options.repeats, [&] { return profiled_run(options, inference); }),
                      machine, result);
    }
  }
  if (options.sweep_threads) {
    BenchOptions once = options;
    once.repeats = 1;
    sweep_threads(options, "images", result, [&](const Workers& some) {
      return Inference(options, some).measured(once).median();
    });
  }
  return result;
}

}  // namespace kindred::tools
