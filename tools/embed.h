#pragma once
#include <string>

#include "kindred/core/parallel.h"
#include "kindred/data/dataset.h"
#include "kindred/data/embedding_file.h"

namespace kindred::tools {

/// What is to be embedded, and how.
struct EmbedRequest {
  std::string model;  ///< a model file
  std::string data;   ///< a data set
  std::string split = "all";
  DatasetNames names = {};  ///< where the data set has what
  bool flip = false;        ///< add the embedding of the mirrored image
  std::string precision;    ///< empty: the model's
};

/// An embedding file's content, with what the data set says of the samples. `seconds`, if asked
/// for, becomes the time that the network took. Fails with data where no sample is of the split.
EmbeddingFile embed_samples(const EmbedRequest& request, const Workers& workers,
                            double* seconds = nullptr);

}  // namespace kindred::tools
