#include <algorithm>
#include <limits>
#include <numeric>

#include "eval/retrieval/rank_counter.h"
#include "eval/retrieval/ranking.h"
#include "eval/retrieval/rerank.h"

namespace kindred {
namespace {

constexpr Index kQueriesAtOnce = 16;

/// The gallery's rows and, where they are others, the queries' rows behind them.
Matrix joined(ConstMatrixView gallery, ConstMatrixView queries) {
  Matrix rows(gallery.rows() + queries.rows(), gallery.cols());
  for (Index i = 0; i < rows.rows(); ++i) {
    const float* row = i < gallery.rows() ? gallery.row(i) : queries.row(i - gallery.rows());
    std::copy_n(row, gallery.cols(), rows.row(i));
  }
  return rows;
}

}  // namespace

QueryMetrics rank_reranked(const Workers& workers, ConstMatrixView queries,
                           std::span<const std::int64_t> query_labels, ConstMatrixView gallery,
                           std::span<const std::int64_t> gallery_labels,
                           const RetrievalOptions& options, std::span<const RankMetric> metrics) {
  constexpr float kLowest = -std::numeric_limits<float>::infinity();
  const Index size = gallery.rows();
  const Matrix rows = joined(gallery, options.leave_one_out ? ConstMatrixView() : queries);
  const Reranker reranker(workers, rows, size, options.leave_one_out ? 0 : size, *options.rerank);
  QueryMetrics result(queries.rows(), static_cast<Index>(metrics.size()));
  std::vector<Index> names(static_cast<std::size_t>(size));
  std::iota(names.begin(), names.end(), Index{0});

  std::vector<Index> all_queries(static_cast<std::size_t>(queries.rows()));
  std::iota(all_queries.begin(), all_queries.end(), Index{0});
  const OwnRun own = own_run(options, queries.rows());
  workers.for_blocks(own.end - own.begin, kQueriesAtOnce, [&](Index first, Index last, int) {
    const Index begin = own.begin + first;
    const Index end = own.begin + last;
    Matrix scores(end - begin, round_up(size, 64));  // room that RankCounter::count may read
    scores.fill(kLowest);
    reranker.score(begin, {scores.data(), end - begin, size, scores.stride()});
    RankCounter counter;
    RankScratch scratch;
    std::vector<float> all(static_cast<std::size_t>(size));  // scores are their own exact ones
    const auto exact = [&](Index j) {
      return static_cast<double>(all[static_cast<std::size_t>(j)]);
    };
    for (Index query = begin; query < end; ++query) {
      float* const row = scores.row(query - begin);
      const auto group = [&](std::span<const std::int64_t> groups, Index i) {
        return groups.empty() ? 0 : groups[static_cast<std::size_t>(i)];
      };
      std::copy_n(row, size, all.begin());
      counter.start(0, exact);
      for (Index j = 0; j < size; ++j) {
        if (gallery_labels[static_cast<std::size_t>(j)] !=
            query_labels[static_cast<std::size_t>(query)]) {
          continue;
        }
        const bool self = options.leave_one_out && j == query;
        const bool same_group =
            !options.query_groups.empty() &&
            group(options.query_groups, query) == group(options.gallery_groups, j);
        if (!self && !same_group) counter.add_relevant(row[j], j);
        row[j] = kLowest;
      }
      if (counter.relevant() == 0) continue;
      counter.sort(size, scratch);
      counter.count(row, size, names.data());
      result.set(query, counter.ranked(), metrics);
    }
  });
  if (options.group != nullptr) result.gather(*options.group, all_queries);
  return result;
}

}  // namespace kindred
