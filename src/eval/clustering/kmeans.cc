#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "eval/scores/check_rows.h"
#include "eval/scores/score_blocks.h"
#include "eval/scores/unit_row.h"
#include "kindred/core/error.h"
#include "kindred/core/random.h"
#include "kindred/eval/clustering.h"
#include "kindred/eval/neighbors.h"

namespace kindred {
namespace {

constexpr Index kKmeansRows = 512;

Matrix prepare(const Workers& workers, ConstMatrixView rows, Similarity similarity) {
  if (similarity == Similarity::cosine) return unit_rows(workers, rows);
  Matrix copy(rows.rows(), rows.cols());
  for (Index i = 0; i < rows.rows(); ++i) std::copy_n(rows.row(i), rows.cols(), copy.row(i));
  return copy;
}

/// The greedy k-means++ start. Each row's squared distance to the nearest center so far is kept; a
/// few candidates at a time are scored against all rows, which stay packed.
class Start {
 public:
  Start(const Workers& workers, ConstMatrixView rows, const KMeansOptions& options)
      : workers_(workers),
        rows_(rows),
        gallery_(workers, rows, Similarity::euclidean),
        candidates_(std::min<Index>(
            QueryBlock::most_rows(),
            2 + static_cast<Index>(std::log(static_cast<double>(options.clusters))))),
        random_(options.seed, Purpose::clustering),
        nearest_(static_cast<std::size_t>(rows.rows()), std::numeric_limits<float>::infinity()),
        sums_(gallery_.blocks(), candidates_) {
    for (int i = 0; i < workers.threads(); ++i) blocks_.emplace_back(gallery_);
  }

  Matrix centers(Index count) {
    Matrix centers(count, rows_.cols());
    Index chosen = random_.below(rows_.rows());
    for (Index c = 0; c < count; ++c) {
      if (c > 0) chosen = best_of(draw());
      std::copy_n(rows_.row(chosen), rows_.cols(), centers.row(c));
      take(chosen);
    }
    return centers;
  }

 private:
  /// Rows with a chance proportional to their squared distance; any row where all are zero.
  std::vector<Index> draw() {
    std::vector<double> cumulative;
    double sum = 0;
    for (const float distance : nearest_) cumulative.push_back(sum += distance);
    std::vector<Index> drawn;
    for (Index i = 0; i < candidates_; ++i) {
      const double at = static_cast<double>(random_.next64() >> 11) * 0x1p-53 * sum;
      const auto found = std::upper_bound(cumulative.begin(), cumulative.end(), at);
      drawn.push_back(sum > 0 ? std::min<Index>(found - cumulative.begin(), rows_.rows() - 1)
                              : random_.below(rows_.rows()));
    }
    return drawn;
  }

  /// The candidate that leaves the smallest sum of distances, the first of equals.
  Index best_of(const std::vector<Index>& candidates) {
    workers_.for_each(gallery_.blocks(), [&](Index block, int worker) {
      const ScoreTile tile = score(candidates, block, worker);
      for (Index c = 0; c < tile.scores.rows(); ++c) {
        double sum = 0;
        for (Index j = 0; j < tile.scores.cols(); ++j) {
          sum += std::min(nearest_[static_cast<std::size_t>(tile.first + j)], -tile.scores(c, j));
        }
        sums_(block, c) = sum;
      }
    });
    Index best = 0;
    double least = std::numeric_limits<double>::infinity();
    for (Index c = 0; c < static_cast<Index>(candidates.size()); ++c) {
      double sum = 0;
      for (Index block = 0; block < gallery_.blocks(); ++block) sum += sums_(block, c);
      if (sum < least) {
        least = sum;
        best = c;
      }
    }
    return candidates[static_cast<std::size_t>(best)];
  }

  void take(Index center) {
    const std::vector<Index> one = {center};
    workers_.for_each(gallery_.blocks(), [&](Index block, int worker) {
      const ScoreTile tile = score(one, block, worker);
      for (Index j = 0; j < tile.scores.cols(); ++j) {
        float& nearest = nearest_[static_cast<std::size_t>(tile.first + j)];
        nearest = std::min(nearest, -tile.scores(0, j));
      }
    });
  }

