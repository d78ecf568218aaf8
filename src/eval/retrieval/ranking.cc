#include "eval/retrieval/ranking.h"

#include <algorithm>
#include <limits>
#include <memory>
#include <utility>

#include "eval/retrieval/rank_counter.h"
#include "eval/scores/class_order.h"
#include "eval/scores/exact_scores.h"
#include "eval/scores/score_blocks.h"

namespace kindred {
namespace {

// Relevant scores of the queries of a task: what they and the gaps between them take, about 20
// bytes each, should not leave the caches.
constexpr Index kCountedAtOnce = Index{1} << 19;
constexpr Index kSampleStep = 32;
constexpr Index kFewestPanels = 2;

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
        options_(options),
        most_asked_(most_asked(metrics)),
        query_order_(query_labels),
        gallery_order_(gallery_labels),
        exact_(workers, gallery, options.similarity),
        screen_(workers, queries, gallery, options.similarity),
        gallery_(workers, gallery, screen_, gallery_order_.rows()),
        sample_positions_(every_nth(gallery_.size())),
        sample_(workers, gallery, screen_, rows_of(sample_positions_)),
        result_(queries.rows(), static_cast<Index>(metrics.size())),
        pool_(static_cast<std::size_t>(workers.threads())) {}

  QueryMetrics run() {
    const Index panel = kernels<TileKernels<float>>().rows;
    const Index panels = std::max(kFewestPanels, kCountedAtOnce / largest_class() / panel);
    const OwnRun own = own_run(options_, queries_.rows());
    const Index count = own.end - own.begin;
    const Index step =
        std::min(QueryBlock::rows_per_task(std::max<Index>(count, 1)), panels * panel);
    workers_.for_blocks(count, step, [&](Index begin, Index end, int number) {
      auto& worker = pool_[static_cast<std::size_t>(number % workers_.threads())];
      if (!worker) worker = std::make_unique<Worker>(*this);
      rank(*worker, own.begin + begin, own.begin + end);
    });
    if (options_.group != nullptr) result_.gather(*options_.group, query_order_.rows());
    return std::move(result_);
  }

 private:
  static Index most_asked(std::span<const RankMetric> metrics) {
    Index most = 0;
    for (const RankMetric& metric : metrics) most = std::max(most, metric.k);
    return most;
  }

  /// One query of a block: its row and where its class stands in the gallery.
  struct Query {
    explicit Query(const Ranking& ranking) : queries(ranking.queries_), exact(ranking.exact_) {}
    /// The exact tie level of a row of the gallery.
    double operator()(Index gallery_row) {
      if (!loaded) exact.load(queries, row);
      loaded = true;
      return exact.tie_level(gallery_row);
    }
    RowsView queries;
    ExactQuery exact;
    bool loaded = false;
    Index row = 0;
    Index position = 0;  // in the order of classes, which is the gallery's too for leave-one-out
    ClassOrder::Range relevant;
    RankCounter counter;
  };
  struct Worker {
    explicit Worker(const Ranking& ranking)
        : block(ranking.gallery_),
          sample_block(ranking.sample_),
          sampled(QueryBlock::most_rows(), ranking.sample_.size()) {
      queries.reserve(static_cast<std::size_t>(QueryBlock::most_rows()));
      while (queries.size() < queries.capacity()) queries.emplace_back(ranking);
    }
    QueryBlock block;
    QueryBlock sample_block;
    Matrix sampled;  // scores of the sample
    std::vector<Query> queries;
    RankScratch scratch;
  };

