#include "kindred/eval/retrieval.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <memory>

#include "eval/check_rows.h"
#include "eval/class_order.h"
#include "eval/rank_counter.h"
#include "eval/rank_metrics.h"
#include "eval/score_blocks.h"
#include "kindred/core/error.h"

namespace kindred {
namespace {

// The relevant scores of the queries of a task and the gaps between them should stay in cache.
constexpr Index kCountedAtOnce = Index{1} << 17;
constexpr Index kFewestRows = 2 * Tile<float>::kRows;

/// Ranks every query's relevant samples and writes its metrics.
///
/// Both sides are put in the order of their classes. Then a block of queries has its relevant
/// samples in a few short runs of the gallery, which are scored first; after that the gallery
/// passes by once, each block of scores counted while it is in cache.
class Ranking {
 public:
  Ranking(const Workers& workers, ConstMatrixView queries,
          std::span<const std::int64_t> query_labels, ConstMatrixView gallery,
          std::span<const std::int64_t> gallery_labels, const RetrievalOptions& options,
          std::span<const RankMetric> metrics)
      : workers_(workers),
        queries_(queries),
        metrics_(metrics),
        leave_one_out_(options.leave_one_out),
        whole_ranking_(options.map),
        most_asked_(most_asked(metrics)),
        query_order_(query_labels),
        gallery_order_(gallery_labels),
        gallery_(workers, gallery, options.similarity, gallery_order_.rows()),
        values_(queries.rows(), static_cast<Index>(metrics.size())),
        answered_(static_cast<std::size_t>(queries.rows())),
        pool_(static_cast<std::size_t>(workers.threads())) {}

  void run() {
    const Index step = std::min(QueryBlock::rows_per_task(queries_.rows()),
                                std::max(kFewestRows, kCountedAtOnce / largest_class()));
    workers_.for_blocks(queries_.rows(), step, [&](Index begin, Index end, int number) {
      auto& worker = pool_[static_cast<std::size_t>(number % workers_.threads())];
      if (!worker) worker = std::make_unique<Worker>(gallery_);
      rank(*worker, begin, end);
    });
  }

  /// One row of metrics for each query; a query that is not answered has none.
  BasicView<const double> values() const { return values_.view(); }
  bool answered(Index query) const { return answered_[static_cast<std::size_t>(query)] != 0; }

 private:
  static Index most_asked(std::span<const RankMetric> metrics) {
    Index most = 0;
    for (const RankMetric& metric : metrics) most = std::max(most, metric.k);
    return most;
  }

  /// One query of a block: its row and where its class stands in the gallery.
  struct Query {
    Index row = 0;
    ClassOrder::Range relevant;
    RankCounter counter;
  };
  struct Worker {
    explicit Worker(const Gallery& gallery)
        : block(gallery), queries(static_cast<std::size_t>(QueryBlock::kRows)) {}
    QueryBlock block;
    std::vector<Query> queries;
    std::vector<std::uint64_t> scratch;
  };

  void rank(Worker& worker, Index begin, Index end) {
    worker.block.load(queries_, query_order_.rows(), begin, end);
    const std::span<Query> queries(worker.queries.data(), static_cast<std::size_t>(end - begin));
    for (std::size_t i = 0; i < queries.size(); ++i) {
      const Index position = begin + static_cast<Index>(i);
      queries[i].row = query_order_.rows()[static_cast<std::size_t>(position)];
      queries[i].relevant = gallery_order_.range(query_order_.label(position));
      queries[i].counter.start();
    }
    score_relevant(worker.block, queries);
    for (Query& query : queries) query.counter.sort(most_rank(query), worker.scratch);
    for (Index block = 0; block < gallery_.blocks(); ++block) {
      count_others(worker.block.score(block), queries);
    }
    for (Query& query : queries) write(query);
  }

  Index largest_class() const {
    Index largest = 1;
    for (Index p = 0; p < gallery_.size();) {
      const ClassOrder::Range range = gallery_order_.range(gallery_order_.label(p));
      largest = std::max(largest, range.size());
      p = range.last;
    }
    return largest;
  }

  /// The highest rank that a metric of `query` depends on.
  Index most_rank(const Query& query) const {
    return whole_ranking_ ? gallery_.size() : std::max(most_asked_, query.counter.relevant());
  }

