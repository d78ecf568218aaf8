#include "row_warnings.h"

#include <fmt/format.h>

#include "command.h"

namespace kindred::tools {

void warn_of_rows(const Workers& workers, ConstMatrixView rows, const std::string& path,
                  Similarity similarity, Json* numbers) {
  const RowSummary summary = summarise_rows(workers, rows);
  if (summary.zeros > 0 && similarity != Similarity::euclidean) {
    note(
        fmt::format("warning: {}: {} of {} embeddings are all zeros; they score 0 with every other "
                    "one, so that what is near to them is a matter of chance",
                    path, summary.zeros, summary.rows));
  }
  const bool constant =
      summary.all_equal || (summary.one_direction && similarity == Similarity::cosine);
  if (constant) {
    note(
        fmt::format("warning: {}: all {} embeddings {}; nothing can be told apart by them, and "
                    "what is measured is chance. Look at the loss of the model's training",
                    path, summary.rows,
                    summary.all_equal ? "are equal" : "have one direction, equal by cosine"));
  }
  if (numbers == nullptr) return;
  if (summary.zeros > 0) (*numbers)["zero_vectors"] = summary.zeros;
  if (constant) (*numbers)["constant_embeddings"] = true;
}

void warn_of_models(const EmbeddingFile& queries, const std::string& query_path,
                    const EmbeddingFile& gallery, const std::string& gallery_path) {
  if (queries.fingerprint.empty() || gallery.fingerprint.empty()) return;
  if (queries.fingerprint == gallery.fingerprint) return;
  note(
      fmt::format("warning: {} is of model {}, {} of model {}: embeddings of different models have "
                  "nothing in common; embed both with one",
                  query_path, queries.fingerprint, gallery_path, gallery.fingerprint));
}

}  // namespace kindred::tools
