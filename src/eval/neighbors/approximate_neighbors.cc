#include "kindred/eval/approximate_neighbors.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <vector>

#include "eval/neighbors/nearest_rows.h"
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

void check_search(const ApproximateOptions& options, Index k, Index gallery) {
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
  check_search(options, k, gallery.rows());
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
  // FAISS scores in float32: its order counts for what it finds only.
  const ExactScores exact(workers, gallery, similarity);
  Neighbors found{BasicMatrix<std::int64_t>(queries.rows(), k),
                  BasicMatrix<double>(queries.rows(), k)};
  workers.for_blocks(queries.rows(), kQueriesPerTask, [&](Index begin, Index end, int) {
    const std::vector<float> values = dense(queries.rows_from(begin, end - begin), similarity);
    std::vector<float> scores(static_cast<std::size_t>((end - begin) * k));
    std::vector<std::int64_t> rows(scores.size());
    index.search(end - begin, values.data(), k, scores.data(), rows.data());
    ExactQuery query(exact);
    for (Index i = begin; i < end; ++i) {
      query.load(queries, i);
      std::vector<ScoredRow> best;
      for (Index j = 0; j < k; ++j) {
        const std::int64_t row = rows[static_cast<std::size_t>((i - begin) * k + j)];
        if (row >= 0) best.push_back({query.score(row), static_cast<std::uint32_t>(row)});
      }
      std::sort(best.begin(), best.end(), is_nearer);
      write_neighbors(best, similarity, i, found);
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
