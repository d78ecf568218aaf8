#pragma once
#include <string>

#include "kindred/core/export.h"
#include "kindred/data/embedding_file.h"

namespace KINDRED_API kindred {

/// Embeddings wherever they come from: an embedding file of ours, any HDF5 file whose data sets are
/// named here, NumPy arrays, or lists in text.
struct EmbeddingSource {
  std::string path;     ///< "FILE.h5", "FILE.h5:/group", "FILE.npy", "FILE.npz", "FILE.csv", ".tsv"
  std::string dataset;  ///< HDF5, .npz: the data set [N, D]; empty: /embeddings, or found
  /// HDF5, .npz: the data set [N], empty: /labels, or found; beside HDF5 or .npy: a .npy file;
  /// with lists: the column, empty: found.
  std::string labels;
  std::string groups;  ///< HDF5: the data set [N] that stands for /groups; empty: /groups
};

/// Checked as read_embedding_file checks. Of a data set that is named, /split and the fingerprint
/// are read where they fit. Labels are empty where there are none; those that were named must be
/// there. Fails with no_input (missing), data, or usage (a name that does not apply).
EmbeddingFile read_embeddings(const EmbeddingSource& source);

/// Embeddings that several processes share out: one's part.
struct EmbeddingPart {
  Matrix embeddings;  ///< may have no rows
  Index first = 0;    ///< of the source's rows, that of the part
  Index rows = 0;     ///< of the source
  std::string fingerprint;
};

/// The rows that are `part` of `parts` (begin_of_part), and no others of an HDF5 file; what stands
/// beside them (labels, paths) is not looked at. Fails as above.
EmbeddingPart read_embedding_part(const EmbeddingSource& source, Index part, Index parts);

}  // namespace kindred
