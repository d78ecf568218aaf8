#pragma once
#include "train/exchange/piece.h"

namespace kindred {

/// (x - mean) * scale by channels.
struct ForeignScaling {
  std::vector<float> mean;
  std::vector<float> scale;
};

/// Turns a chain of pieces into one of layers: takes what scales the input off its beginning, makes
/// layers of the patterns that exporters write for them, and folds constants into the weights
/// beside them. Fails with data, naming the node, where something is left that is no layer.
ForeignScaling tidy(Pieces& pieces, Index channels);

}  // namespace kindred
