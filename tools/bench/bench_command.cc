#include <fmt/format.h>

#include <optional>

#include "bench/bench.h"
#include "bench/bench_compare.h"
#include "bench/bench_report.h"
#include "kindred/nn/precision.h"

namespace kindred::tools {
namespace {

using Benchmark = std::vector<BenchResult> (*)(const BenchOptions&, const Machine&, const Workers&);

std::vector<BenchResult> train(const BenchOptions& options, const Machine& machine,
                               const Workers& workers) {
  return {bench_train(options, machine, workers)};
}

std::vector<BenchResult> infer(const BenchOptions& options, const Machine& machine,
                               const Workers& workers) {
  return {bench_infer(options, machine, workers)};
}

std::vector<BenchResult> search(const BenchOptions& options, const Machine& machine,
                                const Workers& workers) {
  return {bench_search(options, machine, workers)};
}

std::vector<BenchResult> load(const BenchOptions& options, const Machine&, const Workers& workers) {
  return bench_load(options, workers);
}

std::vector<BenchResult> pictures(const BenchOptions& options, const Machine&,
                                  const Workers& workers) {
  return bench_pictures(options, workers);
}

/// Each of the first four, in each precision that the CPU has.
std::vector<BenchResult> all(const BenchOptions& options, const Machine& machine,
                             const Workers& workers) {
  std::vector<BenchResult> results;
  for (const char* precision : {"float32", "bfloat16"}) {
    if (precision_named(precision) == Precision::bfloat16 && !has_bfloat16()) continue;
    BenchOptions in = options;
    in.precision = precision;
    for (const auto bench : {bench_train, bench_infer}) {
      results.push_back(bench(in, machine, workers));
      results.back().name += fmt::format("_{}", precision);
      results.back().details.clear();
    }
  }
  results.push_back(bench_search(options, machine, workers));
  for (BenchResult& result : bench_load(options, workers)) results.push_back(std::move(result));
  return results;
}

/// What every benchmark has.
Command add(const Command& bench, const std::string& name, const std::string& what,
            Benchmark benchmark, const std::shared_ptr<BenchOptions>& options) {
  const Command command = bench.add_command(name, what);
  command.add_option("--repeats", options->repeats, "measurements; the median counts")
      .check(positive())
      .show_default();
  command
      .add_option("--compare", options->compare,
                  "sets the figures against those of an earlier --json FILE")
      .type_name("OLD.json")
      .reads_file();
  add_threads(command, *options);
  add_json(command, *options);
  add_quiet(command, *options);
  command.callback([name, benchmark, options] {
    if (name == "train") options->group = open_process_group();
    std::optional<Json> old;
    if (!options->compare.empty()) old = read_comparison(options->compare, name);
    const Workers workers(options->threads);
    const Machine machine = measure_machine(workers);
    const std::vector<BenchResult> results = benchmark(*options, machine, workers);
    if (options->group && options->group->rank() != 0) return;
    report(*options, name, machine, results, old);
  });
  return command;
}

void add_data(const Command& command, BenchOptions& options) {
  command.add_option("--steps", options.steps, "batches of one measurement")
      .check(positive())
      .show_default();
  const Option data = command
                          .add_option("--data", options.data,
                                      "data set (default: 964 classes of random images, made up)")
                          .reads_file();
  command
      .add_option("--architecture", options.architecture,
                  "conv4 (28x28x1), resnet (10 layers of 32 to 128 channels, 32x32x3), mlp (two "
                  "hidden layers of 512, 28x28x1), mobilefacenet or resnet18 (both 112x112x3)")
      .check(one_of({"conv4", "resnet", "mlp", "mobilefacenet", "resnet18"}))
      .show_default();
  command.add_option("--size", options.size, "height and width of the images that are made up")
      .check(range(16, 512))
      .excludes(data);
  command.add_option("--channels", options.channels, "1 or 3, of the images that are made up")
      .check(one_of({1, 3}))
      .excludes(data);
  command.add_option("--set", options.assignments, "change a key of the reference recipe")
      .type_name("KEY=VALUE")
      .one_word_each();
}

void add_network(const Command& command, BenchOptions& options) {
  add_data(command, options);
  command.add_option("--precision", options.precision, "float32 (default), bfloat16, auto")
      .check(one_of({"float32", "bfloat16", "auto"}));
  command.add_flag("--profile", options.profile,
                   "a table of the layers, and of what is outside of them");
  command.add_flag("--threads-sweep", options.sweep_threads, "with 1, 2, ... threads as well");
}

void add_vectors(const Command& command, BenchOptions& options) {
  command.add_option("--vectors", options.vectors, "that are searched, each for the others")
      .check(range(2, 100'000'000))
      .show_default();
  command.add_option("--dimension", options.dimension, "numbers of a vector")
      .check(range(1, 65'536))
      .show_default();
  command.add_option("--k", options.k, "neighbours of each").check(positive()).show_default();
}

}  // namespace

void add_bench(const Command& program) {
  const Command bench = program.add_command("bench", "measure what this machine's CPU can do");
  bench.require_command();
  bench.footer("Example:\n  kindred bench all --json today.json");

  auto options = std::make_shared<BenchOptions>();
  const Command training =
      add(bench, "train", "training steps of the reference network, data and losses included",
          train, options);
  add_network(training, *options);
  training
      .add_option("--sweep", options->sweep,
                  "slice: with slices of 8, 16, ... as well; recommends one")
      .check(one_of({"slice"}));
  training.footer("Example:\n  kindred bench train --architecture resnet --profile --json -");

  options = std::make_shared<BenchOptions>();
  const Command inference =
      add(bench, "infer", "embedding with the reference network", infer, options);
  add_network(inference, *options);
  inference.footer("Example:\n  kindred bench infer --precision bfloat16 --threads-sweep");

  options = std::make_shared<BenchOptions>();
  const Command searching =
      add(bench, "search", "exact search among random vectors", search, options);
  add_vectors(searching, *options);
  searching.footer("Example:\n  kindred bench search --vectors 100000 --dimension 64 --k 100");

  options = std::make_shared<BenchOptions>();
  const Command loading =
      add(bench, "load", "reading shuffled batches, and augmenting them", load, options);
  add_data(loading, *options);
  loading.footer("Example:\n  kindred bench load --data faces.h5 --set data.memory=256MiB");

  options = std::make_shared<BenchOptions>();
  const Command seeing = add(
      bench, "pictures", "decoding pictures, and embedding them with a model", pictures, options);
  seeing.add_option("model", options->model, "model.kindred of a run")
      .required()
      .type_name("MODEL")
      .reads_file();
  seeing.add_option("pictures", options->pictures, "image files, folders, archives")
      .required()
      .type_name("PICTURES...")
      .reads_file();
  seeing.footer("Example:\n  kindred bench pictures model.kindred photos.zip --threads 2");

  options = std::make_shared<BenchOptions>();
  const Command everything =
      add(bench, "all",
          "training, inference, search and loading on one page, in each precision the CPU has", all,
          options);
  add_data(everything, *options);
  add_vectors(everything, *options);
  everything.footer("Example:\n  kindred bench all --compare last.json --json today.json");
}

}  // namespace kindred::tools
