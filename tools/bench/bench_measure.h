#pragma once
#include <vector>

#include "kindred/core/function_ref.h"
#include "kindred/core/index.h"

namespace kindred::tools {

/// What repeated measurements gave, in units a second.
struct Rates {
  std::vector<double> all;

  double median() const;
  /// (largest - smallest) / median
  double spread() const;
};

/// Seconds that `work` takes.
double seconds_of(FunctionRef<void()> work);

/// Seconds of the fastest of five times, of fewer where they take longer than a second in all.
double fastest_of(FunctionRef<void()> work);

/// Does `work`, which is `units` of something, `repeats` times.
Rates measure(Index repeats, Index units, FunctionRef<void()> work);

/// The most memory that this process has held since reset_peak_memory(), in bytes; where the system
/// cannot begin anew, since the program began.
double peak_memory();
void reset_peak_memory();

}  // namespace kindred::tools
