#include "eval/report/nearest_lists.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "kindred/core/random.h"
#include "kindred/eval/neighbors.h"

namespace kindred {
namespace {

constexpr Index kShown = 10;
constexpr Index kSearchedWithGroups = 64;  // some are passed over

std::vector<Index> chosen_queries(const RetrievalResult& result, Index most) {
  const auto metrics = static_cast<Index>(result.metrics.size());
  const Index count = static_cast<Index>(result.per_query.size()) / metrics;
  std::vector<Index> chosen;
  for (Index q = 0; q < count; ++q) {
    if (!std::isnan(result.per_query[static_cast<std::size_t>(q * metrics)])) chosen.push_back(q);
  }
  if (static_cast<Index>(chosen.size()) <= most) return chosen;
  Random random(1, Purpose::projection, 1);
  shuffle(chosen.data(), static_cast<Index>(chosen.size()), random);
  chosen.resize(static_cast<std::size_t>(most));
  std::sort(chosen.begin(), chosen.end());
  return chosen;
}

}  // namespace

NearestLists nearest_lists(const Workers& workers, const DescribedRows& queries,
                           const DescribedRows& gallery, const RetrievalOptions& options,
                           const RetrievalResult& result, Index most) {
  NearestLists lists;
  lists.queries = chosen_queries(result, most);
  Matrix rows(static_cast<Index>(lists.queries.size()), queries.embeddings.cols());
  for (Index i = 0; i < rows.rows(); ++i) {
    std::copy_n(queries.embeddings.row(lists.queries[static_cast<std::size_t>(i)]), rows.cols(),
                rows.row(i));
  }
  const bool groups = !options.query_groups.empty();
  const Index searched =
      std::min(gallery.embeddings.rows(), groups ? kSearchedWithGroups : kShown + 1);
  const Neighbors found =
      find_neighbors(workers, rows, gallery.embeddings, searched, options.similarity);
  for (Index i = 0; i < rows.rows(); ++i) {
    const Index query = lists.queries[static_cast<std::size_t>(i)];
    const auto own = static_cast<std::size_t>(query);
    auto& list = lists.neighbors.emplace_back();
    for (Index n = 0; n < searched && static_cast<Index>(list.size()) < kShown; ++n) {
      const Index row = found.index(i, n);
      const auto other = static_cast<std::size_t>(row);
      const bool right = queries.labels[own] == gallery.labels[other];
      if (options.leave_one_out && row == query) continue;
      if (groups && right && options.query_groups[own] == options.gallery_groups[other]) continue;
      list.push_back({row, static_cast<double>(found.score(i, n)), right});
    }
  }
  return lists;
}

std::vector<WrongNeighbor> nearest_mistakes(const NearestLists& lists, Similarity similarity,
                                            bool leave_one_out, Index count) {
  const double sign = similarity == Similarity::euclidean ? -1 : 1;
  std::vector<WrongNeighbor> wrong;
  for (std::size_t i = 0; i < lists.queries.size(); ++i) {
    for (const auto& neighbor : lists.neighbors[i]) {
      if (!neighbor.right) wrong.push_back({lists.queries[i], neighbor.row, sign * neighbor.score});
    }
  }
  std::stable_sort(wrong.begin(), wrong.end(), [](const WrongNeighbor& a, const WrongNeighbor& b) {
    return a.score > b.score;
  });
  std::vector<WrongNeighbor> kept;
  std::set<std::pair<Index, Index>> seen;
  for (const WrongNeighbor& pair : wrong) {
    if (static_cast<Index>(kept.size()) == count) break;
    const bool turn = leave_one_out && pair.row < pair.query;
    if (!seen.emplace(turn ? pair.row : pair.query, turn ? pair.query : pair.row).second) continue;
    kept.push_back(pair);
  }
  return kept;
}

}  // namespace kindred
