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

/// One query's neighbours in groups of equal scores, nearest first.
struct Level {
  double relevant = 0;
  double all = 0;
};

/// What a metric expects of a random order within each level, from the chances that places hold a
/// relevant sample, alone and two by two.
class Expectation {
 public:
  explicit Expectation(std::vector<Level> levels) : levels_(std::move(levels)) {
    for (std::size_t l = 0; l < levels_.size(); ++l) {
      for (double x = 0; x < levels_[l].all; ++x) level_of_.push_back(l);
      relevant_ += levels_[l].relevant;
    }
  }
  double relevant() const { return relevant_; }
  std::size_t places() const { return level_of_.size(); }

  double at(std::size_t place) const { return own(place).relevant / own(place).all; }
  double at_both(std::size_t a, std::size_t b) const {
    if (level_of_[a] != level_of_[b]) return at(a) * at(b);
    const Level& level = own(a);
    return at(a) * (level.relevant - 1) / (level.all - 1);
  }
  double hits(std::size_t first) const {
    double sum = 0;
    for (std::size_t i = 0; i < std::min(first, places()); ++i) sum += at(i);
    return sum;
  }
  /// Chance that none of the first places holds a relevant sample.
  double none(std::size_t first) const {
    double chance = 1;
    double before = 0;
    for (const Level& level : levels_) {
      const double taken = std::clamp(static_cast<double>(first) - before, 0.0, level.all);
      for (double x = 0; x < taken; ++x) {
        chance *= std::max(0.0, level.all - level.relevant - x) / (level.all - x);
      }
      before += level.all;
    }
    return chance;
  }
  double precision_sum(std::size_t first) const {
    double sum = 0;
    double before = 0;  // relevant ones expected in the levels before
    std::size_t place = 0;
    for (const Level& level : levels_) {
      for (double x = 0; x < level.all && place < first; ++x, ++place) {
        const double alone = level.relevant / level.all;
        const double with_one_ahead = x == 0 ? 0 : at_both(place, place - 1);
        sum += (alone + alone * before + x * with_one_ahead) / static_cast<double>(place + 1);
      }
      before += level.relevant;
    }
    return sum / relevant_;
  }
  double reciprocal_rank() const {
    double sum = 0;
    double chance = 1;  // that none of the places so far holds one
    double place = 0;
    for (const Level& level : levels_) {
      for (double x = 0; x < level.all && chance > 0; ++x) {
        const double next =
            chance * std::max(0.0, level.all - level.relevant - x) / (level.all - x);
        sum += (chance - next) / ++place;
        chance = next;
      }
    }
    return sum;
  }

 private:
  const Level& own(std::size_t place) const { return levels_[level_of_[place]]; }

  std::vector<Level> levels_;
  std::vector<std::size_t> level_of_;
  double relevant_ = 0;
};

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
    std::vector<Level> levels;
    double last = 0;
    for (const Index j :
         ranking(queries.row(q), gallery, options.similarity, options.leave_one_out ? q : -1)) {
      const double own = score(queries.row(q), gallery.row(j), gallery.cols(), options.similarity);
      if (levels.empty() || own != last) levels.push_back({});
      last = own;
      levels.back().all += 1;
      levels.back().relevant +=
          gallery_labels[static_cast<std::size_t>(j)] == query_labels[static_cast<std::size_t>(q)]
              ? 1
              : 0;
    }
    const Expectation expected(levels);
    if (expected.relevant() == 0) {
      ++without;
      continue;
    }
    ++used;
    const auto count = static_cast<std::size_t>(expected.relevant());
    for (const Index k : options.recall_at) {
      sums["recall@" + std::to_string(k)] += 1 - expected.none(static_cast<std::size_t>(k));
    }
    for (const Index k : options.precision_at) {
      sums["precision@" + std::to_string(k)] +=
          expected.hits(static_cast<std::size_t>(k)) / static_cast<double>(k);
    }
    sums["r_precision"] += expected.hits(count) / expected.relevant();
    sums["map@r"] += expected.precision_sum(count);
    sums["map"] += expected.precision_sum(expected.places());
    sums["mrr"] += expected.reciprocal_rank();
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