  void rank(Worker& worker, Index begin, Index end) {
    worker.block.load(queries_, query_order_.rows(), begin, end);
    const std::span<Query> queries(worker.queries.data(), static_cast<std::size_t>(end - begin));
    for (std::size_t i = 0; i < queries.size(); ++i) {
      const Index position = begin + static_cast<Index>(i);
      queries[i].row = query_order_.rows()[static_cast<std::size_t>(position)];
      queries[i].position = position;
      queries[i].relevant = gallery_order_.range(query_order_.label(position));
      queries[i].loaded = false;
      queries[i].counter.start(gallery_.width(worker.block.error(static_cast<Index>(i))),
                               queries[i]);
    }
    score_relevant(worker.block, queries);
    for (Query& query : queries) query.counter.sort(most_rank(query), worker.scratch);
    guess_thresholds(worker, begin, end, queries);
    count_all(worker, queries);
    if (!std::all_of(queries.begin(), queries.end(),
                     [](Query& q) { return q.counter.guess_holds(); })) {
      for (Query& query : queries) query.counter.recount();
      count_all(worker, queries);
    }
    for (Query& query : queries) write(query);
  }

  void count_all(Worker& worker, std::span<Query> queries) const {
    for (Index block = 0; block < gallery_.blocks(); ++block) {
      if (!holds_relevant_only(block, queries)) count_others(worker.block.score(block), queries);
    }
  }

  /// Queries stand in the order of their classes: where the first and the last are of one, all are.
  bool holds_relevant_only(Index block, std::span<const Query> queries) const {
    const Index first = block * Gallery::kBlock;
    const Index last = std::min(first + Gallery::kBlock, gallery_.size());
    for (const Query* query : {&queries.front(), &queries.back()}) {
      if (query->relevant.first > first || query->relevant.last < last) return false;
    }
    return true;
  }

  /// Scores a small part of the gallery for the queries with many relevant samples.
  void guess_thresholds(Worker& worker, Index begin, Index end, std::span<Query> queries) const {
    const auto wants = [](const Query& query) { return query.counter.wants_guess(); };
    if (std::none_of(queries.begin(), queries.end(), wants)) return;
    worker.sample_block.load(queries_, query_order_.rows(), begin, end);
    for (Index block = 0; block < sample_.blocks(); ++block) {
      const ScoreTile tile = worker.sample_block.score(block);
      for (Index i = 0; i < end - begin; ++i) {
        std::copy_n(tile.scores.row(i), tile.scores.cols(), worker.sampled.row(i) + tile.first);
      }
    }
    for (Index i = 0; i < end - begin; ++i) {
      Query& query = queries[static_cast<std::size_t>(i)];
      if (!wants(query)) continue;
      // The sample stands in the order of positions; the query's class is one run of it.
      float* const scores = worker.sampled.row(i);
      const Index first = blocks_of(query.relevant.first, kSampleStep);
      const Index last = blocks_of(query.relevant.last, kSampleStep);
      std::copy(scores + last, scores + sample_.size(), scores + first);
      const Index others = sample_.size() - (last - first);
      if (others == 0) continue;
      query.counter.guess(scores, others, gallery_.size() - query.relevant.size(), worker.scratch);
    }
  }

