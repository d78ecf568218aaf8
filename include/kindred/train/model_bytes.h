#pragma once
#include <cstddef>
#include <string>
#include <vector>

#include "kindred/core/export.h"
#include "kindred/train/model.h"

namespace KINDRED_API kindred {

/// As read_model(path) (model.h), of a model's file in memory; `where` names it in messages.
Model read_model(std::vector<std::byte> file, const std::string& where);

/// The model's file without the names of the classes it was trained on: who they are is nobody's
/// business where the model goes. All else, its fingerprint too, is as it was.
std::vector<std::byte> without_class_names(std::vector<std::byte> file, const std::string& where);

}  // namespace kindred
