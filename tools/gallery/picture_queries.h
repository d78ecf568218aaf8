#pragma once
#include <string>
#include <vector>

#include "gallery/gallery.h"
#include "kindred/core/matrix.h"
#include "kindred/core/parallel.h"
#include "kindred/data/picture_list.h"
#include "kindred/train/model.h"

namespace kindred::tools {

/// Pictures that something is asked about.
struct PictureQueries {
  std::vector<std::string> where;       ///< of each picture, as it was named
  std::vector<std::string> errors;      ///< why it could not be read; "" otherwise
  std::vector<std::string> thumbnails;  ///< where they were wanted
  std::vector<Index> rows;              ///< of `embeddings`, one a picture; -1 where there is none
  Matrix embeddings;
};

/// Reads and embeds them. Fails with data at the first that cannot be read where the options are
/// strict.
PictureQueries embed_queries(const PictureOptions& options, const CommonOptions& common,
                             const Model& model, const Workers& workers, Index thumbnail = 0);

/// Fails with data where none of them could be read: what was printed is no answer.
void require_some_read(const PictureQueries& queries);

}  // namespace kindred::tools
