#pragma once
#include <string>

#include "kindred/core/parallel.h"
#include "kindred/data/dataset.h"

namespace kindred::tools {

/// Writes a PNG of up to 12 x 12 samples, a class a row where there are labels, the classes spread
/// over all of them. Fails with data where the data set holds no pictures, cannot_create or io.
void write_contact_sheet(const Dataset& dataset, const std::string& path, const Workers& workers);

}  // namespace kindred::tools
