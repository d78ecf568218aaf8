#pragma once
#include <memory>
#include <string>
#include <string_view>

#include "bench/bench.h"
#include "bench/bench_data.h"
#include "kindred/train/setup.h"

namespace kindred::tools {

/// 32 classes of 4 samples.
inline constexpr std::string_view kClassBatches =
    "name = \"pxk\"\nclasses = 32\nsamples_per_class = 4\n";
/// 128 samples from anywhere.
inline constexpr std::string_view kShuffledBatches = "name = \"shuffle\"\nbatch = 128\n";

/// The network of --architecture (bench/README.md) with data, ready to train; what --set changes is
/// changed.
struct Reference {
  explicit Reference(const BenchOptions& options, std::string_view sampler = kClassBatches);

  /// "conv4 28x28x1, bfloat16"
  std::string title() const;
  /// What every result of this network says; `what` is done to it: "training".
  BenchResult result(const std::string& name, const std::string& what, double image_flops,
                     const Rates& rates, const Machine& machine) const;
  bool in_bfloat16() const { return setup->architecture.precision == Precision::bfloat16; }

  BenchData data;
  Recipe recipe;
  std::unique_ptr<Setup> setup;
};

}  // namespace kindred::tools
