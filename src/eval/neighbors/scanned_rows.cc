#include "eval/neighbors/scanned_rows.h"

#include <algorithm>
#include <atomic>
#include <limits>
#include <vector>

#include "eval/neighbors/nearest_rows.h"
#include "eval/scores/check_rows.h"
#include "eval/scores/exact_scores.h"

namespace kindred {
namespace {

constexpr Index kMostQueries = 48;
constexpr Index kTile = 64;                   // rows that are scored together
constexpr Index kTileBytes = Index{1} << 15;  // of them, which stay in cache
constexpr Index kAhead = 1024;                // numbers that are under way from memory
constexpr Index kTiles = 32;                  // a task
constexpr std::size_t kRoom = 64;

/// The best k of the rows that a worker has met for one query.
class NearestMet {
 public:
  void start(Index k) {
    k_ = static_cast<std::size_t>(k);
    met_.clear();
  }
  void add(double score, Index row) {
    if (score < least_) return;
    met_.push_back({score, static_cast<std::uint32_t>(row)});
    if (met_.size() >= 2 * k_ + kRoom) shrink();
  }
  std::vector<ScoredRow>& rows() {
    if (met_.size() > k_) shrink();
    return met_;
  }

 private:
  void shrink() {
    const auto last = met_.begin() + static_cast<std::ptrdiff_t>(k_) - 1;
    std::nth_element(met_.begin(), last, met_.end(), is_nearer);
    met_.resize(k_);
    least_ = met_.back().score;
  }

  std::size_t k_ = 0;
  double least_ = -std::numeric_limits<double>::infinity();  // a lower score has no chance
  std::vector<ScoredRow> met_;
};

/// The queries in float64, with their squares.
struct Asked {
  explicit Asked(const RowsView& queries) : numbers(queries.rows(), queries.cols()) {
    const ComputeScope scope;
    for (Index i = 0; i < queries.rows(); ++i) {
      queries.widen(i, numbers.row(i));
      squares.push_back(queries.dot(numbers.row(i), i));
    }
  }
  BasicMatrix<double> numbers;
  std::vector<double> squares;
};

/// Rows `first` and those behind it with all queries. False where one of them is no embedding.
bool score_tile(ConstMatrixView some, Index first, const Asked& asked, Similarity similarity,
                std::vector<NearestMet>& nearest) {
  const ExactKernels& sums = kernels<ExactKernels>();
  const bool distances = similarity == Similarity::euclidean;
  const auto of_first = distances ? sums.squared_distances_and_squares : sums.dots_and_squares;
  const auto of_others = distances ? sums.squared_distances : sums.dots;
  const ExactKernels::Rows rows{some.data(), some.rows(), some.stride(), some.cols()};
  double squares[kTile];
  double scores[kTile];
  of_first(asked.numbers.row(0), rows, kAhead, scores, squares);
  for (Index i = 0; i < rows.count; ++i) {
    if (!(squares[i] <= kLargestSquare)) return false;  // NaN, too
  }
  for (std::size_t q = 0; q < nearest.size(); ++q) {
    if (q > 0) of_others(asked.numbers.row(static_cast<Index>(q)), rows, scores);
    for (Index i = 0; i < rows.count; ++i) {
      nearest[q].add(score_of_sum(scores[i], asked.squares[q], squares[i], similarity), first + i);
    }
  }
  return true;
}

}  // namespace

bool is_faster_scanned(Index queries) { return queries <= kMostQueries; }

Neighbors scan_rows(const Workers& workers, ConstMatrixView queries, ConstMatrixView gallery,
                    Index k, Similarity similarity) {
  const Asked asked{RowsView(queries)};
  const auto count = static_cast<std::size_t>(queries.rows());
  std::vector<std::vector<NearestMet>> pool(static_cast<std::size_t>(workers.threads()));
  for (auto& nearest : pool) {
    nearest.resize(count);
    for (NearestMet& of_query : nearest) of_query.start(k);
  }
  std::atomic<bool> all_fine = true;
  const Index bytes = gallery.cols() * static_cast<Index>(sizeof(float));
  const Index tile = std::clamp<Index>(kTileBytes / bytes, 1, kTile);
  workers.for_blocks(gallery.rows(), tile * kTiles, [&](Index begin, Index end, int worker) {
    auto& nearest = pool[static_cast<std::size_t>(worker % workers.threads())];
    for (; begin < end && all_fine; begin += tile) {
      const ConstMatrixView rows = gallery.rows_from(begin, std::min(tile, end - begin));
      if (!score_tile(rows, begin, asked, similarity, nearest)) all_fine = false;
    }
  });
  if (!all_fine) check_rows(workers, gallery, "gallery embeddings");
  Neighbors found{BasicMatrix<std::int64_t>(queries.rows(), k),
                  BasicMatrix<double>(queries.rows(), k)};
  for (std::size_t q = 0; q < count; ++q) {
    std::vector<ScoredRow> all;
    for (auto& nearest : pool) {
      const std::vector<ScoredRow>& some = nearest[q].rows();
      all.insert(all.end(), some.begin(), some.end());
    }
    std::sort(all.begin(), all.end(), is_nearer);
    all.resize(std::min(all.size(), static_cast<std::size_t>(k)));
    write_neighbors(all, similarity, static_cast<Index>(q), found);
  }
  return found;
}

}  // namespace kindred
