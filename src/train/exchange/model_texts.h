#pragma once
#include <map>
#include <string>

#include "kindred/train/model.h"

namespace kindred {

/// What goes with a model's arrays wherever it goes, as README.md lists it: `kindred.recipe`,
/// `kindred.class_names` (JSON), `kindred.fingerprint`, `kindred.size`, ...
std::map<std::string, std::string> model_texts(const Model& model);

}  // namespace kindred
