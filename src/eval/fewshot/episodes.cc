#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "eval/fewshot/episode_errors.h"
#include "eval/scores/check_rows.h"
#include "eval/scores/class_order.h"
#include "eval/scores/rows_view.h"
#include "kindred/core/error.h"
#include "kindred/core/random.h"
#include "kindred/eval/oneshot.h"

namespace kindred {
namespace {

constexpr Index kEpisodeRows = 256;

using Rows = std::vector<Index>;

void check_episodes(const EpisodeOptions& options) {
  const auto at_least = [](Index value, Index least, const char* name) {
    if (value < least) {
      fail(ErrorKind::usage, fmt::format("{} = {}; at least {} is needed", name, value, least));
    }
  };
  at_least(options.ways, 2, "ways");
  at_least(options.shots, 1, "shots");
  at_least(options.queries, 1, "queries");
  at_least(options.episodes, 1, "episodes");
}

/// The rows of each class that has enough of them.
std::vector<Rows> large_classes(std::span<const std::int64_t> labels,
                                const EpisodeOptions& options) {
  const ClassOrder order(labels);
  std::vector<Rows> classes;
  for (Index p = 0; p < static_cast<Index>(labels.size());) {
    const ClassOrder::Range range = order.range(order.label(p));
    if (range.size() >= options.shots + options.queries) {
      classes.emplace_back(order.rows().begin() + range.first, order.rows().begin() + range.last);
    }
    p = range.last;
  }
  if (static_cast<Index>(classes.size()) < options.ways) {
    fail(ErrorKind::data,
         fmt::format("{} classes have the {} images that an episode takes of each, but it needs {} "
                     "such classes",
                     classes.size(), options.shots + options.queries, options.ways));
  }
  return classes;
}

/// Puts `count` random items to the front, in the order drawn.
void draw(std::vector<Index>& items, Index count, Random& random) {
  const auto size = static_cast<Index>(items.size());
  for (Index i = 0; i < count; ++i) {
    std::swap(items[static_cast<std::size_t>(i)],
              items[static_cast<std::size_t>(i + random.below(size - i))]);
  }
}

class Episodes {
 public:
  Episodes(const Workers& workers, ConstMatrixView embeddings, std::span<const std::int64_t> labels,
           const EpisodeOptions& options)
      : options_(options),
        classes_(large_classes(labels, options)),
        unit_(embeddings.rows(), embeddings.cols()) {
    workers.for_blocks(embeddings.rows(), kEpisodeRows, [&](Index begin, Index end, int) {
      for (Index i = begin; i < end; ++i) {
        RowsView(embeddings).widen(i, unit_.row(i));
        make_unit(unit_.row(i));
      }
    });
  }

  Index count_wrong(Index episode) const {
    Random random(options_.seed, Purpose::episodes, static_cast<std::uint64_t>(episode));
    std::vector<Index> ways(classes_.size());
    std::iota(ways.begin(), ways.end(), Index{0});
    draw(ways, options_.ways, random);
    BasicMatrix<double> prototypes(options_.ways, unit_.cols());
    std::vector<Rows> queries;
    for (Index way = 0; way < options_.ways; ++way) {
      Rows rows = classes_[static_cast<std::size_t>(ways[static_cast<std::size_t>(way)])];
      draw(rows, options_.shots + options_.queries, random);
      make_prototype(rows, prototypes.row(way));
      queries.emplace_back(rows.begin() + options_.shots,
                           rows.begin() + options_.shots + options_.queries);
    }
    Index wrong = 0;
    for (Index way = 0; way < options_.ways; ++way) {
      for (const Index query : queries[static_cast<std::size_t>(way)]) {
        wrong += nearest(prototypes, query) == way ? 0 : 1;
      }
    }
    return wrong;
  }

 private:
  void make_unit(double* row) const {
    double square = 0;
    for (Index k = 0; k < unit_.cols(); ++k) square += row[k] * row[k];
    const double factor = square > 0 ? 1 / std::sqrt(square) : 0;
    for (Index k = 0; k < unit_.cols(); ++k) row[k] *= factor;
  }

  void make_prototype(const Rows& rows, double* prototype) const {
    for (Index shot = 0; shot < options_.shots; ++shot) {
      const double* row = unit_.row(rows[static_cast<std::size_t>(shot)]);
      for (Index k = 0; k < unit_.cols(); ++k) prototype[k] += row[k];
    }
    make_unit(prototype);
  }

  Index nearest(const BasicMatrix<double>& prototypes, Index query) const {
    const RowsView ways(prototypes);
    Index best = 0;
    double highest = -2;
    for (Index way = 0; way < ways.rows(); ++way) {
      const double cosine = ways.dot(unit_.row(query), way);
      if (cosine > highest) {
        highest = cosine;
        best = way;
      }
    }
    return best;
  }

  const EpisodeOptions& options_;
  std::vector<Rows> classes_;
  BasicMatrix<double> unit_;
};

}  // namespace

void summarise(const std::vector<double>& errors, OneShotResult& result) {
  const auto count = static_cast<double>(errors.size());
  result.episodes = static_cast<Index>(errors.size());
  result.error = static_cast<double>(result.wrong) / static_cast<double>(result.test_images);
  double mean = 0;
  for (const double error : errors) mean += error / count;
  double squares = 0;
  for (const double error : errors) squares += (error - mean) * (error - mean);
  result.error_std = std::sqrt(squares / count);
  const double half = errors.size() > 1 ? 1.96 * std::sqrt(squares / (count - 1) / count) : 1;
  result.error_low = std::max(0.0, mean - half);
  result.error_high = std::min(1.0, mean + half);
}

OneShotResult evaluate_episodes(const Workers& workers, ConstMatrixView embeddings,
                                std::span<const std::int64_t> labels,
                                const EpisodeOptions& options) {
  check_episodes(options);
  check_count(static_cast<Index>(labels.size()), "labels", embeddings.rows(), "embeddings");
  check_rows(workers, embeddings, "embeddings");
  const Episodes episodes(workers, embeddings, labels, options);
  std::vector<Index> wrong(static_cast<std::size_t>(options.episodes));
  workers.for_each(options.episodes, [&](Index episode, int) {
    wrong[static_cast<std::size_t>(episode)] = episodes.count_wrong(episode);
  });
  OneShotResult result;
  const Index tested = options.ways * options.queries;
  std::vector<double> errors;
  for (const Index own : wrong) {
    result.wrong += own;
    result.test_images += tested;
    errors.push_back(static_cast<double>(own) / static_cast<double>(tested));
  }
  summarise(errors, result);
  return result;
}

}  // namespace kindred
