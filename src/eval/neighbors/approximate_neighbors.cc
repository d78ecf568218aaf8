#include "kindred/eval/approximate_neighbors.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

#include "eval/scores/check_rows.h"
#include "eval/scores/unit_row.h"
#include "kindred/core/error.h"

#ifdef KINDRED_FAISS
#include <faiss/IndexHNSW.h>
#endif

namespace kindred {

#ifdef KINDRED_FAISS

namespace {

constexpr Index kQueriesPerTask = 16;

/// Rows side by side without padding, unit where the cosine is asked for.
std::vector<float> dense(ConstMatrixView rows, Similarity similarity) {
  std::vector<float> values(static_cast<std::size_t>(rows.rows() * rows.cols()));
  for (Index i = 0; i < rows.rows(); ++i) {
    float* const dst = values.data() + i * rows.cols();
    if (similarity == Similarity::cosine) {
      unit_row(rows.row(i), rows.cols(), dst);
    } else {
      std::copy_n(rows.row(i), rows.cols(), dst);
    }
  }
  return values;
}

void check(const ApproximateOptions& options, Index k, Index gallery) {
  if (options.links < 2 || options.build < 1 || options.search < 1) {
    fail(ErrorKind::usage,
         fmt::format("approximate search with {} links, {} candidates to build and {} to search; "
                     "at least 2, 1 and 1 are needed",
                     options.links, options.build, options.search));
  }
  if (k < 1 || k > gallery) {
    fail(ErrorKind::usage, fmt::format("k = {}, but there are {} gallery embeddings to choose "
                                       "from; k must be 1 to {}",
                                       k, gallery, gallery));
  }
}

}  // namespace

bool has_approximate_neighbors() { return true; }

Neighbors find_neighbors_approximately(const Workers& workers, ConstMatrixView queries,
                                       ConstMatrixView gallery, Index k, Similarity similarity,
                                       const ApproximateOptions& options) {
  check_sides(queries, gallery);
  check(options, k, gallery.rows());
  check_rows(workers, queries, "query embeddings");
  check_rows(workers, gallery, "gallery embeddings");
  const bool euclidean = similarity == Similarity::euclidean;
  faiss::IndexHNSWFlat index(static_cast<int>(gallery.cols()), options.links,
                             euclidean ? faiss::METRIC_L2 : faiss::METRIC_INNER_PRODUCT);
  index.hnsw.efConstruction = options.build;
  index.hnsw.efSearch = std::max(options.search, static_cast<int>(k));
  {
    const ComputeScope one_thread;
    const std::vector<float> values = dense(gallery, similarity);
    index.add(gallery.rows(), values.data());
  }
  Neighbors found{BasicMatrix<std::int64_t>(queries.rows(), k), Matrix(queries.rows(), k)};
  workers.for_blocks(queries.rows(), kQueriesPerTask, [&](Index begin, Index end, int) {
    const std::vector<float> values = dense(queries.rows_from(begin, end - begin), similarity);
    std::vector<float> scores(static_cast<std::size_t>((end - begin) * k));
    std::vector<std::int64_t> rows(scores.size());
    index.search(end - begin, values.data(), k, scores.data(), rows.data());
    for (std::size_t i = 0; i < scores.size(); ++i) {
      const Index query = begin + static_cast<Index>(i) / k;
      const Index place = static_cast<Index>(i) % k;
      found.index(query, place) = rows[i];
      const float score = euclidean ? std::sqrt(std::max(scores[i], 0.0F)) : scores[i];
      const float none = std::numeric_limits<float>::infinity();
      found.score(query, place) = rows[i] >= 0 ? score : (euclidean ? none : -none);
    }
  });
  return found;
}

#else

bool has_approximate_neighbors() { return false; }

Neighbors find_neighbors_approximately(const Workers&, ConstMatrixView, ConstMatrixView, Index,
                                       Similarity, const ApproximateOptions&) {
  fail(ErrorKind::usage,
       "approximate search needs FAISS: install libfaiss-dev and libopenblas-dev, and configure "
       "with -DKINDRED_FAISS=ON");
}

#endif

}  // namespace kindred
