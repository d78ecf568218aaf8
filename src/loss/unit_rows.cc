#include "loss/unit_rows.h"

#include "core/lanes.h"

namespace kindred {
inline namespace KINDRED_SCALAR {
namespace {

constexpr Index kRows = 32;  // rows a task owns

std::size_t at(Index i) { return static_cast<std::size_t>(i); }

}  // namespace

void unit_rows(const Workers& workers, ConstScalarView src, ScalarView dst,
               std::span<Scalar> lengths, std::span<const Index> rows) {
  const Index depth = src.cols();
  workers.for_blocks(dst.rows(), kRows, [&](Index begin, Index end, int) {
    for (Index i = begin; i < end; ++i) {
      const Scalar* from = src.row(rows.empty() ? i : rows[at(i)]);
      const double length = std::sqrt(dot(from, from, depth));
      const bool zero = length < kShortestRow;  // not for NaN: it must be seen
      const double inverse = zero ? 0 : 1 / length;
      lengths[at(i)] = zero ? Scalar{0} : static_cast<Scalar>(length);
      Scalar* to = dst.row(i);
      for (Index k = 0; k < depth; ++k) {
        to[k] = static_cast<Scalar>(static_cast<double>(from[k]) * inverse);
      }
    }
  });
}

void unit_rows_backward(const Workers& workers, ConstScalarView unit,
                        std::span<const Scalar> lengths, ConstScalarView diff_unit,
                        ScalarView diff_src, bool overwrite, std::span<const Index> rows) {
  const Index depth = unit.cols();
  workers.for_blocks(unit.rows(), kRows, [&](Index begin, Index end, int) {
    for (Index i = begin; i < end; ++i) {
      Scalar* to = diff_src.row(rows.empty() ? i : rows[at(i)]);
      if (overwrite) std::fill_n(to, depth, Scalar{0});
      const double length = lengths[at(i)];
      if (length == 0) continue;
      const Scalar* direction = unit.row(i);
      const Scalar* g = diff_unit.row(i);
      const auto along = static_cast<Scalar>(dot(direction, g, depth));
      const auto inverse = static_cast<Scalar>(1 / length);
      for (Index k = 0; k < depth; ++k) to[k] += (g[k] - direction[k] * along) * inverse;
    }
  });
}

}  // namespace KINDRED_SCALAR
}  // namespace kindred