  ScoreTile score(const std::vector<Index>& rows, Index block, int worker) {
    QueryBlock& queries = blocks_[static_cast<std::size_t>(worker % workers_.threads())];
    queries.load(rows_, rows, 0, static_cast<Index>(rows.size()));
    return queries.score(block);
  }

  const Workers& workers_;
  ConstMatrixView rows_;
  Gallery gallery_;
  Index candidates_;
  Random random_;
  std::vector<float> nearest_;
  BasicMatrix<double> sums_;  // [blocks of rows, candidates]
  std::vector<QueryBlock> blocks_;
};

/// Rows of each cluster, in rising order.
std::vector<std::vector<Index>> members_of(const std::vector<std::int64_t>& assignments,
                                           Index clusters) {
  std::vector<std::vector<Index>> members(static_cast<std::size_t>(clusters));
  for (std::size_t i = 0; i < assignments.size(); ++i) {
    members[static_cast<std::size_t>(assignments[i])].push_back(static_cast<Index>(i));
  }
  return members;
}

/// Gives each empty cluster the row farthest from its center that is not alone in its cluster.
void fill_empty(const Neighbors& nearest, Index clusters, std::vector<std::int64_t>& assignments) {
  std::vector<Index> sizes(static_cast<std::size_t>(clusters));
  for (const std::int64_t cluster : assignments) ++sizes[static_cast<std::size_t>(cluster)];
  if (std::find(sizes.begin(), sizes.end(), Index{0}) == sizes.end()) return;
  std::vector<Index> farthest(assignments.size());
  std::iota(farthest.begin(), farthest.end(), Index{0});
  std::stable_sort(farthest.begin(), farthest.end(),
                   [&](Index a, Index b) { return nearest.score(a, 0) > nearest.score(b, 0); });
  auto next = farthest.begin();
  for (Index cluster = 0; cluster < clusters; ++cluster) {
    if (sizes[static_cast<std::size_t>(cluster)] > 0) continue;
    const auto own = [&](Index row) -> std::int64_t& {
      return assignments[static_cast<std::size_t>(row)];
    };
    while (sizes[static_cast<std::size_t>(own(*next))] == 1) ++next;
    --sizes[static_cast<std::size_t>(own(*next))];
    ++sizes[static_cast<std::size_t>(cluster)];
    own(*next++) = cluster;
  }
}

void move_centers(const Workers& workers, ConstMatrixView rows,
                  const std::vector<std::int64_t>& assignments, MatrixView centers) {
  const auto members = members_of(assignments, centers.rows());
  workers.for_each(centers.rows(), [&](Index c, int) {
    const std::vector<Index>& own = members[static_cast<std::size_t>(c)];
    std::vector<double> sum(static_cast<std::size_t>(rows.cols()));
    for (const Index i : own) {
      for (Index k = 0; k < rows.cols(); ++k) sum[static_cast<std::size_t>(k)] += rows(i, k);
    }
    for (Index k = 0; k < rows.cols(); ++k) {
      centers(c, k) =
          static_cast<float>(sum[static_cast<std::size_t>(k)] / static_cast<double>(own.size()));
    }
  });
}

double inertia(const Workers& workers, ConstMatrixView rows, const KMeansResult& result) {
  std::vector<double> sums(static_cast<std::size_t>(blocks_of(rows.rows(), kKmeansRows)));
  workers.for_blocks(rows.rows(), kKmeansRows, [&](Index begin, Index end, int) {
    double sum = 0;
    for (Index i = begin; i < end; ++i) {
      const float* center =
          result.centers.row(static_cast<Index>(result.assignments[static_cast<std::size_t>(i)]));
      for (Index k = 0; k < rows.cols(); ++k) {
        const double difference = static_cast<double>(rows(i, k)) - center[k];
        sum += difference * difference;
      }
    }
    sums[static_cast<std::size_t>(begin / kKmeansRows)] = sum;
  });
  return std::accumulate(sums.begin(), sums.end(), 0.0);
}

double silhouette(const Workers& workers, ConstMatrixView rows, const KMeansResult& result) {
  const Index clusters = result.centers.rows();
  if (clusters < 2) return 0;
  std::vector<double> sizes(static_cast<std::size_t>(clusters));
  for (const std::int64_t cluster : result.assignments) ++sizes[static_cast<std::size_t>(cluster)];
  const Neighbors nearest = find_neighbors(workers, rows, result.centers, 2, Similarity::euclidean);
  double sum = 0;
  for (Index i = 0; i < rows.rows(); ++i) {
    const std::int64_t own = result.assignments[static_cast<std::size_t>(i)];
    const double size = sizes[static_cast<std::size_t>(own)];
    if (size < 2) continue;
    const int other = nearest.index(i, 0) == own ? 1 : 0;
    const double a = static_cast<double>(nearest.score(i, 1 - other)) * size / (size - 1);
    const double b = nearest.score(i, other);
    if (std::max(a, b) > 0) sum += (b - a) / std::max(a, b);
  }
  return sum / static_cast<double>(rows.rows());
}

void check(const Workers& workers, ConstMatrixView rows, const KMeansOptions& options) {
  if (options.clusters < 1 || options.clusters > rows.rows()) {
    fail(ErrorKind::usage, fmt::format("{} clusters of {} embeddings; there can be 1 to {}",
                                       options.clusters, rows.rows(), rows.rows()));
  }
  if (options.similarity == Similarity::inner_product) {
    fail(ErrorKind::usage, "k-means works with cosine or Euclidean distance, not inner products");
  }
  if (options.iterations < 1) {
    fail(ErrorKind::usage,
         fmt::format("{} iterations of k-means; at least 1 is needed", options.iterations));
  }
  check_rows(workers, rows, "embeddings");
}

}  // namespace

KMeansResult cluster_kmeans(const Workers& workers, ConstMatrixView rows,
                            const KMeansOptions& options) {
  check(workers, rows, options);
  const Matrix prepared = prepare(workers, rows, options.similarity);
  KMeansResult result;
  result.centers = Start(workers, prepared, options).centers(options.clusters);
  result.assignments.assign(static_cast<std::size_t>(rows.rows()), -1);
  std::vector<std::int64_t> next(result.assignments.size());
  while (result.iterations < options.iterations) {
    ++result.iterations;
    const Neighbors nearest =
        find_neighbors(workers, prepared, result.centers, 1, Similarity::euclidean);
    for (Index i = 0; i < rows.rows(); ++i) next[static_cast<std::size_t>(i)] = nearest.index(i, 0);
    fill_empty(nearest, options.clusters, next);
    if (next == result.assignments) break;
    result.assignments.swap(next);
    move_centers(workers, prepared, result.assignments, result.centers);
  }
  result.inertia = inertia(workers, prepared, result);
  result.silhouette = silhouette(workers, prepared, result);
  return result;
}

KMeansResult cluster_by_silhouette(const Workers& workers, ConstMatrixView rows,
                                   const KMeansOptions& options) {
  if (rows.rows() < 4) {
    fail(ErrorKind::data, fmt::format("{} embeddings are too few to choose a number of clusters; "
                                      "at least 4 are needed",
                                      rows.rows()));
  }
  KMeansResult best;
  for (Index power = 2; power <= rows.rows() / 2; power *= 2) {
    for (const Index clusters : {power, power + power / 2}) {
      if (clusters > rows.rows() / 2) continue;
      KMeansOptions asked = options;
      asked.clusters = clusters;
      KMeansResult result = cluster_kmeans(workers, rows, asked);
      if (best.assignments.empty() || result.silhouette > best.silhouette) best = std::move(result);
    }
  }
  return best;
}

}  // namespace kindred
