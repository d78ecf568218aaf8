#pragma once
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <map>
#include <numeric>
#include <span>
#include <string>
#include <vector>

#include "kindred/core/matrix.h"
#include "kindred/core/random.h"
#include "kindred/eval/retrieval.h"

/// The plain version, in float64: every score, a full sort, the definitions word by word.
namespace kindred::naive {

inline double score(const float* a, const float* b, Index size, Similarity similarity) {
  double ab = 0;
  double aa = 0;
  double bb = 0;
  double distance = 0;
  for (Index k = 0; k < size; ++k) {
    const double x = a[k];
    const double y = b[k];
    ab += x * y;
    aa += x * x;
    bb += y * y;
    distance += (x - y) * (x - y);
  }
  switch (similarity) {
    case Similarity::cosine: return aa > 0 && bb > 0 ? ab / (std::sqrt(aa) * std::sqrt(bb)) : 0;
    case Similarity::inner_product: return ab;
    case Similarity::euclidean: return -std::sqrt(distance);
  }
  return 0;
}

/// All gallery rows, nearest first; without `self` where it is not negative.
inline std::vector<Index> ranking(const float* query, ConstMatrixView gallery,
                                  Similarity similarity, Index self) {
  std::vector<double> scores;
  for (Index j = 0; j < gallery.rows(); ++j) {
    scores.push_back(score(query, gallery.row(j), gallery.cols(), similarity));
  }
  std::vector<Index> order(scores.size());
  std::iota(order.begin(), order.end(), Index{0});
  std::stable_sort(order.begin(), order.end(), [&](Index a, Index b) {
    return scores[static_cast<std::size_t>(a)] > scores[static_cast<std::size_t>(b)];
  });
  if (self >= 0) std::erase(order, self);
  return order;
}

/// Metrics by name, and "queries_used", "queries_without_match".
inline std::map<std::string, double> retrieval(ConstMatrixView queries,
                                               std::span<const std::int64_t> query_labels,
                                               ConstMatrixView gallery,
                                               std::span<const std::int64_t> gallery_labels,
                                               const RetrievalOptions& options) {
  std::map<std::string, double> sums;
  double used = 0;
  double without = 0;
  for (Index q = 0; q < queries.rows(); ++q) {
    const std::vector<Index> order =
        ranking(queries.row(q), gallery, options.similarity, options.leave_one_out ? q : -1);
    std::vector<bool> relevant;
    for (const Index j : order) {
      relevant.push_back(gallery_labels[static_cast<std::size_t>(j)] ==
                         query_labels[static_cast<std::size_t>(q)]);
    }
    const auto count = static_cast<std::size_t>(std::count(relevant.begin(), relevant.end(), true));
    if (count == 0) {
      ++without;
      continue;
    }
    ++used;
    double hits = 0;
    double first = 0;
    double all_precision = 0;
    double r_precision_sum = 0;
    for (std::size_t i = 0; i < relevant.size(); ++i) {
      const double rank = static_cast<double>(i) + 1;
      hits += relevant[i] ? 1 : 0;
      if (relevant[i]) {
        if (first == 0) first = rank;
        all_precision += hits / rank;
        if (i < count) r_precision_sum += hits / rank;
      }
      if (i + 1 == count) sums["r_precision"] += hits / rank;
      for (const Index k : options.precision_at) {
        if (k == static_cast<Index>(i) + 1) {
          sums["precision@" + std::to_string(k)] += hits / rank;
        }
      }
    }
    for (const Index k : options.precision_at) {
      if (k > static_cast<Index>(relevant.size())) {
        sums["precision@" + std::to_string(k)] += hits / static_cast<double>(k);
      }
    }
    for (const Index k : options.recall_at) {
      sums["recall@" + std::to_string(k)] += first <= static_cast<double>(k) ? 1 : 0;
    }
    sums["map"] += all_precision / static_cast<double>(count);
    sums["map@r"] += r_precision_sum / static_cast<double>(count);
    sums["mrr"] += 1 / first;
  }
  for (auto& [name, sum] : sums) sum /= used;
  sums["queries_used"] = used;
  sums["queries_without_match"] = without;
  return sums;
}

}  // namespace kindred::naive

namespace kindred::testing_rows {

inline Matrix uniform(Index rows, Index cols, std::uint64_t seed) {
  Matrix m(rows, cols);
  Random random(seed, Purpose::test);
  for (Index i = 0; i < rows; ++i) {
    for (Index j = 0; j < cols; ++j) m(i, j) = random.uniform(-1.0F, 1.0F);
  }
  return m;
}

/// Small whole numbers: inner products and squared distances are exact in float32, and ties many.
inline Matrix whole_numbers(Index rows, Index cols, Index most, std::uint64_t seed) {
  Matrix m(rows, cols);
  Random random(seed, Purpose::test);
  for (Index i = 0; i < rows; ++i) {
    for (Index j = 0; j < cols; ++j)
      m(i, j) = static_cast<float>(random.below(2 * most + 1) - most);
  }
  return m;
}

/// Entries 1 or -1 in 16 columns: unit rows are multiples of 1/4 and cosines exact, ties many.
inline Matrix signs(Index rows, std::uint64_t seed) {
  Matrix m(rows, 16);
  Random random(seed, Purpose::test);
  for (Index i = 0; i < rows; ++i) {
    for (Index j = 0; j < 16; ++j) m(i, j) = random.below(2) == 0 ? 1.0F : -1.0F;
  }
  return m;
}

inline std::vector<std::int64_t> labels(Index rows, Index classes, std::uint64_t seed) {
  Random random(seed, Purpose::test, 1);
  std::vector<std::int64_t> drawn;
  for (Index i = 0; i < rows; ++i) drawn.push_back(random.below(classes) * 7 - 3);
  return drawn;
}

}  // namespace kindred::testing_rows
