#pragma once
#include <string>

#include "kindred/train/convert.h"
#include "train/exchange/converted_network.h"

namespace kindred {

/// Makes a model of what a child process converted, `path` for messages. The recipe has the layers
/// one by one. Fails with data where layers and arrays do not fit each other.
Model model_of(ConvertedNetwork network, const ConvertOptions& options, const std::string& path);

}  // namespace kindred