  static std::vector<Index> every_nth(Index size) {
    std::vector<Index> positions;
    for (Index p = 0; p < size; p += kSampleStep) positions.push_back(p);
    return positions;
  }
  std::vector<Index> rows_of(const std::vector<Index>& positions) const {
    std::vector<Index> rows;
    for (const Index p : positions) {
      rows.push_back(gallery_order_.rows()[static_cast<std::size_t>(p)]);
    }
    return rows;
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
    return options_.map ? gallery_.size() : std::max(most_asked_, query.counter.relevant());
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

  /// The scores of positions [first, last), all of the query's class.
  void add_relevant(const ScoreTile& tile, Index i, Index first, Index last, Query& query) const {
    const float* const scores = tile.scores.row(i) - tile.first;
    const Index* const rows = gallery_order_.rows().data();
    if (options_.query_groups.empty()) {
      const Index self = options_.leave_one_out ? query.position : last;
      const Index stop = std::clamp(self, first, last);
      query.counter.add_relevant(scores + first, rows + first, stop - first);
      const Index next = std::clamp(self + 1, first, last);
      query.counter.add_relevant(scores + next, rows + next, last - next);
      return;
    }
    for (Index p = first; p < last; ++p) {
      if (!is_passed_over(query.row, rows[p])) query.counter.add_relevant(scores[p], rows[p]);
    }
  }

  /// Whether a gallery row of the query's class is no neighbour of it.
  bool is_passed_over(Index query, Index row) const {
    if (options_.leave_one_out && row == query) return true;
    return options_.query_groups[static_cast<std::size_t>(query)] ==
           options_.gallery_groups[static_cast<std::size_t>(row)];
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
    result_.set(query.row, query.counter.ranked(), metrics_);
  }

  const Workers& workers_;
  ConstMatrixView queries_;
  std::span<const RankMetric> metrics_;
  const RetrievalOptions& options_;
  Index most_asked_;
  ClassOrder query_order_;
  ClassOrder gallery_order_;
  ExactScores exact_;
  Screen screen_;
  Gallery gallery_;
  std::vector<Index> sample_positions_;
  Gallery sample_;  // every kSampleStep-th position
  QueryMetrics result_;
  std::vector<std::unique_ptr<Worker>> pool_;
};

}  // namespace

QueryMetrics::QueryMetrics(Index queries, Index metrics)
    : values(queries, metrics),
      answered(static_cast<std::size_t>(queries)),
      tied(static_cast<std::size_t>(queries)) {}

void QueryMetrics::set(Index query, const RankedQuery& ranked,
                       std::span<const RankMetric> metrics) {
  answered[static_cast<std::size_t>(query)] = 1;
  tied[static_cast<std::size_t>(query)] = ranked.ties.empty() ? 0 : 1;
  double* const out = values.row(query);
  for (std::size_t m = 0; m < metrics.size(); ++m) {
    out[m] = metrics[m].value(ranked, metrics[m].k);
  }
}

void QueryMetrics::keep_first(Index metrics) {
  BasicMatrix<double> kept(values.rows(), metrics);
  for (Index i = 0; i < kept.rows(); ++i) std::copy_n(values.row(i), metrics, kept.row(i));
  values = std::move(kept);
}

void QueryMetrics::gather(ProcessGroup& group, std::span<const Index> order) {
  if (group.size() == 1) return;
  const Index queries = std::ssize(order);
  const Index numbers = values.cols() + 2;
  std::vector<double> all(static_cast<std::size_t>(queries * numbers));
  const auto query_at = [&](Index i) {
    return static_cast<std::size_t>(order[static_cast<std::size_t>(i)]);
  };
  std::vector<Index> begins;
  for (int r = 0; r <= group.size(); ++r) {
    begins.push_back(begin_of_part(queries, r, group.size()) * numbers *
                     static_cast<Index>(sizeof(double)));
  }
  for (Index i = begin_of_part(queries, group.rank(), group.size());
       i < begin_of_part(queries, group.rank() + 1, group.size()); ++i) {
    double* const to = all.data() + i * numbers;
    std::copy_n(values.row(static_cast<Index>(query_at(i))), values.cols(), to);
    to[values.cols()] = answered[query_at(i)];
    to[values.cols() + 1] = tied[query_at(i)];
  }
  group.gather(std::as_writable_bytes(std::span(all)), begins);
  for (Index i = 0; i < queries; ++i) {
    const double* const from = all.data() + i * numbers;
    std::copy_n(from, values.cols(), values.row(static_cast<Index>(query_at(i))));
    answered[query_at(i)] = from[values.cols()] != 0 ? 1 : 0;
    tied[query_at(i)] = from[values.cols() + 1] != 0 ? 1 : 0;
  }
}

OwnRun own_run(const RetrievalOptions& options, Index count) {
  if (options.group == nullptr) return {0, count};
  const int rank = options.group->rank();
  const int ranks = options.group->size();
  return {begin_of_part(count, rank, ranks), begin_of_part(count, rank + 1, ranks)};
}

QueryMetrics rank_queries(const Workers& workers, ConstMatrixView queries,
                          std::span<const std::int64_t> query_labels, ConstMatrixView gallery,
                          std::span<const std::int64_t> gallery_labels,
                          const RetrievalOptions& options, std::span<const RankMetric> metrics) {
  return Ranking(workers, queries, query_labels, gallery, gallery_labels, options, metrics).run();
}

}  // namespace kindred
