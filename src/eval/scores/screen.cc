#include "eval/scores/screen.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/matmul_tile.h"

namespace kindred {
namespace {

constexpr Index kScreenedRows = 256;
constexpr Index kSample = 101;       // rows that the center is the median of
constexpr double kClose = 1.0 / 16;  // unit rows within a quarter of their center lie close
constexpr double kUnit = 0x1p-24;
constexpr double kLeast = std::numeric_limits<float>::min();

double square_of(const double* numbers, Index size) {
  double sum = 0;
  for (Index k = 0; k < size; ++k) sum += numbers[k] * numbers[k];
  return sum;
}

/// The square of a row, and the sum of the squares of all beginnings of its chains.
struct Prefixes {
  double square = 0;
  double beginnings = 0;
};
Prefixes prefixes_of(const double* numbers, Index size) {
  Prefixes of;
  for (Index begin = 0; begin < size; begin += kTileDepth) {
    const Index end = std::min(size, begin + kTileDepth);
    double chain = 0;
    for (Index k = begin; k < end; ++k) {
      chain += numbers[k] * numbers[k];
      of.beginnings += chain;
    }
    of.square += chain;
    if (begin > 0) of.beginnings += of.square;  // a chain is added to those before it
  }
  return of;
}

/// Never below the number.
float raised(double number) {
  const auto near = static_cast<float>(number * (1 + 0x1p-20));
  return std::max(near, static_cast<float>(kLeast));
}

}  // namespace

Screen::Screen(const Workers& workers, RowsView queries, RowsView gallery, Similarity similarity)
    : similarity_(similarity),
      flushed_(static_cast<float>(4 * static_cast<double>(gallery.cols()) * kLeast)),
      second_order_(1.02 * (1 + 2 * static_cast<double>(gallery.cols()) * kUnit)) {
  if (similarity != Similarity::inner_product) choose_center(workers, queries, gallery);
  double lengths[2] = {longest(workers, queries), longest(workers, gallery)};
  // Distances need one scale for both sides.
  if (distances_) lengths[0] = lengths[1] = std::max(lengths[0], lengths[1]);
  for (int side = 0; side < 2; ++side) {
    if (lengths[side] > 0) scales_[side] = std::ldexp(1.0, -std::ilogb(lengths[side]) - 1);
  }
  slope_ = similarity == Similarity::cosine && !distances_ ? 1 : scales_[0] * scales_[1];
  if (similarity == Similarity::cosine) {
    if (distances_) {  // |x - y|² = 2 - 2 cos of unit rows
      slope_ *= 2;
      offset_ = -slope_;
      absolute_ = (static_cast<double>(gallery.cols()) + 512) * 0x1p-50 * scales_[0] * scales_[1];
    } else {
      scales_[0] = scales_[1] = 1;
    }
  }
}

void Screen::place(const RowsView& rows, Index row, double* dst) const {
  const Index size = rows.cols();
  rows.widen(row, dst);
  if (similarity_ == Similarity::cosine) {
    const double square = rows.dot(dst, row);
    const double factor = square > 0 ? 1 / std::sqrt(square) : 0;
    for (Index k = 0; k < size; ++k) dst[k] *= factor;
  }
  if (!distances_) return;
  for (Index k = 0; k < size; ++k) dst[k] -= center_[static_cast<std::size_t>(k)];
}

/// The median of a sample, number by number: a few rows far away do not move it. Euclidean scores
/// always are distances; the cosine where unit rows lie close together.
void Screen::choose_center(const Workers& workers, const RowsView& queries,
                           const RowsView& gallery) {
  const ComputeScope scope;
  const Index count = std::min(kSample, gallery.rows());
  BasicMatrix<double> sample(count, gallery.cols());
  for (Index i = 0; i < count; ++i) place(gallery, i * gallery.rows() / count, sample.row(i));
  center_.resize(static_cast<std::size_t>(gallery.cols()));
  std::vector<double> column(static_cast<std::size_t>(count));
  for (Index k = 0; k < gallery.cols(); ++k) {
    for (Index i = 0; i < count; ++i) column[static_cast<std::size_t>(i)] = sample(i, k);
    const auto middle = column.begin() + count / 2;
    std::nth_element(column.begin(), middle, column.end());
    center_[static_cast<std::size_t>(k)] = *middle;
  }
  distances_ = true;
  if (similarity_ == Similarity::euclidean) return;
  double spread = 0;
  for (Index i = 0; i < count; ++i) {
    for (Index k = 0; k < gallery.cols(); ++k) {
      const double difference = sample(i, k) - center_[static_cast<std::size_t>(k)];
      spread += difference * difference / static_cast<double>(count);
    }
  }
  distances_ = spread < kClose;
  if (!distances_) return;
  // A row of zeros has a cosine of 0 with all: no distance says so.
  for (const RowsView& rows : {queries, gallery}) {
    std::vector<std::uint8_t> zero(static_cast<std::size_t>(blocks_of(rows.rows(), kScreenedRows)));
    workers.for_blocks(rows.rows(), kScreenedRows, [&](Index begin, Index end, int) {
      std::vector<double> numbers(static_cast<std::size_t>(rows.cols()));
      for (Index i = begin; i < end; ++i) {
        rows.widen(i, numbers.data());
        if (square_of(numbers.data(), rows.cols()) > 0) continue;
        zero[static_cast<std::size_t>(begin / kScreenedRows)] = 1;
      }
    });
    if (std::find(zero.begin(), zero.end(), 1) != zero.end()) distances_ = false;
  }
}

double Screen::longest(const Workers& workers, const RowsView& rows) const {
  if (similarity_ == Similarity::cosine && !distances_) return 1;
  std::vector<double> most(static_cast<std::size_t>(blocks_of(rows.rows(), kScreenedRows)));
  workers.for_blocks(rows.rows(), kScreenedRows, [&](Index begin, Index end, int) {
    std::vector<double> numbers(static_cast<std::size_t>(rows.cols()));
    double& own = most[static_cast<std::size_t>(begin / kScreenedRows)];
    for (Index i = begin; i < end; ++i) {
      place(rows, i, numbers.data());
      own = std::max(own, square_of(numbers.data(), rows.cols()));
    }
  });
  return most.empty() ? 0 : std::sqrt(*std::max_element(most.begin(), most.end()));
}

Screen::Row Screen::prepare(const RowsView& rows, Index row, Side side, double* scratch,
                            float* dst) const {
  const Index size = rows.cols();
  place(rows, row, scratch);
  const double scale = scales_[side == Side::query ? 0 : 1];
  for (Index k = 0; k < size; ++k) {
    scratch[k] *= scale;
    dst[k] = static_cast<float>(scratch[k]);
  }
  const Prefixes of = prefixes_of(scratch, size);
  const double products = second_order_ * kUnit * (of.beginnings + 5 * of.square);
  if (!distances_) return {0, raised(std::sqrt(products))};
  const float error =
      raised(products + 6 * kUnit * of.square + absolute_ + static_cast<double>(flushed_));
  return {static_cast<float>(of.square - static_cast<double>(error)), error};
}

Screen::ByteRow Screen::prepare_bytes(const RowsView& rows, Index row, Side side, double* scratch,
                                      std::int8_t* dst) const {
  constexpr double kMost = 127;
  const Index size = rows.cols();
  place(rows, row, scratch);
  const double factor = scales_[side == Side::query ? 0 : 1];
  double largest = 0;
  for (Index k = 0; k < size; ++k) {
    scratch[k] *= factor;
    largest = std::max(largest, std::abs(scratch[k]));
  }
  ByteRow made{.scale = 0, .length = std::sqrt(square_of(scratch, size)), .coded = 0, .residue = 0};
  // Of a row too small for a scale in float32 nothing is coded: all of it is residue.
  if (largest >= kMost * kLeast) made.scale = static_cast<float>(largest / kMost);
  double coded = 0;
  double residue = 0;
  for (Index k = 0; k < size; ++k) {
    const double scale = static_cast<double>(made.scale);
    const double number =
        scale > 0 ? std::clamp(std::nearbyint(scratch[k] / scale), -kMost, kMost) : 0;
    dst[k] = static_cast<std::int8_t>(number);
    const double stands_for = scale * number;  // exact: 24 bits by 7
    coded += stands_for * stands_for;
    residue += (scratch[k] - stands_for) * (scratch[k] - stands_for);
  }
  made.coded = std::sqrt(coded);
  made.residue = std::sqrt(residue);
  return made;
}

float Screen::byte_error(const ByteRow& row, const ByteBounds& others) const {
  const double error = row.residue * others.length + row.coded * others.residue +
                       4 * kUnit * row.coded * others.coded;
  // What float64 rounded, and the grid of tie levels, as of products.
  return raised(second_order_ * (error + 0x1p-40 * row.length * others.length)) + flushed_;
}

}  // namespace kindred
