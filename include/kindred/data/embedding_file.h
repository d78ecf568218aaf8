#pragma once
#include <string>

#include "kindred/core/export.h"
#include "kindred/core/file_kinds.h"
#include "kindred/core/matrix.h"
#include "kindred/data/sample_kinds.h"

namespace KINDRED_API kindred {

/// Embeddings and what is known of their samples (datasets/README.md, "Embedding file").
struct EmbeddingFile : SampleColumns {
  Matrix embeddings;                    ///< [N, D]
  std::string fingerprint;              ///< of the model, or empty
  std::vector<std::string> notes = {};  ///< how the file was read, where that was found out
};

/// `path` may name a group: "FILE.h5:/group". Checked as Dataset::open checks. `prefix` is put
/// before "embeddings" and "labels": "query_", "gallery_".
EmbeddingFile read_embedding_file(const std::string& path, const std::string& prefix = "");
/// Written beside `path` and renamed. Fails with cannot_create or io.
void write_embedding_file(const std::string& path, const EmbeddingFile& file);

/// By the ending of `path`: .npy is the array [N, D] alone; .csv a line a row, of its path and
/// class where these are known, then numbers from which each float comes back; all else an
/// embedding file. Fails with cannot_create or io.
void write_embeddings(const std::string& path, const EmbeddingFile& file);
/// What write_embeddings() may replace there.
const FileKind& kind_of_embeddings(const std::string& path);

}  // namespace kindred
