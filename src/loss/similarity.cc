#include "loss/similarity.h"

#include <algorithm>
#include <cmath>

#include "kindred/core/matmul.h"
#include "loss/lanes.h"

namespace kindred {
inline namespace KINDRED_SCALAR {
namespace {

constexpr Index kRows = 16;                        // rows a task owns
constexpr Index kTile = 32;                        // side of a tile of the gradient
constexpr auto kNear = static_cast<Scalar>(1e-3);  // of the two squared lengths

bool euclidean_kind(Measure measure) {
  return measure == Measure::euclidean || measure == Measure::squared_euclidean;
}

Scalar from_squared_distance(Measure measure, double squared) {
  switch (measure) {
    case Measure::similarity: return static_cast<Scalar>(1 - squared / 2);
    case Measure::cosine: return static_cast<Scalar>(squared / 2);
    case Measure::euclidean: return static_cast<Scalar>(std::sqrt(squared));
    case Measure::squared_euclidean: return static_cast<Scalar>(squared);
  }
  return 0;
}

}  // namespace

Measure measure_of(const std::string& distance) {
  if (distance == "euclidean") return Measure::euclidean;
  if (distance == "squared_euclidean") return Measure::squared_euclidean;
  return Measure::cosine;
}

PairMatrix::PairMatrix(const LossContext& context, Measure measure, bool normalize)
    : measure_(measure),
      normalize_(normalize),
      values_(context.batch, context.batch),
      gradient_(context.batch, context.batch),
      squared_lengths_(values_.stride()),
      row_sums_(context.batch),
      row_squares_(context.batch) {}

void PairMatrix::measure(const Workers& workers, const LossInput& input) {
  rows_ = normalize_ ? input.unit : input.embeddings;
  const ScalarView values(values_.data(), batch(), batch(), values_.stride());
  multiply_nt<Scalar>(workers, rows_, rows_, values);
  // The product's own diagonal, so that |a|² + |b|² − 2ab is of one rounding.
  for (Index i = 0; i < batch(); ++i) squared_lengths_[i] = values(i, i);
  workers.for_blocks(batch(), kRows, [&](Index begin, Index end, int) {
    for (Index i = begin; i < end; ++i) measure_row(i);
  });
}

/// Turns row i of the product into the numbers asked for.
void PairMatrix::measure_row(Index i) {
  Scalar* row = values_.row(i);
  const Scalar own = squared_lengths_[i];
  LaneSum sum;
  LaneSum squares;
  for (Index j = 0; j < batch(); j += kLanes) {
    const Lanes product = load(row + j);
    const Lanes lengths = load(&squared_lengths_[j]) + own;
    const Lanes squared = lengths - 2 * product;
    Lanes value = product;
    if (measure_ == Measure::cosine) value = 1 - product;
    if (euclidean_kind(measure_)) value = max(squared, Lanes{});
    if (measure_ == Measure::euclidean) {
      for (Index l = 0; l < kLanes; ++l) value[l] = std::sqrt(value[l]);
    }
    const IntLanes close = squared < lengths * kNear;
    if (any(close)) {
      for (Index l = 0; l < std::min(kLanes, batch() - j); ++l) {
        if (close[l] == 0) continue;
        value[l] = from_squared_distance(
            measure_, squared_difference(rows_.row(i), rows_.row(j + l), rows_.cols()));
      }
    }
    const Index valid = batch() - j;
    if (valid < kLanes) value = select(count_from(0) < static_cast<LaneInt>(valid), value, Lanes{});
    store(row + j, value);
    sum.add(value);
    squares.add_product(value, value);
  }
  const double diagonal = row[i];
  row_sums_[i] = sum.total() - diagonal;
  row_squares_[i] = squares.total() - diagonal * diagonal;
}

PairStatistics PairMatrix::statistics() const {
  const auto pairs = static_cast<double>(batch() * (batch() - 1));
  if (pairs <= 0) return {};
  double sum = 0;
  double squares = 0;
  for (Index i = 0; i < batch(); ++i) {
    sum += row_sums_[i];
    squares += row_squares_[i];
  }
  const double mean = sum / pairs;
  return {mean, std::sqrt(std::max(0.0, squares / pairs - mean * mean))};
}

ScalarView PairMatrix::gradient() {
  return {gradient_.data(), batch(), batch(), gradient_.stride()};
}

void PairMatrix::backward(const Workers& workers, double factor, LossOutput& output) {
  const ScalarView diff = diff_of(output);
  workers.for_each(blocks_of(batch(), kTile), [&](Index tile, int) { fold_tiles(tile); });
  workers.for_blocks(batch(), kRows, [&](Index begin, Index end, int) {
    for (Index i = begin; i < end; ++i) finish_row(i, factor, diff);
  });
  multiply_nn<Scalar>(workers, gradient(), rows_, diff, Accumulate::yes);
}

/// gradient := gradient + its transpose, for the tiles (tile_row, tile_row..) and their mirrors;
/// for euclidean distances d loss / d d becomes d loss / d d² on the way.
void PairMatrix::fold_tiles(Index tile_row) {
  const ScalarView g = gradient();
  const Index i0 = tile_row * kTile;
  const Index i1 = std::min(batch(), i0 + kTile);
  for (Index j0 = i0; j0 < batch(); j0 += kTile) {
    const Index j1 = std::min(batch(), j0 + kTile);
    for (Index i = i0; i < i1; ++i) {
      for (Index j = std::max(i, j0); j < j1; ++j) {
        Scalar both = g(i, j) + g(j, i);
        if (measure_ == Measure::euclidean) {
          const Scalar distance = values_(i, j);
          both = distance > 0 ? both / (2 * distance) : Scalar{0};
        }
        g(i, j) = both;
        g(j, i) = both;
      }
    }
  }
}

bool PairMatrix::near(Index i, Index j) const {
  const Scalar value = values_(i, j);
  const Scalar squared = measure_ == Measure::euclidean ? value * value : value;
  return squared < kNear * (squared_lengths_[i] + squared_lengths_[j]);
}

/// Row i of the folded gradient becomes what its product with the rows adds to diff row i. For
/// euclidean kinds Σ_j 2 t_j (x_i − x_j): near rows at once from their difference, the rest as
/// 2 (Σ_j t_j) x_i − Σ_j 2 t_j x_j.
void PairMatrix::finish_row(Index i, double factor, ScalarView diff) {
  Scalar* row = gradient_.row(i);
  if (!euclidean_kind(measure_)) {
    const auto scale = static_cast<Scalar>(measure_ == Measure::cosine ? -factor : factor);
    for (Index j = 0; j < batch(); ++j) row[j] *= scale;
    return;
  }
  const Scalar* x = rows_.row(i);
  Scalar* to = diff.row(i);
  double sum = 0;
  for (Index j = 0; j < batch(); ++j) {
    if (row[j] == 0) continue;
    const double twice = 2 * factor * static_cast<double>(row[j]);
    if (near(i, j)) {
      const Scalar* other = rows_.row(j);
      const auto pull = static_cast<Scalar>(twice);
      for (Index k = 0; k < rows_.cols(); ++k) to[k] += pull * (x[k] - other[k]);
      row[j] = 0;
    } else {
      sum += twice;
      row[j] = static_cast<Scalar>(-twice);
    }
  }
  const auto own = static_cast<Scalar>(sum);
  for (Index k = 0; k < rows_.cols(); ++k) to[k] += own * x[k];
}

void PairMatrix::add_pair(Index i, Index j, double gradient, LossOutput& output) const {
  const ScalarView diff = diff_of(output);
  const Scalar* a = rows_.row(i);
  const Scalar* b = rows_.row(j);
  Scalar* to_a = diff.row(i);
  Scalar* to_b = diff.row(j);
  if (!euclidean_kind(measure_)) {
    const auto g = static_cast<Scalar>(measure_ == Measure::cosine ? -gradient : gradient);
    for (Index k = 0; k < rows_.cols(); ++k) to_a[k] += g * b[k];
    for (Index k = 0; k < rows_.cols(); ++k) to_b[k] += g * a[k];
    return;
  }
  const double distance = values_(i, j);
  if (distance == 0) return;
  const auto pull =
      static_cast<Scalar>(measure_ == Measure::euclidean ? gradient / distance : 2 * gradient);
  for (Index k = 0; k < rows_.cols(); ++k) {
    const Scalar step = pull * (a[k] - b[k]);
    to_a[k] += step;
    to_b[k] -= step;
  }
}

}  // namespace KINDRED_SCALAR
}  // namespace kindred
