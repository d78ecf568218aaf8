#pragma once
#include <map>
#include <string>
#include <vector>

#include "kindred/core/index.h"
#include "train/exchange/converted_network.h"

namespace kindred {

/// What a file of named weights must be told to be: how the source calls its modules.
enum class ForeignNames { torchvision, timm, insightface };

/// The network that an array file by somebody's names is of, as an architecture of ours with its
/// arrays by our names.
///   torchvision  resnet18 to resnet152, mobilenet_v2     insightface  iresnet18 to iresnet200
///   timm         resnet18 to resnet152
/// Arrays that count batches are left out. Fails with data where a name has no place, or the
/// last layer's weights are missing.
void rename_arrays(ForeignNames names, ConvertedNetwork& network);

/// Reads a safetensors file's content: float arrays of any precision, and whole numbers, which are
/// left out. Fails with data.
std::vector<ConvertedArray> read_safetensors(std::string_view file);

}  // namespace kindred
