#include <algorithm>
#include <cmath>
#include <map>
#include <utility>

#include "eval/scores/check_rows.h"
#include "kindred/core/error.h"
#include "kindred/eval/clustering.h"

namespace kindred {
namespace {

/// How many samples are in both a class and a cluster.
struct Contingency {
  Contingency(std::span<const std::int64_t> labels, std::span<const std::int64_t> clusters)
      : total(static_cast<double>(labels.size())) {
    for (std::size_t i = 0; i < labels.size(); ++i) {
      ++cells[{clusters[i], labels[i]}];
      ++class_sizes[labels[i]];
      ++cluster_sizes[clusters[i]];
    }
  }
  /// Every class is a cluster and the other way round.
  bool equal_partitions() const {
    return cells.size() == class_sizes.size() && cells.size() == cluster_sizes.size();
  }
  double total;
  std::map<std::pair<std::int64_t, std::int64_t>, Index> cells;  // by (cluster, class)
  std::map<std::int64_t, Index> class_sizes;
  std::map<std::int64_t, Index> cluster_sizes;
};

using Sizes = std::map<std::int64_t, Index>;

double entropy(const Sizes& sizes, double total) {
  double sum = 0;
  for (const auto& [name, size] : sizes) {
    const double share = static_cast<double>(size) / total;
    sum -= share * std::log(share);
  }
  return sum;
}

double mutual_information(const Contingency& table) {
  double sum = 0;
  for (const auto& [names, size] : table.cells) {
    const auto own = static_cast<double>(size);
    const auto cluster = static_cast<double>(table.cluster_sizes.at(names.first));
    const auto label = static_cast<double>(table.class_sizes.at(names.second));
    sum += own / table.total * std::log(table.total * own / (cluster * label));
  }
  return std::max(sum, 0.0);
}

/// ln n! for n in [0, total].
std::vector<double> log_factorials(Index total) {
  std::vector<double> values(1, 0.0);
  long double sum = 0;
  for (Index n = 1; n <= total; ++n) {
    sum += std::log(static_cast<long double>(n));
    values.push_back(static_cast<double>(sum));
  }
  return values;
}

std::map<Index, double> count_sizes(const Sizes& sizes) {
  std::map<Index, double> counts;
  for (const auto& [name, size] : sizes) ++counts[size];
  return counts;
}

/// Mutual information expected of two random partitions with these sizes: the sum over pairs of
/// parts a, b of  n/N ln(N n / (a b)) a! b! (N-a)! (N-b)! / (N! n! (a-n)! (b-n)! (N-a-b+n)!).
/// Parts of equal size are taken together. Source: Vinh, Epps and Bailey 2010, eq. (24a).
double expected_information(const Contingency& table) {
  const auto total = static_cast<Index>(table.total);
  const std::vector<double> log_factorial = log_factorials(total);
  const auto ln = [&](Index n) { return log_factorial[static_cast<std::size_t>(n)]; };
  double sum = 0;
  for (const auto& [a, classes] : count_sizes(table.class_sizes)) {
    for (const auto& [b, clusters] : count_sizes(table.cluster_sizes)) {
      const double fixed = ln(a) + ln(b) + ln(total - a) + ln(total - b) - ln(total);
      double pair = 0;
      for (Index n = std::max<Index>(1, a + b - total); n <= std::min(a, b); ++n) {
        const double chance =
            std::exp(fixed - ln(n) - ln(a - n) - ln(b - n) - ln(total - a - b + n));
        const double information = std::log(table.total * static_cast<double>(n) /
                                            (static_cast<double>(a) * static_cast<double>(b)));
        pair += static_cast<double>(n) / table.total * information * chance;
      }
      sum += classes * clusters * pair;
    }
  }
  return sum;
}

double purity(const Contingency& table) {
  std::map<std::int64_t, Index> most;
  for (const auto& [names, size] : table.cells) {
    most[names.first] = std::max(most[names.first], size);
  }
  Index right = 0;
  for (const auto& [cluster, size] : most) right += size;
  return static_cast<double>(right) / table.total;
}

double pairs_in(Index size) {
  return static_cast<double>(size) * static_cast<double>(size - 1) / 2;
}

double pairs_within(const Sizes& sizes) {
  double pairs = 0;
  for (const auto& [name, size] : sizes) pairs += pairs_in(size);
  return pairs;
}

double pairwise_f(const Contingency& table) {
  double both = 0;
  for (const auto& [names, size] : table.cells) both += pairs_in(size);
  if (both == 0) return 0;
  // 2 p r / (p + r) with p = both / pairs in clusters, r = both / pairs in classes.
  return 2 * both / (pairs_within(table.cluster_sizes) + pairs_within(table.class_sizes));
}

}  // namespace

std::vector<MetricValue> compare_clusters(std::span<const std::int64_t> labels,
                                          std::span<const std::int64_t> clusters) {
  check_count(static_cast<Index>(clusters.size()), "cluster numbers",
              static_cast<Index>(labels.size()), "labels");
  if (labels.empty()) fail(ErrorKind::data, "there are no samples to compare clusters on");
  const Contingency table(labels, clusters);
  double nmi = 1;
  double ami = 1;
  if (!table.equal_partitions()) {
    const double information = mutual_information(table);
    const double mean =
        (entropy(table.class_sizes, table.total) + entropy(table.cluster_sizes, table.total)) / 2;
    const double expected = expected_information(table);
    nmi = information / mean;
    // The difference is zero only where chance alone gives everything there is.
    ami = mean - expected > 1e-15 ? (information - expected) / (mean - expected) : 0;
  }
  return {{"nmi", nmi}, {"ami", ami}, {"purity", purity(table)}, {"pairwise_f", pairwise_f(table)}};
}

}  // namespace kindred
