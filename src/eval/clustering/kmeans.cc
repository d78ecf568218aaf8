#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "eval/neighbors/nearest_rows.h"
#include "eval/scores/check_rows.h"
#include "eval/scores/rows_view.h"
#include "kindred/core/error.h"
#include "kindred/core/random.h"
#include "kindred/eval/clustering.h"

namespace kindred {
namespace {

constexpr Index kKmeansRows = 512;

using Doubles = BasicMatrix<double>;

/// The rows in float64, unit for the cosine: what is clustered, and its means, count as exact.
Doubles prepare(const Workers& workers, const RowsView& rows, Similarity similarity) {
  Doubles prepared(rows.rows(), rows.cols());
  workers.for_blocks(rows.rows(), kKmeansRows, [&](Index begin, Index end, int) {
    for (Index i = begin; i < end; ++i) {
      double* const row = prepared.row(i);
      rows.widen(i, row);
      if (similarity != Similarity::cosine) continue;
      const double square = rows.dot(row, i);
      const double factor = square > 0 ? 1 / std::sqrt(square) : 0;
      for (Index k = 0; k < rows.cols(); ++k) row[k] *= factor;
    }
  });
  return prepared;
}

/// The greedy k-means++ start. Each row's squared distance to the nearest center so far is kept; a
/// few candidates at a time are scored against all rows.
class Start {
 public:
  Start(const Workers& workers, const Doubles& rows, const KMeansOptions& options)
      : workers_(workers),
        rows_(rows),
        candidates_(2 + static_cast<Index>(std::log(static_cast<double>(options.clusters)))),
        random_(options.seed, Purpose::clustering),
        nearest_(static_cast<std::size_t>(rows.rows()), std::numeric_limits<double>::infinity()),
        sums_(blocks_of(rows.rows(), kKmeansRows), candidates_) {}

  Doubles centers(Index count) {
    Doubles centers(count, rows_.cols());
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
    for (const double distance : nearest_) cumulative.push_back(sum += distance);
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
    const RowsView rows(rows_);
    workers_.for_blocks(rows_.rows(), kKmeansRows, [&](Index begin, Index end, int) {
      for (Index c = 0; c < candidates_; ++c) {
        const double* candidate = rows_.row(candidates[static_cast<std::size_t>(c)]);
        double sum = 0;
        for (Index i = begin; i < end; ++i) {
          sum +=
              std::min(nearest_[static_cast<std::size_t>(i)], rows.squared_distance(candidate, i));
        }
        sums_(begin / kKmeansRows, c) = sum;
      }
    });
    Index best = 0;
    double least = std::numeric_limits<double>::infinity();
    for (Index c = 0; c < candidates_; ++c) {
      double sum = 0;
      for (Index block = 0; block < sums_.rows(); ++block) sum += sums_(block, c);
      if (sum < least) {
        least = sum;
        best = c;
      }
    }
    return candidates[static_cast<std::size_t>(best)];
  }

  void take(Index center) {
    const RowsView rows(rows_);
    workers_.for_blocks(rows_.rows(), kKmeansRows, [&](Index begin, Index end, int) {
      for (Index i = begin; i < end; ++i) {
        double& nearest = nearest_[static_cast<std::size_t>(i)];
        nearest = std::min(nearest, rows.squared_distance(rows_.row(center), i));
      }
    });
  }

  const Workers& workers_;
  const Doubles& rows_;
  Index candidates_;
  Random random_;
  std::vector<double> nearest_;
  Doubles sums_;  // [blocks of rows, candidates]
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

void move_centers(const Workers& workers, const Doubles& rows,
                  const std::vector<std::int64_t>& assignments, Doubles& centers) {
  const auto members = members_of(assignments, centers.rows());
  workers.for_each(centers.rows(), [&](Index c, int) {
    const std::vector<Index>& own = members[static_cast<std::size_t>(c)];
    std::vector<double> sum(static_cast<std::size_t>(rows.cols()));
    for (const Index i : own) {
      for (Index k = 0; k < rows.cols(); ++k) sum[static_cast<std::size_t>(k)] += rows(i, k);
    }
    for (Index k = 0; k < rows.cols(); ++k) {
      centers(c, k) = sum[static_cast<std::size_t>(k)] / static_cast<double>(own.size());
    }
  });
}

double inertia(const Workers& workers, const Doubles& rows, const Doubles& centers,
               const std::vector<std::int64_t>& assignments) {
  std::vector<double> sums(static_cast<std::size_t>(blocks_of(rows.rows(), kKmeansRows)));
  workers.for_blocks(rows.rows(), kKmeansRows, [&](Index begin, Index end, int) {
    double sum = 0;
    for (Index i = begin; i < end; ++i) {
      const double* center =
          centers.row(static_cast<Index>(assignments[static_cast<std::size_t>(i)]));
      for (Index k = 0; k < rows.cols(); ++k) {
        const double difference = rows(i, k) - center[k];
        sum += difference * difference;
      }
    }
    sums[static_cast<std::size_t>(begin / kKmeansRows)] = sum;
  });
  return std::accumulate(sums.begin(), sums.end(), 0.0);
}

double silhouette(const Workers& workers, const Doubles& rows, const Doubles& centers,
                  const std::vector<std::int64_t>& assignments) {
  const Index clusters = centers.rows();
  if (clusters < 2) return 0;
  std::vector<double> sizes(static_cast<std::size_t>(clusters));
  for (const std::int64_t cluster : assignments) ++sizes[static_cast<std::size_t>(cluster)];
  const Neighbors nearest = nearest_rows(workers, rows, centers, 2, Similarity::euclidean);
  double sum = 0;
  for (Index i = 0; i < rows.rows(); ++i) {
    const std::int64_t own = assignments[static_cast<std::size_t>(i)];
    const double size = sizes[static_cast<std::size_t>(own)];
    if (size < 2) continue;
    const int other = nearest.index(i, 0) == own ? 1 : 0;
    const double a = nearest.score(i, 1 - other) * size / (size - 1);
    const double b = nearest.score(i, other);
    if (std::max(a, b) > 0) sum += (b - a) / std::max(a, b);
  }
  return sum / static_cast<double>(rows.rows());
}

void check_kmeans(const Workers& workers, ConstMatrixView rows, const KMeansOptions& options) {
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
  check_kmeans(workers, rows, options);
  const Doubles prepared = prepare(workers, rows, options.similarity);
  KMeansResult result;
  Doubles centers = Start(workers, prepared, options).centers(options.clusters);
  result.assignments.assign(static_cast<std::size_t>(rows.rows()), -1);
  std::vector<std::int64_t> next(result.assignments.size());
  while (result.iterations < options.iterations) {
    ++result.iterations;
    const Neighbors nearest = nearest_rows(workers, prepared, centers, 1, Similarity::euclidean);
    for (Index i = 0; i < rows.rows(); ++i) next[static_cast<std::size_t>(i)] = nearest.index(i, 0);
    fill_empty(nearest, options.clusters, next);
    if (next == result.assignments) break;
    result.assignments.swap(next);
    move_centers(workers, prepared, result.assignments, centers);
  }
  result.inertia = inertia(workers, prepared, centers, result.assignments);
  result.silhouette = silhouette(workers, prepared, centers, result.assignments);
  result.centers = Matrix(centers.rows(), centers.cols());
  for (Index c = 0; c < centers.rows(); ++c) {
    std::copy_n(centers.row(c), centers.cols(), result.centers.row(c));
  }
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
