#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "kindred/core/matrix.h"

namespace kindred {

/// Embeddings and what is known of their samples (datasets/README.md, "Embedding file").
struct EmbeddingFile {
  Matrix embeddings;                     ///< [N, D]
  std::vector<std::int64_t> labels;      ///< [N], or empty
  std::vector<std::string> paths;        ///< [N], or empty
  std::vector<std::string> class_names;  ///< by label, or empty
  std::vector<std::uint8_t> split;       ///< [N], or empty
  std::vector<std::int64_t> groups;      ///< [N], or empty
  std::vector<std::int32_t> episode;     ///< [N], or empty
  std::vector<std::uint8_t> role;        ///< [N], or empty
  std::string fingerprint;               ///< of the model, or empty
};

/// `path` may name a group: "FILE.h5:/group". Checked as Dataset::open checks. `prefix` is put
/// before "embeddings" and "labels": "query_", "gallery_".
EmbeddingFile read_embedding_file(const std::string& path, const std::string& prefix = "");
/// Written beside `path` and renamed. Fails with cannot_create or io.
void write_embedding_file(const std::string& path, const EmbeddingFile& file);

}  // namespace kindred
