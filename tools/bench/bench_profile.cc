#include "bench/bench_profile.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>

namespace kindred::tools {
namespace {

/// Takes the time of the layers inside of a layer away from it.
std::vector<LayerTime> own_times(const ProfiledRun& run) {
  std::vector<LayerTime> own = run.profile.layers;
  for (std::size_t i = 0; i < own.size(); ++i) {
    const Index depth = run.layers[i].depth;
    if (depth == 0) continue;
    std::size_t parent = i;
    while (run.layers[parent].depth >= depth) --parent;
    own[parent].forward -= run.profile.layers[i].forward;
    own[parent].backward -= run.profile.layers[i].backward;
  }
  return own;
}

/// "jit:avx512_core / jit:avx512_core / jit:avx512_core" as "jit:avx512_core".
std::string shortened(const std::string& implementation) {
  const std::size_t end = implementation.find(" / ");
  const std::string first = implementation.substr(0, end);
  std::string repeated = first;
  while (repeated.size() < implementation.size()) repeated += " / " + first;
  return repeated == implementation ? first : implementation;
}

/// What the machine can do at most, a second.
struct Limits {
  double product = 0;  ///< operations of its matrix product
  double copying = 0;  ///< bytes read and written
};

/// A pass of a layer over a batch.
struct PassRate {
  double ms = 0;     ///< that all threads take for it together
  double flops = 0;  ///< a second
  double bytes = 0;  ///< likewise, of src and dst
};

/// What a layer does when all threads work at it.
struct LayerRate {
  LayerRate(const ProfiledRun& run, const LayerSummary& layer, const LayerTime& own, int threads) {
    const double all_threads = 1000.0 / static_cast<double>(run.batches) / threads;
    forward.ms = own.forward * all_threads;
    weights.ms = own.backward_weights * all_threads;
    data.ms = (own.backward - own.backward_weights) * all_threads;
    // The first layer's diff_src is nobody's: what is left of its time is the clock's.
    if (data.ms < 0.01 * weights.ms) data.ms = 0;
    const double of_batch = layer.flops * static_cast<double>(run.batch);
    const double bytes_of_batch = layer.bytes * static_cast<double>(run.batch);
    int passes = 0;
    const auto count = [&](PassRate& pass, int times) {
      if (pass.ms <= 0) return;
      passes += times;
      pass.flops = times * of_batch / (pass.ms * 1e-3);
      pass.bytes = times * bytes_of_batch / (pass.ms * 1e-3);
    };
    count(forward, run.forward_passes);
    count(data, 1);
    count(weights, 1);
    const double a_second = passes / (total_ms() * 1e-3);
    flops = of_batch * a_second;
    bytes = bytes_of_batch * a_second;
  }
  double total_ms() const { return forward.ms + data.ms + weights.ms; }

