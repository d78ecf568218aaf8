#include <fmt/format.h>
#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <vector>

#include "bench_data.h"
#include "command.h"
#include "kindred/core/error.h"
#include "kindred/core/matmul.h"
#include "kindred/core/random.h"
#include "kindred/train/embedder.h"
#include "kindred/train/trainer.h"

namespace kindred::tools {
namespace {

struct BenchOptions : CommonOptions {
  Index steps = 50;
  Index repeats = 5;
  Index batch = 128;
  std::string data;
  std::string precision;
  std::vector<std::string> assignments;
};

/// Medians of repeated measurements, and how far they spread.
struct Rates {
  std::vector<double> all;

  double median() const {
    std::vector<double> sorted = all;
    std::sort(sorted.begin(), sorted.end());
    const std::size_t half = sorted.size() / 2;
    return sorted.size() % 2 == 1 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
  }
  /// (largest - smallest) / median
  double spread() const {
    const auto [low, high] = std::minmax_element(all.begin(), all.end());
    return (*high - *low) / median();
  }
};

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

/// The most memory that this process has held.
double peak_memory_bytes() {
  rusage used{};
  ::getrusage(RUSAGE_SELF, &used);
  return static_cast<double>(used.ru_maxrss) * 1024;
}

// What this machine's matrix product reaches: a product of 2048 x 2048 x 2048 floats.
double measure_peak(const Workers& workers) {
  constexpr Index kSize = 2048;
  Matrix a(kSize, kSize);
  Matrix b(kSize, kSize);
  Matrix dst(kSize, kSize);
  a.fill(0.5f);
  b.fill(0.25f);
  double best = 1e300;
  for (int i = 0; i < 4; ++i) {
    const auto start = std::chrono::steady_clock::now();
    multiply_nt<float>(workers, a.view(), b.view(), dst.view());
    best = std::min(best, seconds_since(start));
  }
  return 2.0 * kSize * kSize * kSize / best;
}

// The reference network of bench/README.md.
constexpr std::string_view kReference = R"(
seed = 1
[sampler]
name = "pxk"
classes = 32
samples_per_class = 4
[model]
architecture = "conv4"
width = 64
pool_last = true
embedding = 128
slice = 16
[[loss]]
name = "softmax"
[[loss]]
name = "triplet"
mining = "hard"
[[loss]]
name = "center"
weight = 0.01
[optimizer]
name = "adam"
learning_rate = 1e-3
)";

/// The reference network with data, ready to train.
struct Reference {
  explicit Reference(const BenchOptions& options)
      : data(options.data), recipe(Recipe::from_text(kReference, "the reference recipe")) {
    recipe.set("data.file=" + Json(std::filesystem::absolute(data.path()).string()).dump());
    if (!options.precision.empty()) recipe.set("model.precision=" + options.precision);
    for (const std::string& assignment : options.assignments) recipe.set(assignment);
    setup = std::make_unique<Setup>(read_setup(recipe, ""));
  }
  BenchData data;
  Recipe recipe;
  std::unique_ptr<Setup> setup;
};

void report(const BenchOptions& options, const std::string& what, const Rates& rates, double flops,
            double peak, Json numbers) {
  numbers["images_per_second"] = rates.median();
  numbers["images_per_second_all"] = rates.all;
  numbers["spread"] = rates.spread();
  numbers["gflops_per_second"] = rates.median() * flops * 1e-9;
  numbers["peak_gflops_per_second"] = peak * 1e-9;
  numbers["share_of_peak"] = rates.median() * flops / peak;
  numbers["peak_memory_bytes"] = peak_memory_bytes();
  if (!write_json(options, numbers)) return;
  fmt::print(
      "{}: {:.0f} images/s (median of {}, spread {:.1f} %), {:.1f} GFLOP/s, {:.0f} % of "
      "this machine's float32 matrix product ({:.0f} GFLOP/s), {:.0f} MB at most\n",
      what, rates.median(), rates.all.size(), rates.spread() * 100, rates.median() * flops * 1e-9,
      rates.median() * flops / peak * 100, peak * 1e-9, peak_memory_bytes() * 1e-6);
}

std::string title(const Setup& setup, const std::string& what, const Workers& workers) {
  return fmt::format("{} in {}, {} threads", what, name_of(setup.architecture.precision),
                     workers.threads());
}

void bench_train(const BenchOptions& options) {
  Reference reference(options);
  const Workers workers(options.threads);
  const double peak = measure_peak(workers);
  Trainer trainer(reference.recipe, *reference.setup, workers);
  for (int i = 0; i < 5; ++i) trainer.step();  // warm-up
  const StepTimes before = trainer.times();
  Rates rates;
  double total = 0;
  for (Index repeat = 0; repeat < options.repeats; ++repeat) {
    const auto start = std::chrono::steady_clock::now();
    for (Index i = 0; i < options.steps; ++i) trainer.step();
    const double seconds = seconds_since(start);
    total += seconds;
    rates.all.push_back(static_cast<double>(options.steps * reference.setup->batch()) / seconds);
  }
  const StepTimes after = trainer.times();
  const auto share = [&](double StepTimes::*part) { return (after.*part - before.*part) / total; };
  Json numbers;
  numbers["threads"] = workers.threads();
  numbers["precision"] = name_of(reference.setup->architecture.precision);
  numbers["batch"] = reference.setup->batch();
  numbers["shares"] = {{"wait_for_data", share(&StepTimes::wait_for_data)},
                       {"forward", share(&StepTimes::forward)},
                       {"loss", share(&StepTimes::loss)},
                       {"backward", share(&StepTimes::backward)},
                       {"reduce", share(&StepTimes::reduce)},
                       {"update", share(&StepTimes::update)}};
  const Json shares = numbers["shares"];
  report(options, title(*reference.setup, "training", workers), rates, 3 * trainer.forward_flops(),
         peak, std::move(numbers));
  if (options.json == "-") return;
  fmt::print("share of the step:");
  for (const auto& [part, value] : shares.items()) {
    fmt::print("  {} {:.1f} %", part, value.get<double>() * 100);
  }
  fmt::print("\n");
}

void bench_infer(const BenchOptions& options) {
  Reference reference(options);
  const Workers workers(options.threads);
  const double peak = measure_peak(workers);
  Trainer trainer(reference.recipe, *reference.setup, workers);
  const Setup& setup = *reference.setup;
  TrainingState& state = trainer.training_state();
  Embedder embedder(setup.architecture, setup.train.slice, setup.dataset->element(), setup.scaling,
                    state.table, state.state, workers);
  embedder.load(state.weights());
  std::vector<Index> samples(static_cast<std::size_t>(options.steps * options.batch));
  for (std::size_t i = 0; i < samples.size(); ++i) {
    samples[i] = static_cast<Index>(i) % setup.dataset->size();
  }
  embedder.embed(*setup.dataset,
                 std::span(samples).first(static_cast<std::size_t>(options.batch)));  // warm-up
  Rates rates;
  for (Index repeat = 0; repeat < options.repeats; ++repeat) {
    const auto start = std::chrono::steady_clock::now();
    embedder.embed(*setup.dataset, samples);
    rates.all.push_back(static_cast<double>(samples.size()) / seconds_since(start));
  }
  Json numbers;
  numbers["threads"] = workers.threads();
  numbers["precision"] = name_of(setup.architecture.precision);
  report(options, title(setup, "inference", workers), rates, embedder.forward_flops(), peak,
         std::move(numbers));
}

CLI::App& add(CLI::App& parent, const std::string& name, const std::string& what,
              BenchOptions& options) {
  CLI::App& command = *parent.add_subcommand(name, what);
  command.add_option("--steps", options.steps, "batches of one measurement")
      ->check(CLI::PositiveNumber);
  command.add_option("--repeats", options.repeats, "measurements; the median counts")
      ->check(CLI::PositiveNumber);
  command.add_option("--data", options.data, "data set (default: 19,280 images of 28x28, made up)");
  command.add_option("--precision", options.precision, "float32 (default), bfloat16, auto")
      ->check(CLI::IsMember({"float32", "bfloat16", "auto"}));
  command.add_option("--set", options.assignments, "change a key of the reference recipe")
      ->type_name("KEY=VALUE")
      ->allow_extra_args(false);
  add_threads(command, options);
  add_json(command, options);
  add_quiet(command, options);
  return command;
}

}  // namespace

void add_bench(CLI::App& program) {
  CLI::App& bench = *program.add_subcommand("bench", "measure what this machine's CPU can do");
  bench.require_subcommand(1);
  bench.footer("Example:\n  kindred bench train --threads 2");
  auto train = std::make_shared<BenchOptions>();
  add(bench, "train", "training steps of the reference network, data and losses included", *train)
      .footer("Example:\n  kindred bench train --threads 2 --json -")
      ->callback([train] { bench_train(*train); });
  auto infer = std::make_shared<BenchOptions>();
  add(bench, "infer", "embedding with the reference network", *infer)
      .footer("Example:\n  kindred bench infer --repeats 9")
      ->callback([infer] { bench_infer(*infer); });
}

}  // namespace kindred::tools