  // Queries stand in the order of their classes, so that each class is one run of them.
  void score_relevant(QueryBlock& block, std::span<Query> queries) const {
    for (std::size_t first = 0; first < queries.size();) {
      const ClassOrder::Range relevant = queries[first].relevant;
      std::size_t last = first + 1;
      while (last < queries.size() && queries[last].relevant.first == relevant.first &&
             queries[last].relevant.last == relevant.last) {
        ++last;
      }
      const std::span<Query> run = queries.subspan(first, last - first);
      for (Index p = relevant.first; p < relevant.last;) {
        const Index at = p / Gallery::kBlock;
        const Index offset = at * Gallery::kBlock;
        const Index stop = std::min(relevant.last, offset + Gallery::kBlock);
        const ScoreTile tile = block.score_part(
            at, static_cast<Index>(first), static_cast<Index>(last), p - offset, stop - offset);
        for (std::size_t i = first; i < last; ++i) {
          add_relevant(tile, static_cast<Index>(i), p, stop, queries[i]);
        }
        p = stop;
      }
      first += run.size();
    }
  }

  void add_relevant(const ScoreTile& tile, Index i, Index first, Index last, Query& query) const {
    const float* scores = tile.scores.row(i);
    for (Index p = first; p < last; ++p) {
      const Index row = gallery_order_.rows()[static_cast<std::size_t>(p)];
      if (leave_one_out_ && row == query.row) continue;
      query.counter.add_relevant(scores[p - tile.first], row);
    }
  }

  void count_others(const ScoreTile& tile, std::span<Query> queries) const {
    const Index cols = tile.scores.cols();
    const Index* rows = gallery_order_.rows().data() + tile.first;
    for (std::size_t i = 0; i < queries.size(); ++i) {
      Query& query = queries[i];
      if (query.counter.relevant() == 0) continue;
      float* scores = tile.scores.row(static_cast<Index>(i));
      const Index first = std::clamp<Index>(query.relevant.first - tile.first, 0, cols);
      const Index last = std::clamp<Index>(query.relevant.last - tile.first, 0, cols);
      std::fill(scores + first, scores + last, -std::numeric_limits<float>::infinity());
      query.counter.count(scores, cols, rows);
    }
  }

  void write(Query& query) {
    if (query.counter.relevant() == 0) return;
    const std::span<const Index> ranks = query.counter.ranks();
    answered_[static_cast<std::size_t>(query.row)] = 1;
    double* const out = values_.row(query.row);
    for (std::size_t m = 0; m < metrics_.size(); ++m) {
      out[m] = metrics_[m].value(ranks, metrics_[m].k);
    }
  }

  const Workers& workers_;
  ConstMatrixView queries_;
  std::span<const RankMetric> metrics_;
  bool leave_one_out_;
  bool whole_ranking_;
  Index most_asked_;
  ClassOrder query_order_;
  ClassOrder gallery_order_;
  Gallery gallery_;
  BasicMatrix<double> values_;
  std::vector<std::uint8_t> answered_;
  std::vector<std::unique_ptr<Worker>> pool_;
};

}  // namespace

double RetrievalResult::operator[](const std::string& name) const {
  for (const MetricValue& metric : metrics) {
    if (metric.name == name) return metric.value;
  }
  fail(ErrorKind::usage, fmt::format("there is no metric '{}' in this result", name));
}

RetrievalResult evaluate_retrieval(const Workers& workers, ConstMatrixView queries,
                                   std::span<const std::int64_t> query_labels,
                                   ConstMatrixView gallery,
                                   std::span<const std::int64_t> gallery_labels,
                                   const RetrievalOptions& options) {
  check_sides(queries, gallery);
  check_count(static_cast<Index>(query_labels.size()), "labels", queries.rows(),
              "query embeddings");
  check_count(static_cast<Index>(gallery_labels.size()), "labels", gallery.rows(),
              "gallery embeddings");
  if (options.leave_one_out) {
    check_count(queries.rows(), "queries", gallery.rows(), "gallery embeddings");
  }
  check_rows(workers, queries, "query embeddings");
  if (!options.leave_one_out) check_rows(workers, gallery, "gallery embeddings");

  const std::vector<RankMetric> metrics = rank_metrics(options);
  Ranking ranking(workers, queries, query_labels, gallery, gallery_labels, options, metrics);
  ranking.run();

  RetrievalResult result;
  for (const RankMetric& metric : metrics) result.metrics.push_back({metric.name, 0});
  for (Index i = 0; i < queries.rows(); ++i) {
    if (!ranking.answered(i)) {
      ++result.queries_without_match;
      continue;
    }
    ++result.queries_used;
    for (std::size_t m = 0; m < metrics.size(); ++m) {
      result.metrics[m].value += ranking.values()(i, static_cast<Index>(m));
    }
  }
  if (result.queries_used == 0) {
    fail(ErrorKind::data,
         fmt::format("none of the {} queries has another sample of its class in the gallery; "
                     "retrieval needs classes with at least two samples",
                     queries.rows()));
  }
  for (MetricValue& metric : result.metrics) {
    metric.value /= static_cast<double>(result.queries_used);
  }
  return result;
}

}  // namespace kindred
