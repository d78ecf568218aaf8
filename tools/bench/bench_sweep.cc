#include "bench/bench_sweep.h"

#include <fmt/format.h>

#include <vector>

#include "bench/bench_measure.h"
#include "bench/bench_numbers.h"

namespace kindred::tools {
namespace {

/// 1, 2, 3, 4, 6, 8, 12, 16, ... and `most`.
std::vector<int> thread_counts(int most) {
  std::vector<int> counts;
  for (int power = 1; power <= most; power *= 2) {
    counts.push_back(power);
    if (power > 1 && power + power / 2 <= most) counts.push_back(power + power / 2);
  }
  if (counts.back() != most) counts.push_back(most);
  return counts;
}

}  // namespace

void sweep_threads(const BenchOptions& options, const char* units, BenchResult& result,
                   FunctionRef<double(const Workers&)> units_per_second) {
  const std::vector<int> counts = thread_counts(Workers(options.threads).threads());
  std::vector<Rates> rates(counts.size());
  std::vector<Rates> products(counts.size());
  for (Index repeat = 0; repeat < options.repeats; ++repeat) {
    for (std::size_t i = 0; i < counts.size(); ++i) {
      const Workers workers(counts[i]);
      products[i].all.push_back(measure_float32_product(workers));
      rates[i].all.push_back(units_per_second(workers));
    }
  }
  result.details +=
      fmt::format("  threads {:>14} {:>9} {:>11}   product: {:>9} {:>11}\n",
                  fmt::format("{}/s", units), "speed-up", "efficiency", "speed-up", "efficiency");
  for (std::size_t i = 0; i < counts.size(); ++i) {
    const int threads = counts[i];
    const double rate = rates[i].median();
    const double gain = rate / rates[0].median();
    const double product_gain = products[i].median() / products[0].median();
    result.numbers["threads_sweep"][std::to_string(threads)] = {
        {fmt::format("{}_per_second", units), rate},
        {"speed_up", gain},
        {"efficiency", gain / threads},
        {"product_speed_up", product_gain},
        {"product_efficiency", product_gain / threads}};
    result.details += fmt::format(
        "  {:>7} {:>14} {:>9.2f} {:>10.0f} %            {:>9.2f} {:>10.0f} %\n", threads,
        grouped(rate), gain, gain / threads * 100, product_gain, product_gain / threads * 100);
  }
}

void sweep_slice(const BenchOptions& options, Index batch, BenchResult& result,
                 FunctionRef<double(Index slice)> images_per_second) {
  const int threads = Workers(options.threads).threads();
  std::vector<Index> slices;
  for (Index slice = 8; slice <= batch && slice <= 4096; slice *= 2) {
    if (batch % slice == 0) slices.push_back(slice);
  }
  std::vector<Rates> rates(slices.size());
  for (Index repeat = 0; repeat < options.repeats; ++repeat) {
    for (std::size_t i = 0; i < slices.size(); ++i) {
      rates[i].all.push_back(images_per_second(slices[i]));
    }
  }
  Index best = 0;
  double best_rate = 0;
  result.details += fmt::format("  {:>5} {:>14}\n", "slice", "images/s");
  for (std::size_t i = 0; i < slices.size(); ++i) {
    const Index slice = slices[i];
    const double rate = rates[i].median();
    result.numbers["slice_sweep"][std::to_string(slice)] = {{"images_per_second", rate}};
    result.details += fmt::format("  {:>5} {:>14}\n", slice, grouped(rate));
    if (rate > best_rate) {
      best_rate = rate;
      best = slice;
    }
  }
  if (best == 0) {
    result.details += fmt::format("  a batch of {} divides into no slices of 8, 16, ...\n", batch);
    return;
  }
  result.numbers["recommended_slice"] = best;
  result.details += fmt::format(
      "  fastest with {} threads: model.slice = {}. Another slice is another ghost batch\n"
      "  normalisation: it gives other bits, and may want another learning rate.\n",
      threads, best);
}

}  // namespace kindred::tools
