#include "eval/neighbors/self_search.h"

#include <cstring>
#include <limits>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "eval/neighbors/nearest_rows.h"
#include "eval/neighbors/search_detail.h"
#include "eval/scores/score_blocks.h"
#include "eval/scores/score_kernels.h"
#include "kindred/core/buffer.h"

namespace kindred {
namespace {

constexpr Index kBlock = Gallery::kBlock;
constexpr Index kMostBytes = Index{512} << 20;
constexpr Index kFilter = 64;  // scores that are filtered at a time
constexpr float kExcluded = -std::numeric_limits<float>::infinity();

/// For all candidates that rows gather.
bool has_room(Index rows, Index k, Detail detail) {
  constexpr Index kKey = sizeof(std::uint64_t);
  return rows <= kMostBytes / kKey / BestNeighbors::room(k, detail);
}

Gallery gallery_to_search_itself(const Workers& workers, ConstMatrixView rows, const Screen& screen,
                                 Index k) {
  if (!has_room(rows.rows(), k, Detail::bytes)) return Gallery(workers, rows, screen);
  return gallery_to_search(workers, rows, rows, screen, k, BestNeighbors::room(k, Detail::bytes));
}

/// Rows are cut into strips, a task each, which meets the rows from its own first on: its rows take
/// candidates from there, and rows behind the strip take candidates from it. What rows have met is
/// behind a lock a block, held while a tile is reduced, a tenth of the time that it takes.
class SelfSearch {
 public:
  SelfSearch(const Workers& workers, ConstMatrixView rows, Index k, Similarity similarity,
             bool leave_one_out)
      : workers_(workers),
        rows_(rows),
        similarity_(similarity),
        leave_one_out_(leave_one_out),
        screen_(workers, rows, rows, similarity),
        gallery_(gallery_to_search_itself(workers, rows, screen_, k)),
        exact_(workers, rows, similarity),
        best_(static_cast<std::size_t>(rows.rows())),
        thresholds_(gallery_.blocks() * kBlock),
        locks_(std::make_unique<std::mutex[]>(static_cast<std::size_t>(gallery_.blocks()))) {
    // No score of -infinity, which stands for "no score", passes this.
    std::fill_n(thresholds_.data(), thresholds_.size(), std::numeric_limits<float>::lowest());
    for (Index i = 0; i < rows.rows(); ++i)
      best_of(i).start(k, gallery_.error(i), BestNeighbors::room(k, gallery_.detail()));
  }

  Neighbors run(Index k) {
    std::vector<std::unique_ptr<Worker>> pool(static_cast<std::size_t>(workers_.threads()));
    const auto worker_of = [&](int number) -> Worker& {
      auto& worker = pool[static_cast<std::size_t>(number % workers_.threads())];
      if (!worker) worker = std::make_unique<Worker>(gallery_, exact_, rows_);
      return *worker;
    };
    workers_.for_blocks(
        rows_.rows(), QueryBlock::rows_per_task(rows_.rows()),
        [&](Index begin, Index end, int number) { search_strip(begin, end, worker_of(number)); });
    Neighbors found{BasicMatrix<std::int64_t>(rows_.rows(), k),
                    BasicMatrix<double>(rows_.rows(), k)};
    workers_.for_blocks(rows_.rows(), kBlock, [&](Index begin, Index end, int number) {
      Rescoring& rescoring = worker_of(number).rescoring;
      for (Index i = begin; i < end; ++i) {
        // The next row's candidates come from memory while this one's are scored.
        if (i + 1 < end) best_of(i + 1).close(rescoring);
        BestNeighbors best = std::move(best_of(i));  // its memory goes
        write_neighbors(best.finish(i, rescoring), similarity_, i, found);
      }
    });
    return found;
  }

 private:
  struct Worker {
    Worker(const Gallery& gallery, const ExactScores& scores, const RowsView& rows)
        : queries(gallery), rescoring(gallery, scores, rows) {}
    QueryBlock queries;
    Rescoring rescoring;
  };

  BestNeighbors& best_of(Index row) { return best_[static_cast<std::size_t>(row)]; }
  std::mutex& lock_of(Index block) { return locks_[static_cast<std::size_t>(block)]; }

