#pragma once
#include <string>

#include "json.h"
#include "kindred/data/embedding_file.h"
#include "kindred/eval/metric.h"
#include "kindred/eval/row_summary.h"

namespace kindred::tools {

/// Warns where scores of the embeddings of `path` are a matter of chance: rows of zeros (by cosine
/// or inner product), rows that are all equal or, by cosine, of one direction. Says it in the
/// numbers, too: "zero_vectors" and "constant_embeddings", where they are.
void warn_of_rows(const Workers& workers, ConstMatrixView rows, const std::string& path,
                  Similarity similarity, Json* numbers);

/// Warns where queries and gallery are known to come from different models.
void warn_of_models(const EmbeddingFile& queries, const std::string& query_path,
                    const EmbeddingFile& gallery, const std::string& gallery_path);

}  // namespace kindred::tools
