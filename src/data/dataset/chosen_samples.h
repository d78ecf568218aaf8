#pragma once
#include <memory>
#include <vector>

#include "kindred/data/sample_source.h"

namespace kindred {

/// Some samples of another source, by their rows there, in this order.
std::unique_ptr<SampleSource> chosen_samples(std::unique_ptr<SampleSource> all,
                                             std::vector<Index> rows);

}  // namespace kindred
