#include "eval/projection/affinities.h"

#include <algorithm>
#include <cmath>

#include "kindred/eval/neighbors.h"

namespace kindred {
namespace {

constexpr Index kAffinityRows = 64;
constexpr int kBisections = 60;

// Weights exp(-beta · d²) over the neighbours, beta such that their entropy is log(perplexity).
// `gaps`: squared distances less the least.
void weigh(const std::vector<double>& gaps, double perplexity, double* weights) {
  const auto count = static_cast<Index>(gaps.size());
  const auto gap = [&](Index k) { return gaps[static_cast<std::size_t>(k)]; };
  double low = 0;
  double high = 1e12;
  double beta = 1;
  double sum = 1;
  for (int i = 0; i < kBisections; ++i) {
    sum = 0;
    double moment = 0;
    for (Index k = 0; k < count; ++k) {
      weights[k] = std::exp(-beta * gap(k));
      sum += weights[k];
      moment += weights[k] * gap(k);
    }
    const double entropy = std::log(sum) + beta * moment / sum;
    if (entropy > std::log(perplexity)) {
      low = beta;
      beta = high < 1e12 ? (low + high) / 2 : beta * 2;
    } else {
      high = beta;
      beta = (low + high) / 2;
    }
  }
  for (Index k = 0; k < count; ++k) weights[k] /= sum;
}

}  // namespace

Affinities neighbor_affinities(const Workers& workers, ConstMatrixView rows, Similarity similarity,
                               double perplexity) {
  const Index count = rows.rows();
  const Index k = std::min(count - 1, static_cast<Index>(3 * perplexity));
  const Neighbors found = find_neighbors(workers, rows, rows, k, similarity, true);
  BasicMatrix<double> weights(count, k);
  workers.for_blocks(count, kAffinityRows, [&](Index begin, Index end, int) {
    std::vector<double> gaps(static_cast<std::size_t>(k));
    for (Index i = begin; i < end; ++i) {
      const auto squared = [&](Index n) {
        const double score = found.score(i, n);
        return similarity == Similarity::cosine ? 2 - 2 * score : score * score;
      };
      for (Index n = 0; n < k; ++n) gaps[static_cast<std::size_t>(n)] = squared(n) - squared(0);
      weigh(gaps, perplexity, weights.row(i));
    }
  });

  // Each weight counts at both ends; in a row, columns rise and equal ones are added.
  using Entry = std::pair<std::int32_t, double>;
  std::vector<std::vector<Entry>> entries(static_cast<std::size_t>(count));
  const double share = 0.5 / static_cast<double>(count);
  for (Index i = 0; i < count; ++i) {
    for (Index n = 0; n < k; ++n) {
      const auto j = static_cast<std::int32_t>(found.index(i, n));
      const double weight = share * weights(i, n);
      entries[static_cast<std::size_t>(i)].emplace_back(j, weight);
      entries[static_cast<std::size_t>(j)].emplace_back(static_cast<std::int32_t>(i), weight);
    }
  }
  workers.for_blocks(count, kAffinityRows, [&](Index begin, Index end, int) {
    for (Index i = begin; i < end; ++i) {
      auto& row = entries[static_cast<std::size_t>(i)];
      std::sort(row.begin(), row.end());
      std::size_t kept = 0;
      for (std::size_t n = 1; n < row.size(); ++n) {
        if (row[n].first == row[kept].first) {
          row[kept].second += row[n].second;
        } else {
          row[++kept] = row[n];
        }
      }
      row.resize(kept + 1);
    }
  });
  Affinities result;
  result.first.push_back(0);
  for (const auto& row : entries) {
    for (const auto& [column, value] : row) {
      result.column.push_back(column);
      result.value.push_back(static_cast<float>(value));
    }
    result.first.push_back(static_cast<Index>(result.column.size()));
  }
  return result;
}

}  // namespace kindred
