#pragma once
#include "bench/bench.h"

namespace kindred::tools {

// What is compared takes turns, options.repeats times, so that a change of the machine's mood hits
// all of it; medians count.

/// Measures with 1, 2, ... threads, beside the same for the plain matrix product.
/// `units_per_second` measures once.
void sweep_threads(const BenchOptions& options, const char* units, BenchResult& result,
                   FunctionRef<double(const Workers&)> units_per_second);

/// Measures with slices of 8, 16, 32, ... that divide the batch, and recommends one.
/// `images_per_second` measures once.
void sweep_slice(const BenchOptions& options, Index batch, BenchResult& result,
                 FunctionRef<double(Index slice)> images_per_second);

}  // namespace kindred::tools
