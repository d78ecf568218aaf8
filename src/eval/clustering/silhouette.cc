#include "kindred/eval/silhouette.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <vector>

#include "eval/scores/check_rows.h"
#include "eval/scores/exact_scores.h"
#include "kindred/core/error.h"

namespace kindred {
namespace {

constexpr Index kSilhouetteRows = 16;  // rows a task owns

/// The clusters numbered from 0 on, and how many rows each has.
struct NumberedClusters {
  explicit NumberedClusters(std::span<const std::int64_t> clusters) {
    std::map<std::int64_t, std::size_t> numbers;
    for (const std::int64_t cluster : clusters) numbers.emplace(cluster, 0);
    std::size_t next = 0;
    for (auto& [cluster, number] : numbers) number = next++;
    sizes.resize(next);
    for (const std::int64_t cluster : clusters) {
      of.push_back(numbers[cluster]);
      ++sizes[of.back()];
    }
  }

  std::vector<std::size_t> of;  // of each row
  std::vector<Index> sizes;
};

/// Of the sums of a row's distances to each cluster's rows.
double silhouette_of(std::size_t own, const std::vector<double>& sums,
                     const NumberedClusters& clusters) {
  if (clusters.sizes[own] == 1) return 0;
  const double a = sums[own] / static_cast<double>(clusters.sizes[own] - 1);
  double b = std::numeric_limits<double>::infinity();
  for (std::size_t c = 0; c < sums.size(); ++c) {
    if (c != own) b = std::min(b, sums[c] / static_cast<double>(clusters.sizes[c]));
  }
  const double greatest = std::max(a, b);
  return greatest > 0 ? (b - a) / greatest : 0;
}

}  // namespace

double silhouette_score(const Workers& workers, ConstMatrixView rows,
                        std::span<const std::int64_t> clusters, Similarity similarity) {
  const Index count = rows.rows();
  check_count(static_cast<Index>(clusters.size()), "clusters", count, "embeddings");
  if (similarity == Similarity::inner_product) {
    fail(ErrorKind::usage, "a silhouette is of distances; take the cosine or Euclidean ones");
  }
  const NumberedClusters numbered(clusters);
  const auto found = static_cast<Index>(numbered.sizes.size());
  if (found < 2 || found >= count) {
    fail(ErrorKind::data,
         fmt::format("{} rows in {} clusters; a silhouette needs from 2 clusters to "
                     "one less than rows",
                     count, found));
  }
  check_rows(workers, rows, "embeddings");
  const ComputeScope scope;
  const ExactScores scores(workers, rows, similarity);
  std::vector<double> values(clusters.size());
  workers.for_blocks(count, kSilhouetteRows, [&](Index begin, Index end, int) {
    ExactQuery query(scores);
    std::vector<double> sums(numbered.sizes.size());
    for (Index i = begin; i < end; ++i) {
      query.load(rows, i);
      std::ranges::fill(sums, 0.0);
      for (Index j = 0; j < count; ++j) {
        if (j == i) continue;
        const double score = query.score(j);
        sums[numbered.of[static_cast<std::size_t>(j)]] +=
            similarity == Similarity::cosine ? 1 - score : std::sqrt(-score);
      }
      values[static_cast<std::size_t>(i)] =
          silhouette_of(numbered.of[static_cast<std::size_t>(i)], sums, numbered);
    }
  });
  double sum = 0;
  for (const double value : values) sum += value;
  return sum / static_cast<double>(count);
}

}  // namespace kindred
