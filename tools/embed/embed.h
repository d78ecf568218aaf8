#pragma once
#include <string>
#include <vector>

#include "command.h"
#include "kindred/core/parallel.h"
#include "kindred/core/process_group.h"
#include "kindred/data/dataset.h"
#include "kindred/data/embedding_file.h"
#include "picture_arguments.h"

namespace kindred::tools {

/// What is to be embedded, and how.
struct EmbedRequest {
  std::string model;                 ///< a model file
  std::vector<std::string> sources;  ///< a data set, or pictures
  std::string split = "all";
  DatasetNames names = {};         ///< where the data set has what
  PictureArguments pictures = {};  ///< of pictures
  bool flip = false;               ///< add the embedding of the mirrored image
  std::string precision;           ///< empty: the model's
  bool quiet = false;
  bool may_stop = false;  ///< a signal ends it, where pictures are decoded
};

/// What came of a request.
struct Embedded {
  EmbeddingFile file;
  double seconds = 0;                   ///< the network's, and with pictures their decoding
  std::vector<std::string> unreadable;  ///< pictures left out, with the reason
  bool interrupted = false;             ///< by a signal: there are no embeddings
};

/// Embeddings, with what the data set or the pictures' folders say of the samples. Fails with data
/// where no sample is of the split. With a group its ranks do it together: all have all.
Embedded embed_samples(const EmbedRequest& request, const Workers& workers,
                       ProcessGroup* group = nullptr);

}  // namespace kindred::tools
