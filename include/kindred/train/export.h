#pragma once
#include <string>

#include "kindred/core/export.h"
#include "kindred/core/file_kinds.h"
#include "kindred/train/model.h"

namespace KINDRED_API kindred {

/// The order of an image's numbers.
enum class ImageLayout { nhwc, nchw };

/// What an exported model takes and gives.
struct OnnxOptions {
  Element input = Element::u8;
  ImageLayout layout = ImageLayout::nhwc;
  bool normalize = false;  ///< embeddings become unit vectors
  Index opset = 17;        ///< of operators; see kLeastOpset
};
inline constexpr Index kLeastOpset = 13;
inline constexpr Index kMostOpset = 21;

/// Writes the model as ONNX, for inference: input `images` [batch, height, width, channels] or
/// [batch, channels, height, width] (vectors: [batch, features]), raw values as in the data set;
/// output `embeddings` [batch, D]; the batch is free. The input's scaling is in the graph; batch
/// norms are folded where Embedder folds them. metadata_props hold class_names, recipe,
/// fingerprint, size and more. Fails with usage where a layer needs a newer opset, with data where
/// the model lacks an array or is more than 2 GiB, with cannot_create or io.
void export_onnx(const Model& model, const std::string& path, const OnnxOptions& options);

/// Writes the network's arrays as safetensors, norms unfolded, under the names that README.md
/// lists. Fails with cannot_create or io.
void export_safetensors(const Model& model, const std::string& path);

/// Writes the same arrays into a folder, as NAME.npy each; arrays of these names are replaced.
/// Fails with usage where something else has such a name, before anything is written, with
/// cannot_create or io.
void export_npy(const Model& model, const std::string& folder);

extern const FileKind kOnnxFile;
extern const FileKind kSafetensorsFile;

}  // namespace kindred
