#include "eval/neighbors/nearest_rows.h"

#include <memory>
#include <vector>

#include "eval/neighbors/search_detail.h"
#include "eval/scores/score_kernels.h"

namespace kindred {
namespace {

constexpr float kLowest = -std::numeric_limits<float>::infinity();

struct Worker {
  Worker(const Gallery& gallery, const ExactScores& scores, const RowsView& asked)
      : queries(gallery),
        best(static_cast<std::size_t>(QueryBlock::most_rows())),
        rescoring(gallery, scores, asked) {}
  QueryBlock queries;
  std::vector<BestNeighbors> best;
  Rescoring rescoring;
};

/// The candidates of queries [begin, end) among the block's scores.
void reduce(const ScoreTile& tile, Index begin, Index end, bool leave_one_out, Worker& worker) {
  for (Index i = 0; i < end - begin; ++i) {
    float* const scores = tile.scores.row(i);
    const Index self = begin + i - tile.first;
    if (leave_one_out && self >= 0 && self < tile.scores.cols()) scores[self] = kLowest;
    BestNeighbors& best = worker.best[static_cast<std::size_t>(i)];
    std::uint32_t places[Gallery::kBlock];
    const Index passing =
        kernels<ScoreKernels>().not_below(scores, tile.scores.cols(), best.threshold(), places);
    for (Index p = 0; p < passing; ++p) {
      const float score = scores[places[p]];
      if (score < best.threshold()) continue;  // it rose
      best.add(score, tile.first + places[p], begin + i, worker.rescoring);
    }
  }
}

}  // namespace

Neighbors nearest_rows(const Workers& workers, const RowsView& queries, const RowsView& gallery,
                       Index k, Similarity similarity, bool leave_one_out) {
  const Screen screen(workers, queries, gallery, similarity);
  const Gallery packed = gallery_to_search(workers, queries, gallery, screen, k,
                                           BestNeighbors::wide_room(k, Detail::bytes));
  const Index room = BestNeighbors::wide_room(k, packed.detail());
  const ExactScores scores(workers, gallery, similarity);
  Neighbors found{BasicMatrix<std::int64_t>(queries.rows(), k),
                  BasicMatrix<double>(queries.rows(), k)};
  std::vector<std::unique_ptr<Worker>> pool(static_cast<std::size_t>(workers.threads()));
  const Index step = QueryBlock::rows_per_task(queries.rows());
  workers.for_blocks(queries.rows(), step, [&](Index begin, Index end, int number) {
    auto& worker = pool[static_cast<std::size_t>(number % workers.threads())];
    if (!worker) worker = std::make_unique<Worker>(packed, scores, queries);
    worker->queries.load(queries, {}, begin, end);
    for (Index i = 0; i < end - begin; ++i) {
      worker->best[static_cast<std::size_t>(i)].start(k, worker->queries.error(i), room);
    }
    for (Index block = 0; block < packed.blocks(); ++block) {
      reduce(worker->queries.score(block), begin, end, leave_one_out, *worker);
    }
    for (Index i = 0; i < end - begin; ++i) {
      BestNeighbors& best = worker->best[static_cast<std::size_t>(i)];
      write_neighbors(best.finish(begin + i, worker->rescoring), similarity, begin + i, found);
    }
  });
  return found;
}

}  // namespace kindred