  PassRate forward, data, weights;
  double flops = 0;  ///< a second, of all passes
  double bytes = 0;  ///< likewise
};

/// The share of the product's speed where weights are multiplied, else of that of copying memory.
double share_of(const LayerSummary& layer, const PassRate& pass, const Limits& limits) {
  return layer.multiplies ? pass.flops / limits.product : pass.bytes / limits.copying;
}

Json json_of(const LayerSummary& layer, const LayerRate& rate, const Limits& limits) {
  Json numbers = {{"kind", layer.kind},
                  {"implementation", layer.implementation},
                  {"forward_ms", rate.forward.ms},
                  {"backward_data_ms", rate.data.ms},
                  {"backward_weights_ms", rate.weights.ms}};
  const std::string share = layer.multiplies ? "share_of_peak" : "share_of_copying";
  numbers["forward_" + share] = share_of(layer, rate.forward, limits);
  numbers["backward_data_" + share] = share_of(layer, rate.data, limits);
  numbers["backward_weights_" + share] = share_of(layer, rate.weights, limits);
  numbers["gflops_per_second"] = rate.flops * 1e-9;
  numbers["share_of_peak"] = rate.flops / limits.product;
  if (!layer.multiplies) {
    numbers["gigabytes_per_second"] = rate.bytes * 1e-9;
    numbers["share_of_copying"] = rate.bytes / limits.copying;
  }
  return numbers;
}

/// "0.734  91 %"
std::string cell(const LayerSummary& layer, const PassRate& pass, const Limits& limits) {
  const std::string share = fmt::format("{:>4.0f} %", share_of(layer, pass, limits) * 100);
  return pass.ms > 0 ? fmt::format("{:>8.3f} {:<6}", pass.ms, share) : std::string(15, ' ');
}

std::string line_of(const LayerSummary& layer, const LayerRate& rate, const Limits& limits,
                    double share_of_step) {
  const std::string name = std::string(static_cast<std::size_t>(2 * layer.depth), ' ') + layer.name;
  const std::string speed = layer.multiplies ? fmt::format("{:>7.1f} GFLOP/s", rate.flops * 1e-9)
                                             : fmt::format("{:>7.1f} GB/s   ", rate.bytes * 1e-9);
  return fmt::format("  {:<32} {} {} {} {:>5.1f} % {}  {}\n", name,
                     cell(layer, rate.forward, limits), cell(layer, rate.data, limits),
                     cell(layer, rate.weights, limits), share_of_step * 100, speed,
                     shortened(layer.implementation));
}

/// Shares of the step that no layer takes.
std::vector<std::pair<std::string, double>> outside_of(const ProfiledRun& run,
                                                       const std::vector<LayerTime>& own_times,
                                                       int threads) {
  const double all = run.seconds * threads;
  double waiting = all;
  for (const LayerTime& own : own_times) waiting -= own.forward + own.backward;
  std::vector<std::pair<std::string, double>> parts;
  const auto add = [&](const std::string& name, double seconds) {
    parts.emplace_back(name, seconds / all);
    waiting -= seconds;
  };
  if (run.profile.read > 0) add("reading", run.profile.read);
  add("augmentation and scaling", run.profile.input);
  for (const auto& [name, seconds] : run.alone) add(name, seconds * threads);
  parts.emplace_back("waiting for the other threads", waiting / all);
  return parts;
}

}  // namespace

ProfiledRun median_run(Index repeats, FunctionRef<ProfiledRun()> run) {
  std::vector<ProfiledRun> runs;
  for (Index i = 0; i < repeats; ++i) runs.push_back(run());
  const auto median = runs.begin() + static_cast<std::ptrdiff_t>(runs.size() / 2);
  std::ranges::nth_element(runs, median, {}, &ProfiledRun::seconds);
  return *median;
}

void add_layer_table(const ProfiledRun& run, const Machine& machine, BenchResult& result) {
  const Limits limits{machine.product(run.bfloat16), machine.memory_stream};
  const std::vector<LayerTime> own = own_times(run);
  Json& numbers = result.numbers["profile"];
  std::string& text = result.details;
  text += fmt::format("  {:<32} {:<15} {:<15} {:<15} {:>7}\n", "ms of a batch, % of its limit",
                      " forward", " backward data", " weights", "of step");
  bool winograd = false;
  for (std::size_t i = 0; i < own.size(); ++i) {
    const LayerSummary& layer = run.layers[i];
    const LayerRate rate(run, layer, own[i], machine.threads);
    const double step_ms = run.seconds * 1000 / static_cast<double>(run.batches);
    numbers["layers"][layer.name] = json_of(layer, rate, limits);
    text += line_of(layer, rate, limits, rate.total_ms() / step_ms);
    winograd = winograd || layer.saves_operations;
  }
  double sum = 0;
  std::string parts;
  for (const auto& [name, share] : outside_of(run, own, machine.threads)) {
    numbers["outside"][name] = share;
    parts += fmt::format("    {:<30} {:>6.1f} %\n", name, share * 100);
    sum += share;
  }
  numbers["outside_share"] = sum;
  text += fmt::format("  outside the layers {:>25.1f} % of the step\n{}", sum * 100, parts);
  if (winograd) {
    text += "  GFLOP/s count a direct convolution's operations; Winograd's need fewer.\n";
  }
  text +=
      "  The limit is the product where GFLOP/s are given, else copying memory. GB/s count src "
      "and\n"
      "  dst once a pass, wherever they lie: caches are faster than memory.\n";
}

}  // namespace kindred::tools
