#include "eval/retrieval/rank_metrics.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "kindred/core/error.h"

namespace kindred {
namespace {

Index relevant(const RankedQuery& query) { return static_cast<Index>(query.ranks.size()); }

/// Places that stand before a group's.
Index before(const RankedQuery& query, const TieGroup& group) {
  return query.ranks[static_cast<std::size_t>(group.first)] - 1;
}

/// Number of relevant samples among the first k. Of a group's t relevant samples and n others, x
/// places hold t x / (t + n) on average.
double hits(const RankedQuery& query, Index k) {
  const auto& ranks = query.ranks;
  auto sum = static_cast<double>(std::upper_bound(ranks.begin(), ranks.end(), k) - ranks.begin());
  for (const TieGroup& group : query.ties) {
    const Index places = k - before(query, group);
    if (places <= 0) break;
    const Index all = group.relevant + group.others;
    sum -= static_cast<double>(std::min(places, group.relevant));
    sum += static_cast<double>(group.relevant) * static_cast<double>(std::min(places, all)) /
           static_cast<double>(all);
  }
  return sum;
}

/// 1/R · sum over places up to `most` of the precision there, where a relevant sample stands. Place
/// x of a group holds one with chance t / m, m = t + n; then (x - 1)(t - 1) / (m - 1) of the group
/// stand before it on average.
double precision_sum(const RankedQuery& query, Index most) {
  double sum = 0;
  auto group = query.ties.begin();
  for (Index j = 0; j < relevant(query);) {
    const Index rank = query.ranks[static_cast<std::size_t>(j)];
    if (rank > most) break;
    if (group == query.ties.end() || group->first != j) {
      sum += static_cast<double>(j + 1) / static_cast<double>(rank);
      ++j;
      continue;
    }
    const auto own = static_cast<double>(group->relevant);
    const auto all = static_cast<double>(group->relevant + group->others);
    const Index last = std::min(most, rank - 1 + group->relevant + group->others);
    for (Index place = rank; place <= last; ++place) {
      const double ahead = static_cast<double>(place - rank) * (own - 1) / (all - 1);
      sum += own / all * (static_cast<double>(j + 1) + ahead) / static_cast<double>(place);
    }
    j += group->relevant;
    ++group;
  }
  return sum / static_cast<double>(relevant(query));
}

bool first_is_tied(const RankedQuery& query) {
  return !query.ties.empty() && query.ties.front().first == 0;
}

/// Calls use(place, chance) for each place that the first relevant sample, which is tied, may have,
/// until `most`; returns the chance that it stands behind.
template <typename Use>
double for_each_first_place(const RankedQuery& query, Index most, Use use) {
  constexpr double kNone = 1e-18;  // changes no sum
  const TieGroup& group = query.ties.front();
  const Index all = group.relevant + group.others;
  double none = 1;  // of the places so far
  for (Index x = 0; x <= group.others && none > kNone; ++x) {
    const Index place = before(query, group) + x + 1;
    if (place > most) return none;
    const double own = static_cast<double>(group.relevant) / static_cast<double>(all - x);
    use(place, none * own);
    none *= static_cast<double>(group.others - x) / static_cast<double>(all - x);
  }
  return 0;
}

double recall(const RankedQuery& query, Index k) {
  if (!first_is_tied(query)) return query.ranks.front() <= k ? 1.0 : 0.0;
  return 1 - for_each_first_place(query, k, [](Index, double) {});
}

double precision(const RankedQuery& query, Index k) {
  return hits(query, k) / static_cast<double>(k);
}

double r_precision(const RankedQuery& query, Index) { return precision(query, relevant(query)); }

// Musgrave et al. 2020, "A metric learning reality check", eq. (3).
double map_at_r(const RankedQuery& query, Index) { return precision_sum(query, relevant(query)); }

double mean_average_precision(const RankedQuery& query, Index) {
  return precision_sum(query, std::numeric_limits<Index>::max());
}

double reciprocal_rank(const RankedQuery& query, Index k) {
  const Index most = k > 0 ? k : std::numeric_limits<Index>::max();
  if (!first_is_tied(query)) {
    const Index first = query.ranks.front();
    return first <= most ? 1.0 / static_cast<double>(first) : 0;
  }
  double sum = 0;
  for_each_first_place(
      query, most, [&](Index place, double chance) { sum += chance / static_cast<double>(place); });
  return sum;
}

void add_at(std::vector<RankMetric>& metrics, const char* name, const std::vector<Index>& at,
            double (*value)(const RankedQuery&, Index)) {
  for (const Index k : at) {
    if (k < 1) {
      fail(ErrorKind::usage,
           fmt::format("{}@{}: the number of neighbours must be at least 1", name, k));
    }
    metrics.push_back({fmt::format("{}@{}", name, k), k, value});
  }
}

}  // namespace

void add_recall(std::vector<RankMetric>& metrics, const std::vector<Index>& at) {
  add_at(metrics, "recall", at, &recall);
}

std::vector<RankMetric> rank_metrics(const RetrievalOptions& options) {
  std::vector<RankMetric> metrics;
  add_recall(metrics, options.recall_at);
  add_at(metrics, "precision", options.precision_at, &precision);
  metrics.push_back({"r_precision", 0, &r_precision});
  metrics.push_back({"map@r", 0, &map_at_r});
  if (options.map) metrics.push_back({"map", 0, &mean_average_precision});
  if (options.mrr_at < 0) {
    fail(ErrorKind::usage, fmt::format("mrr at {}: the number of neighbours must be at least 1, or "
                                       "0 for all of them",
                                       options.mrr_at));
  }
  metrics.push_back({"mrr", options.mrr_at, &reciprocal_rank});
  return metrics;
}

}  // namespace kindred
