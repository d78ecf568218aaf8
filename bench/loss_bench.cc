// One operation: value and gradients of one loss on a batch of B embeddings of 128 numbers, 1,000
// classes where classes are meant, 4 samples a class, with two threads: each registered loss with
// its default settings, and triplets and multi-similarity with their other minings. Cost: the
// products it cannot do without (of similarities, of the gradient and of its transpose), 2 B B 128
// operations each for pairs and triplets, 2 B 1000 128 for classes. They are timed in turn with the
// loss, so that "x products" holds on a machine whose speed changes; what the rest of a loss costs
// should stay near theirs. The last lines are the table of bench/README.md.
#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include <chrono>
#include <map>
#include <string>
#include <vector>

#include "kindred/core/matmul.h"
#include "kindred/core/random.h"
#include "kindred/loss/objective.h"

namespace kindred {
namespace {

constexpr Index kEmbedding = 128;
constexpr Index kClasses = 1000;
constexpr Index kBatches[] = {128, 512, 2048};
constexpr double kReferenceStep = 128.0 / 2476 * 1e3;  // ms, `kindred bench train` in float32

double now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

void fill(Matrix& matrix) {
  Random random(1, Purpose::test, static_cast<std::uint64_t>(matrix.rows()));
  for (Index i = 0; i < matrix.rows(); ++i) {
    for (Index j = 0; j < matrix.cols(); ++j) matrix(i, j) = random.normal();
  }
}

/// The three products of a batch with rows of weights, or with itself.
class Products {
 public:
  Products(Index batch, Index rows)
      : x_(batch, kEmbedding),
        weights_(rows, kEmbedding),
        products_(batch, rows),
        diff_x_(batch, kEmbedding),
        diff_weights_(rows, kEmbedding) {
    fill(x_);
    fill(weights_);
  }
  void forward(const Workers& workers) { multiply_nt<float>(workers, x_, weights_, products_); }
  void backward(const Workers& workers) {
    multiply_nn<float>(workers, products_, weights_, diff_x_);
    multiply_tn<float>(workers, products_, x_, diff_weights_);
  }

 private:
  Matrix x_;
  Matrix weights_;
  Matrix products_;
  Matrix diff_x_;
  Matrix diff_weights_;
};

/// What a loss multiplies the batch with: its rows of weights, else the batch; 0 for nothing.
Index product_rows(const LossEntry& entry, const ParameterTable& table, Index batch) {
  if (entry.name == "center") return 0;
  for (const Segment& segment : table.segments()) {
    if (segment.shape.size() == 2) return segment.shape[0];
  }
  return batch;
}

void compute(benchmark::State& state, const LossEntry& entry, const std::string& recipe_text) {
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
  fill(embeddings);
  std::vector<std::int64_t> labels;
  std::vector<Index> ids;
  for (Index i = 0; i < batch; ++i) {
    labels.push_back(i / 4 % kClasses);
    ids.push_back(i);
  }
  LossInput input;
  input.embeddings = embeddings.view();
  input.labels = labels;
  input.sample_ids = ids;
  input.planned_steps = 1;
  input.parameters = parameters.span();
  const Index rows = product_rows(entry, table, batch);
  Products products(batch, std::max<Index>(rows, 1));
  double one = 0;
  double three = 0;
  for (auto _ : state) {
    const double start = now();
    benchmark::DoNotOptimize(
        objective.compute(workers, input, diff_embeddings.view(), gradient.span()));
    const double middle = now();
    state.SetIterationTime(middle - start);
    if (rows == 0) continue;
    products.forward(workers);
    one += now() - middle;
    products.backward(workers);
    three += now() - middle;
  }
  const auto each = benchmark::Counter::kAvgIterations;
  if (rows > 0) state.counters["one_product_ms"] = {one * 1e3, each};
  if (rows > 0) state.counters["products_ms"] = {three * 1e3, each};
}

/// Also keeps the medians, for the table.
class TableReporter : public benchmark::ConsoleReporter {
 public:
  void ReportRuns(const std::vector<Run>& runs) override {
    ConsoleReporter::ReportRuns(runs);
    for (const Run& run : runs) {
      if (run.aggregate_name != "median") continue;
      const std::string name = run.run_name.function_name;
      if (!cells_.contains(name)) names_.push_back(name);
      const auto counter = [&](const char* key) {
        const auto found = run.counters.find(key);
        return found == run.counters.end() ? 0.0 : static_cast<double>(found->second);
      };
      cells_[name][run.run_name.args] = {run.GetAdjustedRealTime(), counter("one_product_ms"),
                                         counter("products_ms")};
    }
  }

  void Finalize() override {
    fmt::print("\n| loss | B = 128, ms | share of a step | x products ");
    fmt::print("| 512, ms | x products | 2,048, ms | x products | x one product |\n");
    fmt::print("| --- | --- | --- | --- | --- | --- | --- | --- | --- |\n");
    for (const std::string& name : names_) {
      fmt::print("| {} |", name);
      for (const Index batch : kBatches) {
        const Cell& cell = cells_[name][fmt::format("B:{}", batch)];
        fmt::print(" {:.3g} |", cell.ms);
        if (batch == kBatches[0]) fmt::print(" {:.1f} % |", cell.ms / kReferenceStep * 100);
        print_ratio(cell.ms, cell.products_ms);
        if (batch == kBatches[2]) print_ratio(cell.ms, cell.one_product_ms);
      }
      fmt::print("\n");
    }
  }

 private:
  struct Cell {
    double ms = 0;
    double one_product_ms = 0;
    double products_ms = 0;
  };

  static void print_ratio(double ms, double products) {
    fmt::print(" {} |", products > 0 ? fmt::format("{:.2f}", ms / products) : "");
  }

  std::vector<std::string> names_;
  std::map<std::string, std::map<std::string, Cell>> cells_;
};

void add(const std::string& name, const std::string& setting) {
  const LossEntry& entry = find_loss(name);
  const std::string recipe = fmt::format("[[loss]]\nname = \"{}\"\n{}", name, setting);
  const std::size_t quote = setting.find('"');
  const std::string title =
      setting.empty() ? name
                      : name + ", " + setting.substr(quote + 1, setting.rfind('"') - quote - 1);
  auto* bench = benchmark::RegisterBenchmark(
      title.c_str(), [&entry, recipe](benchmark::State& state) { compute(state, entry, recipe); });
  for (const Index batch : kBatches) bench->Arg(batch);
  bench->ArgName("B")->UseManualTime()->Unit(benchmark::kMillisecond);
}

}  // namespace
}  // namespace kindred

int main(int argc, char** argv) {
  for (const kindred::LossEntry& entry : kindred::loss_registry()) {
    const std::string name(entry.name);
    if (!entry.needs_targets()) kindred::add(name, "");
    if (name == "triplet") {
      for (const std::string mining : {"semihard", "all"}) {
        kindred::add(name, "mining = \"" + mining + "\"");
      }
    }
    if (name == "multi_similarity") kindred::add(name, "mining = \"multi_similarity\"");
  }
  // What the command line does not say otherwise.
  std::string defaults[] = {"--benchmark_min_time=0.05", "--benchmark_repetitions=5",
                            "--benchmark_report_aggregates_only=true"};
  std::vector<char*> arguments{argv[0]};
  for (std::string& text : defaults) arguments.push_back(text.data());
  arguments.insert(arguments.end(), argv + 1, argv + argc);
  int count = static_cast<int>(arguments.size());
  benchmark::Initialize(&count, arguments.data());
  kindred::TableReporter reporter;
  benchmark::RunSpecifiedBenchmarks(&reporter);
}
