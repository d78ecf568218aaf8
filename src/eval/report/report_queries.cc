#include "eval/report/report_queries.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "kindred/core/random.h"

namespace kindred {
namespace {

// The column of a metric in RetrievalResult::per_query; -1 where it was not asked for.
Index column_of(const RetrievalResult& result, const std::string& name) {
  for (std::size_t i = 0; i < result.metrics.size(); ++i) {
    if (result.metrics[i].name == name) return static_cast<Index>(i);
  }
  return -1;
}

double value_of(const RetrievalResult& result, Index query, Index column) {
  const auto metrics = static_cast<Index>(result.metrics.size());
  return result.per_query[static_cast<std::size_t>(query * metrics + column)];
}

}  // namespace

std::string query_order_metric(const RetrievalResult& result) {
  for (const char* name : {"map@r", "mrr"}) {
    if (column_of(result, name) >= 0) return name;
  }
  return result.metrics.front().name;
}

std::vector<ChosenQuery> choose_queries(const NearestLists& lists,
                                        std::span<const std::int64_t> labels,
                                        const RetrievalResult& result, Index ranks, Index each) {
  const Index main = column_of(result, query_order_metric(result));
  const Index second = std::max<Index>(0, column_of(result, "mrr"));
  struct Place {
    double value, next;
    std::size_t list;
  };
  std::vector<Place> order;
  for (std::size_t i = 0; i < lists.queries.size(); ++i) {
    order.push_back(
        {value_of(result, lists.queries[i], main), value_of(result, lists.queries[i], second), i});
  }
  const auto count = static_cast<Index>(order.size());
  Random random(1, Purpose::projection, 2);
  shuffle(order.data(), count, random);
  std::stable_sort(order.begin(), order.end(), [](const Place& a, const Place& b) {
    return a.value != b.value ? a.value < b.value : a.next < b.next;
  });

  std::vector<ChosenQuery> chosen;
  std::vector<bool> taken(order.size(), false);
  // Walks from `start`; classes may repeat in the second walk only.
  const auto take = [&](const char* group, Index start, Index step) {
    std::set<std::int64_t> classes;
    Index left = std::min(each, count);
    for (const bool repeat : {false, true}) {
      for (Index i = start; i >= 0 && i < count && left > 0; i += step) {
        const Place& place = order[static_cast<std::size_t>(i)];
        const auto row = static_cast<std::size_t>(lists.queries[place.list]);
        if (taken[static_cast<std::size_t>(i)]) continue;
        if (!repeat && !classes.insert(labels[row]).second) continue;
        taken[static_cast<std::size_t>(i)] = true;
        chosen.push_back({place.list, group, place.value});
        --left;
      }
    }
  };
  // The middle of each of as many equal parts of the order, or the next after it of a new class.
  std::set<std::int64_t> shown;
  std::vector<bool> of_ranks(order.size(), false);
  for (Index part = 0; part < std::min(ranks, count); ++part) {
    const Index begin = part * count / ranks;
    const Index end = std::max(begin + 1, (part + 1) * count / ranks);
    const Index middle = (begin + end) / 2;
    Index place = middle;
    const auto label = [&](Index i) {
      return labels[static_cast<std::size_t>(
          lists.queries[order[static_cast<std::size_t>(i)].list])];
    };
    while (place < end && shown.contains(label(place))) ++place;
    if (place == end) place = middle;
    shown.insert(label(place));
    if (of_ranks[static_cast<std::size_t>(place)]) continue;
    of_ranks[static_cast<std::size_t>(place)] = true;
    chosen.push_back({order[static_cast<std::size_t>(place)].list, "ranks",
                      order[static_cast<std::size_t>(place)].value});
  }
  take("worst", 0, 1);
  take("median", count / 2, 1);
  take("best", count - 1, -1);
  return chosen;
}

void fill_recall_curve(const RetrievalResult& result, ReportRetrieval& retrieval) {
  for (std::size_t i = 0; i < result.recall_curve.size(); ++i) {
    retrieval.recall_at.push_back(result.recall_curve_at[i]);
    retrieval.recall.push_back(result.recall_curve[i]);
    if (result.recall_curve[i] >= 1 - 1e-12) return;
  }
}

}  // namespace kindred
