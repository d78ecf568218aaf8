#include "kindred/eval/neighbors.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <vector>

#include "eval/scores/check_rows.h"
#include "eval/scores/score_blocks.h"
#include "eval/scores/score_kernels.h"
#include "eval/scores/score_keys.h"
#include "kindred/core/error.h"

namespace kindred {
namespace {

constexpr float kLowest = -std::numeric_limits<float>::infinity();

/// The best k of what one query has met. Candidates above the threshold are gathered; when there
/// is no room, all but the best k go and the k-th is the new threshold. A later candidate with the
/// threshold's own score has a higher index and loses the tie, so "above" is exact.
class Best {
 public:
  void start(Index k) {
    k_ = static_cast<std::size_t>(k);
    keys_.clear();
    room_ = k_ + std::max<std::size_t>(k_, 64);
    keys_.reserve(room_);
    threshold_ = kLowest;
  }
  float threshold() const { return threshold_; }
  void add(float score, Index position, std::vector<std::uint64_t>& scratch) {
    keys_.push_back(order_key(score, static_cast<std::uint32_t>(position)));
    if (keys_.size() == room_) shrink(scratch);
  }
  /// The best k, nearest first.
  const std::vector<std::uint64_t>& finish(std::vector<std::uint64_t>& scratch) {
    if (keys_.size() > k_) shrink(scratch);
    sort_keys(keys_, scratch);
    return keys_;
  }

 private:
  void shrink(std::vector<std::uint64_t>& scratch) {
    threshold_ = score_of_key(keep_smallest(keys_, k_, scratch));
  }

  std::size_t k_ = 0;
  std::size_t room_ = 0;
  std::vector<std::uint64_t> keys_;
  float threshold_ = kLowest;
};

struct Worker {
  explicit Worker(const Gallery& gallery)
      : queries(gallery), best(static_cast<std::size_t>(QueryBlock::most_rows())) {}
  QueryBlock queries;
  std::vector<Best> best;
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
        Best& best = worker->best[static_cast<std::size_t>(i)];
        std::uint32_t places[Gallery::kBlock];
        const Index passing =
            kernels<ScoreKernels>().above(scores, tile.scores.cols(), best.threshold(), places);
        for (Index p = 0; p < passing; ++p) {
          const float score = scores[places[p]];  // add() raises the threshold
          if (score > best.threshold()) best.add(score, tile.first + places[p], worker->scratch);
        }
      }
    }
    for (Index i = 0; i < end - begin; ++i) {
      const auto& keys = worker->best[static_cast<std::size_t>(i)].finish(worker->scratch);
      for (Index j = 0; j < k; ++j) {
        const std::uint64_t key = keys[static_cast<std::size_t>(j)];
        const float score = score_of_key(key);
        found.index(begin + i, j) = static_cast<std::int64_t>(index_of_key(key));
        found.score(begin + i, j) =
            similarity == Similarity::euclidean ? std::sqrt(std::max(-score, 0.0F)) : score;
      }
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
