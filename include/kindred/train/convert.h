#pragma once
#include <string>
#include <vector>

#include "kindred/core/export.h"
#include "kindred/core/file_kinds.h"
#include "kindred/train/model.h"

namespace KINDRED_API kindred {

/// What is known of a network that others made, and not in its file.
struct ConvertOptions {
  std::string embedding_output;  ///< ONNX: the tensor that is the embedding; "": the only output
  std::string names;             ///< safetensors: "torchvision", "timm" or "insightface"
  Index height = 0;              ///< of the input, where the file leaves it free
  Index width = 0;
  /// Images of data sets are bytes. Where the file's own input is something else, it is
  /// (byte - mean) / deviation of these: one number, or one a channel.
  std::vector<double> mean;
  std::vector<double> deviation;
};

/// Reads an ONNX file (opset 7 to 21), or with `names` a safetensors file of weights by somebody's
/// names (the architecture follows from them), as a model of ours, which can be trained further:
/// norms stay norms, unless they were folded; constants at the input become its scaling. The file
/// is parsed in a child process with limits. Fails with no_input, with data (a node that is no
/// layer of ours is named), with usage where the options do not fit.
Model convert_model(const std::string& path, const ConvertOptions& options);

extern const FileKind kModelFile;

}  // namespace kindred
