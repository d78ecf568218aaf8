#include "kindred/eval/neighbors.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <memory>
#include <vector>

#include "eval/neighbors/best_neighbors.h"
#include "eval/neighbors/self_search.h"
#include "eval/neighbors/write_neighbors.h"
#include "eval/scores/check_rows.h"
#include "eval/scores/score_blocks.h"
#include "eval/scores/score_kernels.h"
#include "kindred/core/error.h"

namespace kindred {
namespace {

constexpr float kLowest = -std::numeric_limits<float>::infinity();

struct Worker {
  explicit Worker(const Gallery& gallery)
      : queries(gallery), best(static_cast<std::size_t>(QueryBlock::most_rows())) {}
  QueryBlock queries;
  std::vector<BestNeighbors> best;
  std::vector<std::uint64_t> scratch;
};

void check_k(Index k, Index gallery, bool leave_one_out) {
  const Index most = gallery - (leave_one_out ? 1 : 0);
  if (k >= 1 && k <= most) return;
  fail(ErrorKind::usage,
       fmt::format("k = {}, but there are {} {} to choose from; k must be 1 to {}", k, most,
                   leave_one_out ? "other embeddings" : "gallery embeddings", most));
}

}  // namespace

Neighbors find_neighbors(const Workers& workers, ConstMatrixView queries, ConstMatrixView gallery,
                         Index k, Similarity similarity, bool leave_one_out) {
  check_sides(queries, gallery);
  check_k(k, gallery.rows(), leave_one_out);
  if (leave_one_out) check_count(queries.rows(), "queries", gallery.rows(), "gallery embeddings");
  check_rows(workers, queries, "query embeddings");
  if (!leave_one_out) check_rows(workers, gallery, "gallery embeddings");

  if (may_search_itself(queries, gallery, k)) {
    return search_itself(workers, gallery, k, similarity, leave_one_out);
  }

  const Gallery packed(workers, gallery, similarity);
  Neighbors found{BasicMatrix<std::int64_t>(queries.rows(), k), Matrix(queries.rows(), k)};
  std::vector<std::unique_ptr<Worker>> pool(static_cast<std::size_t>(workers.threads()));
  const Index step = QueryBlock::rows_per_task(queries.rows());
  workers.for_blocks(queries.rows(), step, [&](Index begin, Index end, int number) {
    auto& worker = pool[static_cast<std::size_t>(number % workers.threads())];
    if (!worker) worker = std::make_unique<Worker>(packed);
    worker->queries.load(queries, {}, begin, end);
    for (Index i = 0; i < end - begin; ++i) worker->best[static_cast<std::size_t>(i)].start(k);
    for (Index block = 0; block < packed.blocks(); ++block) {
      const ScoreTile tile = worker->queries.score(block);
      for (Index i = 0; i < end - begin; ++i) {
        float* const scores = tile.scores.row(i);
        const Index self = begin + i - tile.first;
        if (leave_one_out && self >= 0 && self < tile.scores.cols()) scores[self] = kLowest;
        BestNeighbors& best = worker->best[static_cast<std::size_t>(i)];
        std::uint32_t places[Gallery::kBlock];
        // Columns come in rising order: one with the threshold's own score loses the tie.
        const Index passing =
            kernels<ScoreKernels>().above(scores, tile.scores.cols(), best.threshold(), places);
        for (Index p = 0; p < passing; ++p) {
          best.add(scores[places[p]], tile.first + places[p], worker->scratch);
        }
      }
    }
    for (Index i = 0; i < end - begin; ++i) {
      write_neighbors(worker->best[static_cast<std::size_t>(i)].finish(worker->scratch), similarity,
                      begin + i, found);
    }
  });
  return found;
}

double neighbor_recall(const BasicMatrix<std::int64_t>& found,
                       const BasicMatrix<std::int64_t>& exact, Index k) {
  if (k < 1 || k > found.cols() || k > exact.cols() || found.rows() < exact.rows()) {
    fail(ErrorKind::usage, fmt::format("recall of {} neighbours of {} rows asked of [{}, {}] found",
                                       k, exact.rows(), found.rows(), found.cols()));
  }
  Index hits = 0;
  for (Index i = 0; i < exact.rows(); ++i) {
    const std::int64_t* const row = found.row(i);
    for (Index j = 0; j < k; ++j) hits += std::find(row, row + k, exact(i, j)) != row + k ? 1 : 0;
  }
  return static_cast<double>(hits) / static_cast<double>(k * exact.rows());
}

}  // namespace kindred
