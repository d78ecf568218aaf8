#pragma once
#include <cstdint>
#include <span>
#include <vector>

#include "kindred/core/export.h"
#include "kindred/core/matrix.h"
#include "kindred/core/parallel.h"
#include "kindred/eval/metric.h"

namespace KINDRED_API kindred {

/// How well clusters agree with classes; none depends on how either is numbered.
///   nmi         mutual information / mean of the two entropies; 1 where both have one part only
///   ami         the same with the information expected by chance taken off (Vinh et al. 2010)
///   purity      share of samples that are of their cluster's commonest class
///   pairwise_f  harmonic mean of precision and recall over pairs of samples: same cluster, same
///               class; 0 where no pair is in one cluster and one class
/// labels, clusters [N]. Fails with data on counts that disagree or no sample.
std::vector<MetricValue> compare_clusters(std::span<const std::int64_t> labels,
                                          std::span<const std::int64_t> clusters);

struct KMeansOptions {
  Index clusters = 0;  ///< 1 to the number of rows
  std::uint64_t seed = 1;
  Index iterations = 100;                      ///< at most
  Similarity similarity = Similarity::cosine;  ///< cosine: rows are made unit first; or euclidean
};

struct KMeansResult {
  std::vector<std::int64_t> assignments;  ///< [N], in [0, clusters)
  Matrix centers;                         ///< [clusters, D]
  double inertia = 0;    ///< sum of squared distances to the own center, of the (unit) rows
  Index iterations = 0;  ///< until nothing changed, or the most
  /// Simplified silhouette (Hruschka et al. 2004), the mean over rows of (b - a) / max(a, b): a the
  /// distance to the mean of the others of its cluster, b to the nearest other center. 0 for a row
  /// alone, and for one cluster.
  double silhouette = 0;
};

/// Lloyd's algorithm from a greedy k-means++ start (Arthur and Vassilvitskii 2007): each new center
/// is the best of 2 + ln k rows drawn by squared distance. A cluster that loses its last row takes
/// the row farthest from its center. Rows count as exact, centers are kept in float64 (and rounded
/// for the result). The same bits for any number of threads.
/// Fails with usage on a number of clusters that cannot be, with data on rows that are not finite.
KMeansResult cluster_kmeans(const Workers& workers, ConstMatrixView rows,
                            const KMeansOptions& options);

/// The result of highest silhouette among 2, 3, 4, 6, 8, 12, ... clusters, up to half the rows; the
/// fewest of equals. `options.clusters` is not looked at. Fails as cluster_kmeans does, and with
/// data on fewer than four rows.
KMeansResult cluster_by_silhouette(const Workers& workers, ConstMatrixView rows,
                                   const KMeansOptions& options);

}  // namespace kindred
