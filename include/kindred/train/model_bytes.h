#pragma once
#include <cstddef>
#include <string>
#include <vector>

#include "kindred/core/export.h"
#include "kindred/train/model.h"

namespace KINDRED_API kindred {

/// As read_model(path) (model.h), of a model's file in memory; `where` names it in messages.
Model read_model(std::vector<std::byte> file, const std::string& where);

}  // namespace kindred
