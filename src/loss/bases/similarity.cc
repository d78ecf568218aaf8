#include "loss/bases/similarity.h"

#include <algorithm>
#include <cmath>

#include "core/lanes.h"
#include "kindred/core/matmul.h"

namespace kindred {
inline namespace KINDRED_SCALAR {
namespace {

constexpr Index kSimilarityRows = 16;  // rows a task owns
constexpr Index kTile = 32;            // side of a tile of the gradient
constexpr Index kStatisticsRows = 64;
constexpr Index kDiagonalRows = 64;  // rows whose products with themselves are taken together
constexpr Index kMostFew = 32;       // a pair by itself costs as much as 32 or more in a product
constexpr Index kFewShare = 64;
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

PairMatrix::PairMatrix(const LossContext& context, Measure measure, bool normalize,
                       Index references)
    : measure_(measure),
      normalize_(normalize || !euclidean_kind(measure)),
      values_(context.batch, std::max(references, context.batch)),
      gradient_(context.batch, std::max(references, context.batch)),
      most_few_(std::min(kMostFew, values_.cols() / kFewShare)),
      few_(context.batch * most_few_),
      few_count_(context.batch),
      row_lengths_(context.batch),
      reference_lengths_(values_.stride()) {}

void PairMatrix::measure(const Workers& workers, const LossInput& input,
                         FunctionRef<void(Index row, int worker)> then) {
  rows_ = normalize_ ? input.unit : input.embeddings;
  references_ = rows_;
  const ScalarView values(values_.data(), batch(), batch(), values_.stride());
  if (share_.is_on(batch(), batch())) {
    const RowRun own = share_.own(batch());
    multiply_rows(workers, own);
    measure_lengths(workers);
    measure_rows(workers, own, then);
    return;
  }
  multiply_with_itself<Scalar>(workers, rows_, values);
  // The product's own diagonal, so that |a|² + |b|² − 2ab is of one rounding.
  for (Index i = 0; i < batch(); ++i) {
    row_lengths_[i] = values(i, i);
    reference_lengths_[i] = values(i, i);
  }
  measure_rows(workers, {0, batch()}, then);
}

void PairMatrix::measure(const Workers& workers, const LossInput& input, ConstScalarView references,
                         FunctionRef<void(Index row, int worker)> then) {
  rows_ = normalize_ ? input.unit : input.embeddings;
  references_ = references;
  const bool shared = share_.is_on(batch(), this->references());
  const RowRun own = shared ? share_.own(batch()) : RowRun{0, batch()};
  multiply_rows(workers, own);
  const auto squared_length = [](const ConstScalarView& rows, Index i) {
    return static_cast<Scalar>(dot(rows.row(i), rows.row(i), rows.cols()));
  };
  for (Index i = 0; i < batch(); ++i) row_lengths_[i] = squared_length(rows_, i);
  workers.for_blocks(this->references(), kSimilarityRows, [&](Index begin, Index end, int) {
    for (Index j = begin; j < end; ++j) reference_lengths_[j] = squared_length(references_, j);
  });
  measure_rows(workers, own, then);
}

/// values() of these rows become their products with the references.
void PairMatrix::multiply_rows(const Workers& workers, RowRun rows) {
  if (rows.begin == rows.end) return;
  multiply_nt<Scalar>(
      workers, rows_.rows_from(rows.begin, rows.end - rows.begin), references_,
      {values_.row(rows.begin), rows.end - rows.begin, references(), values_.stride()});
}

/// The diagonal of the product of a batch with itself, of which some rows are here alone. Its
/// gradient is not needed yet, and lends the room.
void PairMatrix::measure_lengths(const Workers& workers) {
  for (Index begin = 0; begin < batch(); begin += kDiagonalRows) {
    const Index count = std::min(kDiagonalRows, batch() - begin);
    const ConstScalarView rows = rows_.rows_from(begin, count);
    const ScalarView products(gradient_.row(begin), count, count, gradient_.stride());
    multiply_nt<Scalar>(workers, rows, rows, products);
    for (Index i = 0; i < count; ++i) {
      row_lengths_[begin + i] = products(i, i);
      reference_lengths_[begin + i] = products(i, i);
    }
  }
}

void PairMatrix::measure_rows(const Workers& workers, RowRun rows,
                              FunctionRef<void(Index row, int worker)> then) {
  workers.for_blocks(rows.end - rows.begin, kSimilarityRows,
                     [&](Index begin, Index end, int worker) {
                       for (Index i = rows.begin + begin; i < rows.begin + end; ++i) {
                         measure_row(i);
                         then(i, worker);
                       }
                     });
}

void PairMatrix::measure_row(Index i) {
  few_count_[i] = -1;
  switch (measure_) {
    case Measure::similarity: return measure_row_by<Measure::similarity>(i);
    case Measure::cosine: return measure_row_by<Measure::cosine>(i);
    case Measure::euclidean: return measure_row_by<Measure::euclidean>(i);
    case Measure::squared_euclidean: return measure_row_by<Measure::squared_euclidean>(i);
  }
}

void PairMatrix::meet_bytes(const Workers& workers, std::span<std::byte> of_rows,
                            FunctionRef<void(Index, int)> then, bool of_roots) {
  const RowRun own = share_.own(batch());
  const std::span<AnchorShare::Head> heads = share_.heads(batch());
  for (Index i = own.begin; i < own.end; ++i) {
    heads[static_cast<std::size_t>(i)] = {few_count_[i],
                                          is_sampled(i) ? sums_of_row(i, of_roots) : RowSums{}};
  }
  if (!share_.gather_heads(batch(), of_rows)) {
    share_.give_up();
    for (const RowRun others : {RowRun{0, own.begin}, RowRun{own.end, batch()}}) {
      multiply_rows(workers, others);
      measure_rows(workers, others, then);
    }
    return;
  }
  for (Index i = own.begin; i < own.end; ++i) {
    const LaneInt* at = few_.data() + i * most_few_;
    for (AnchorShare::Pair& pair : share_.pairs_of(i)) {
      const auto j = static_cast<Index>(*at);
      pair = {static_cast<std::int32_t>(*at++), values_(i, j), gradient_(i, j)};
    }
  }
  share_.gather_pairs(batch());
  for (Index i = 0; i < batch(); ++i) {
    if (i == own.begin) i = own.end;
    if (i == batch()) break;
    LaneInt* at = few_.data() + i * most_few_;
    few_count_[i] = heads[static_cast<std::size_t>(i)].count;
    for (const AnchorShare::Pair& pair : share_.pairs_of(i)) {
      const auto j = static_cast<Index>(pair.reference);
      *at++ = static_cast<LaneInt>(pair.reference);
      values_(i, j) = pair.value;
      gradient_(i, j) = pair.gradient;
    }
  }
}

/// Turns row i of the product into the numbers asked for.
template <Measure kind>
void PairMatrix::measure_row_by(Index i) {
  Scalar* row = values_.row(i);
  const Scalar own = row_lengths_[i];
  for (Index j = 0; j < references(); j += kLanes) {
    const Lanes product = load(row + j);
    const Lanes lengths = load(&reference_lengths_[j]) + own;
    const Lanes squared = lengths - 2 * product;
    Lanes value = product;
    if constexpr (kind == Measure::cosine) value = 1 - product;
    if constexpr (kind == Measure::squared_euclidean) value = max(squared, Lanes{});
    if constexpr (kind == Measure::euclidean) value = sqrt(max(squared, Lanes{}));
    store(row + j, references() - j < kLanes ? first_lanes(value, references() - j) : value);
    const IntLanes close = squared < lengths * kNear;
    if (any(close)) {
      for (Index l = 0; l < std::min(kLanes, references() - j); ++l) {
        if (close[l] == 0) continue;
        row[j + l] = from_squared_distance(
            kind, squared_difference(rows_.row(i), references_.row(j + l), rows_.cols()));
      }
    }
  }
}

bool PairMatrix::is_sampled(Index i) const {
  return i % std::max<Index>(1, batch() / kStatisticsRows) == 0;
}

RowSums PairMatrix::sums_of_row(Index i, bool of_roots) const {
  LaneSum sum;
  LaneSum squares;
  const auto own = static_cast<LaneInt>(with_itself() ? i : -1);
  for (Index j = 0; j < references(); j += kLanes) {
    const Lanes number = load(values_.row(i) + j);  // zeros behind the last
    const Lanes value = select(count_from(j) == own, Lanes{}, of_roots ? sqrt(number) : number);
    sum.add(value);
    squares.add_product(value, value);
  }
  return {sum.total(), squares.total()};
}

PairStatistics PairMatrix::statistics(bool of_roots) const {
  RowSums all;
  double pairs = 0;
  const bool shared = share_.is_on(batch(), references());
  const std::span<const AnchorShare::Head> heads = share_.gathered_heads();
  for (Index i = 0; i < batch(); ++i) {
    if (!is_sampled(i)) continue;
    const RowSums sums =
        shared ? heads[static_cast<std::size_t>(i)].sums : sums_of_row(i, of_roots);
    all.sum += sums.sum;
    all.squares += sums.squares;
    pairs += static_cast<double>(references() - (with_itself() ? 1 : 0));
  }
  if (pairs == 0) return {};
  const double mean = all.sum / pairs;
  return {mean, std::sqrt(std::max(0.0, all.squares / pairs - mean * mean))};
}

ScalarView PairMatrix::gradient() {
  return {gradient_.data(), batch(), references(), gradient_.stride()};
}

void PairMatrix::row_stands(Index i) {
  const Scalar* row = gradient_.row(i);
  LaneInt* few = few_.data() + i * most_few_;
  Index count = 0;
  for (Index j = 0; j < references(); j += kLanes) {
    if (!any(load(row + j) != Lanes{})) continue;
    for (Index at = j; at < std::min(j + kLanes, references()); ++at) {
      if (row[at] == 0) continue;
      if (count == most_few_) return;
      few[count++] = static_cast<LaneInt>(at);
    }
  }
  few_count_[i] = count;
}

void PairMatrix::choose(Index i, std::initializer_list<Index> chosen) {
  if (!share_.is_on(batch(), references())) return;
  few_count_[i] = 0;
  for (const Index j : chosen) {
    if (j < 0) continue;
    gradient_(i, j) = 0;
    few_[i * most_few_ + few_count_[i]++] = static_cast<LaneInt>(j);
  }
}

std::optional<std::span<const LaneInt>> PairMatrix::few_of(Index i) const {
  if (few_count_[i] < 0) return std::nullopt;
  return std::span(few_.data() + i * most_few_, static_cast<std::size_t>(few_count_[i]));
}

void PairMatrix::backward(const Workers& workers, double factor, LossOutput& output) {
  const std::span<const Index> counts(few_count_.data(), static_cast<std::size_t>(batch()));
  if (std::find(counts.begin(), counts.end(), Index{-1}) == counts.end()) {
    for (Index i = 0; i < batch(); ++i) {
      for (Index n = 0; n < few_count_[i]; ++n) {
        const auto j = static_cast<Index>(few_[i * most_few_ + n]);
        add_pair(i, j, factor * static_cast<double>(gradient_(i, j)), output);
      }
    }
    return;
  }
  const ScalarView diff = diff_of(output);
  const bool euclidean = euclidean_kind(measure_);
  if (with_itself()) {
    const double scale = euclidean ? 1 : (measure_ == Measure::cosine ? -factor : factor);
    workers.for_each(blocks_of(batch(), kTile),
                     [&](Index tile, int) { fold_tiles(tile, static_cast<Scalar>(scale)); });
  }
  if (euclidean || !with_itself()) {
    workers.for_blocks(batch(), kSimilarityRows, [&](Index begin, Index end, int) {
      for (Index i = begin; i < end; ++i) finish_row(i, factor, diff);
    });
  }
  multiply_nn<Scalar>(workers, gradient(), references_, diff, Accumulate::yes);
}

/// d loss / d d becomes d loss / d d², for euclidean distances; others stay.
KINDRED_INLINE Lanes PairMatrix::by_square(const Lanes& gradient, const Lanes& value) const {
  if (measure_ != Measure::euclidean) return gradient;
  return select(value > 0, gradient / (2 * value), Lanes{});
}

/// gradient := scale · (gradient + its transpose), for the tiles (tile_row, tile_row..) and their
/// mirrors.
void PairMatrix::fold_tiles(Index tile_row, Scalar scale) {
  const ScalarView g = gradient();
  const Index i0 = tile_row * kTile;
  const Index i1 = std::min(batch(), i0 + kTile);
  alignas(kAlignment) Scalar mirror[kTile][kTile];  // the tile (j, i), transposed
  for (Index j0 = i0; j0 < batch(); j0 += kTile) {
    const Index j1 = std::min(batch(), j0 + kTile);
    for (Index j = j0; j < j1; ++j) {
      // The next tile's piece of a far row: nothing else would fetch it (2,048 rows: a third less).
      const Scalar* next = g.data() + (j + kTile) * g.stride() + i0;
      __builtin_prefetch(next);
      __builtin_prefetch(next + kTile / 2);
      for (Index i = i0; i < i1; ++i) mirror[i - i0][j - j0] = g(j, i);
    }
    for (Index i = i0; i < i1; ++i) {
      for (Index j = j0; j < j1; j += kLanes) {
        Scalar* here = g.row(i) + j;
        Scalar* there = &mirror[i - i0][j - j0];
        const Lanes both = (load(here) + load(there)) * scale;
        store(here, both);
        store(there, both);
      }
    }
    if (j0 == i0) continue;  // its own mirror
    for (Index j = j0; j < j1; ++j) {
      for (Index i = i0; i < i1; ++i) g(j, i) = mirror[i - i0][j - j0];
    }
  }
}

/// Row i of the gradient becomes what its product with the references adds to diff row i. Of
/// euclidean kinds, Σ_j 2 t_j (x_i − r_j): near rows at once from their difference, the rest as
/// 2 (Σ_j t_j) x_i − Σ_j 2 t_j r_j.
void PairMatrix::finish_row(Index i, double factor, ScalarView diff) {
  Scalar* row = gradient_.row(i);
  if (!euclidean_kind(measure_)) {
    const auto scale = static_cast<Scalar>(measure_ == Measure::cosine ? -factor : factor);
    for (Index j = 0; j < references(); j += kLanes) store(row + j, load(row + j) * scale);
    return;
  }
  const Scalar* x = rows_.row(i);
  Scalar* to = diff.row(i);
  const auto twice = static_cast<Scalar>(2 * factor);
  const Scalar own = row_lengths_[i];
  LaneSum sum;
  for (Index j = 0; j < references(); j += kLanes) {
    const Lanes value = load(values_.row(i) + j);
    Lanes share = by_square(load(row + j), value) * twice;
    if (references() - j < kLanes) share = first_lanes(share, references() - j);
    const Lanes squared = measure_ == Measure::euclidean ? value * value : value;
    const IntLanes close =
        (squared < (load(&reference_lengths_[j]) + own) * kNear) & (share != Lanes{});
    if (any(close)) {
      Scalar shares[kLanes];
      store(shares, share);
      for (Index l = 0; l < kLanes; ++l) {
        if (close[l] == 0) continue;
        const Scalar* other = references_.row(j + l);
        for (Index k = 0; k < rows_.cols(); ++k) to[k] += shares[l] * (x[k] - other[k]);
        shares[l] = 0;
      }
      share = load(shares);
    }
    sum.add(share);
    store(row + j, -share);
  }
  const auto own_share = static_cast<Scalar>(sum.total());
  for (Index k = 0; k < rows_.cols(); ++k) to[k] += own_share * x[k];
}

void PairMatrix::add_pair(Index i, Index j, double gradient, LossOutput& output) const {
  const ScalarView diff = diff_of(output);
  const Scalar* a = rows_.row(i);
  const Scalar* b = references_.row(j);
  Scalar* to_a = diff.row(i);
  Scalar* to_b = with_itself() ? diff.row(j) : nullptr;
  if (!euclidean_kind(measure_)) {
    const auto g = static_cast<Scalar>(measure_ == Measure::cosine ? -gradient : gradient);
    for (Index k = 0; k < rows_.cols(); ++k) to_a[k] += g * b[k];
    if (to_b == nullptr) return;
    for (Index k = 0; k < rows_.cols(); ++k) to_b[k] += g * a[k];
    return;
  }
  const double distance = values_(i, j);
  if (distance == 0) return;
  const auto pull =
      static_cast<Scalar>(measure_ == Measure::euclidean ? gradient / distance : 2 * gradient);
  for (Index k = 0; k < rows_.cols(); ++k) to_a[k] += pull * (a[k] - b[k]);
  if (to_b == nullptr) return;
  for (Index k = 0; k < rows_.cols(); ++k) to_b[k] -= pull * (a[k] - b[k]);
}

}  // namespace KINDRED_SCALAR
}  // namespace kindred