  // The blocks from the strip's own on, in turn from another place for each strip: strips that are
  // searched at the same time seldom want the same lock.
  void search_strip(Index begin, Index end, Worker& worker) {
    worker.queries.load(rows_, {}, begin, end);
    const Index own = begin / kBlock;
    const Index count = gallery_.blocks() - own;
    const Index start = begin / (end - begin) % count;
    for (Index i = 0; i < count; ++i) search_block(own + (start + i) % count, begin, end, worker);
  }

  void search_block(Index block, Index begin, Index end, Worker& worker) {
    const Index offset = block * kBlock;
    const Index met = std::max(begin - offset, Index{0});  // those before it have met this strip
    const ScoreTile tile = worker.queries.score_part(block, 0, end - begin, met, kBlock);
    for (Index i = begin; leave_one_out_ && i < end; ++i) {
      if (i >= offset && i < offset + tile.scores.cols()) {
        tile.scores.row(i - begin)[i - offset] = kExcluded;
      }
    }
    for (Index i = begin; i < end;) {
      const std::scoped_lock lock(lock_of(i / kBlock));
      const Index last = std::min(end, round_up(i + 1, kBlock));
      for (; i < last; ++i) reduce_row(tile, begin, i, met, worker);
    }
    const Index behind = std::max(end - offset, Index{0});
    if (behind >= tile.scores.cols()) return;
    const std::scoped_lock lock(lock_of(block));
    for (Index i = begin; i < end; ++i) reduce_columns(tile, begin, i, behind, worker);
  }

  // Row i takes its candidates among the tile's columns from `from` on.
  void reduce_row(const ScoreTile& tile, Index begin, Index i, Index from, Worker& worker) {
    float* const scores = tile.scores.row(i - begin);
    const Index first = hide_before(from, scores);
    std::uint32_t places[kBlock];
    const Index passing = kernels<ScoreKernels>().not_below(
        scores + first, tile.scores.cols() - first, thresholds_[i], places);
    for (Index p = 0; p < passing; ++p) {
      const Index column = first + places[p];
      offer(i, scores[column], tile.first + column, worker);
    }
  }

  // The rows of the tile's columns from `from` on take row i as a candidate.
  void reduce_columns(const ScoreTile& tile, Index begin, Index i, Index from, Worker& worker) {
    float* const scores = tile.scores.row(i - begin);
    const Index first = hide_before(from, scores);
    std::uint32_t places[kBlock];
    const Index passing =
        kernels<ScoreKernels>().not_below_each(scores + first, tile.scores.cols() - first,
                                               thresholds_.data() + tile.first + first, places);
    for (Index p = 0; p < passing; ++p) {
      const Index column = first + places[p];
      offer(tile.first + column, scores[column], i, worker);
    }
  }

  // Where to filter from, so that whole steps of it end where the scores do.
  static Index hide_before(Index from, float* scores) {
    const Index first = from / kFilter * kFilter;
    std::fill(scores + first, scores + from, kExcluded);
    return first;
  }

  void offer(Index row, float score, Index candidate, Worker& worker) {
    if (score < thresholds_[row]) return;  // it rose
    BestNeighbors& best = best_of(row);
    if (best.add(score, candidate, row, worker.rescoring)) thresholds_[row] = best.threshold();
  }

  const Workers& workers_;
  ConstMatrixView rows_;
  Similarity similarity_;
  bool leave_one_out_;
  Screen screen_;
  Gallery gallery_;
  ExactScores exact_;
  std::vector<BestNeighbors> best_;
  Buffer<float> thresholds_;
  std::unique_ptr<std::mutex[]> locks_;  // a block
};

}  // namespace

bool may_search_itself(ConstMatrixView queries, ConstMatrixView gallery, Index k) {
  if (queries.rows() != gallery.rows() || queries.cols() != gallery.cols()) return false;
  if (!has_room(gallery.rows(), k, Detail::floats)) return false;
  const auto bytes = static_cast<std::size_t>(gallery.cols()) * sizeof(float);
  for (Index i = 0; i < gallery.rows(); ++i) {
    if (std::memcmp(queries.row(i), gallery.row(i), bytes) != 0) return false;
  }
  return true;
}

Neighbors search_itself(const Workers& workers, ConstMatrixView rows, Index k,
                        Similarity similarity, bool leave_one_out) {
  return SelfSearch(workers, rows, k, similarity, leave_one_out).run(k);
}

}  // namespace kindred
