#pragma once
#include <memory>
#include <string>

#include "kindred/train/setup.h"

namespace kindred {

/// As read_setup() of kindred/train/setup.h, on samples that are there already. Of [data] counts
/// what says which of them are trained on; data.file becomes what the data set is called, which no
/// file may be. Without samples (nullptr) it is that read_setup().
Setup read_setup(Recipe& recipe, const std::string& folder, std::unique_ptr<Dataset> dataset);

}  // namespace kindred
