#include "bench_sweep.h"

#include <fmt/format.h>

#include "bench_report.h"

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
  const int most = Workers(options.threads).threads();
  double first_rate = 0;
  double first_product = 0;
  result.details +=
      fmt::format("  threads {:>14} {:>9} {:>11}   product: {:>9} {:>11}\n",
                  fmt::format("{}/s", units), "speed-up", "efficiency", "speed-up", "efficiency");
  for (const int threads : thread_counts(most)) {
    const Workers workers(threads);
    const double product = measure_float32_product(workers);
    const double rate = units_per_second(workers);
    if (threads == 1) {
      first_rate = rate;
      first_product = product;
    }
    const double gain = rate / first_rate;
    const double product_gain = product / first_product;
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
  Index best = 0;
  double best_rate = 0;
  result.details += fmt::format("  {:>5} {:>14}\n", "slice", "images/s");
  for (Index slice = 8; slice <= batch && slice <= 4096; slice *= 2) {
    if (batch % slice != 0) continue;
    const double rate = images_per_second(slice);
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
