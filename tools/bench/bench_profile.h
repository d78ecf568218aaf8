#pragma once
#include <string>
#include <utility>
#include <vector>

#include "bench/bench.h"
#include "kindred/core/function_ref.h"
#include "kindred/train/profile.h"

namespace kindred::tools {

/// A run of batches whose layers were timed.
struct ProfiledRun {
  std::vector<LayerSummary> layers;
  Profile profile;     ///< of all threads
  double seconds = 0;  ///< that it took
  Index batches = 0;
  Index batch = 0;  ///< samples
  bool bfloat16 = false;
  int forward_passes = 1;  ///< a batch; 2 with train.recompute
  /// Seconds of what is no task of a slice: none of the threads does anything else then.
  std::vector<std::pair<std::string, double>> alone;
};

/// Of `repeats` calls of run(), the one with the median time.
ProfiledRun median_run(Index repeats, FunctionRef<ProfiledRun()> run);

/// Appends to result.details and result.numbers: what each layer takes of a batch, in time, in
/// operations or bytes a second; then what is outside of the layers.
void add_layer_table(const ProfiledRun& run, const Machine& machine, BenchResult& result);

}  // namespace kindred::tools
