#pragma once
// What losses over pairs do with the row of an anchor: vector passes over the pairs of one kind.
#include <cmath>

#include "loss/bases/pair_loss.h"

namespace kindred {
inline namespace KINDRED_SCALAR {

/// Which pairs a pass takes: function objects, so that passes they are given to contain them.
struct IsKin {
  KINDRED_INLINE IntLanes operator()(const PairRow& row, Index j) const {
    return load(row.kinds + j) > 0;
  }
};
struct IsOther {
  KINDRED_INLINE IntLanes operator()(const PairRow& row, Index j) const {
    return load(row.kinds + j) < 0;
  }
};
struct IsUsed {
  KINDRED_INLINE IntLanes operator()(const PairRow& row, Index j) const {
    return load(row.kinds + j) != 0;
  }
};
inline constexpr IsKin is_kin;
inline constexpr IsOther is_other;
inline constexpr IsUsed is_used;

/// log Σ e^logit over some pairs of a row, and each pair's share of the sum.
///   of(row, j)     mask of the pairs j.. that take part
///   logit(j)       their logits
/// With `plus_one` it is log(1 + Σ e^logit). The greatest is taken out first: nothing overflows.
/// The exponentials are kept in the row's gradient, at the pairs that take part only: sums over
/// different pairs live side by side, until the gradient is written over shares().
template <typename Of, typename Logit>
class LogSumExp {
 public:
  LogSumExp(const PairRow& row, Of of, Logit logit, bool plus_one = false) : row_(row), of_(of) {
    constexpr Scalar kNone = -std::numeric_limits<Scalar>::infinity();
    Lanes most = broadcast(plus_one ? Scalar{0} : kNone);
    for (Index j = 0; j < row.size; j += kLanes) {
      const IntLanes mask = of(row, j);
      if (any(mask)) most = max(most, select(mask, logit(j), broadcast(kNone)));
    }
    greatest_ = largest(most);
    if (greatest_ == kNone) return;
    LaneSum sum;
    for (Index j = 0; j < row.size; j += kLanes) {
      const IntLanes mask = of(row, j);
      if (!any(mask)) continue;  // kin are few
      const Lanes exponentials = exp(logit(j) - greatest_);
      sum.add(select(mask, exponentials, Lanes{}));
      store(row.gradient + j, select(mask, exponentials, load(row.gradient + j)));
    }
    sum_ = sum.total() + (plus_one ? std::exp(-static_cast<double>(greatest_)) : 0);
    inverse_ = static_cast<Scalar>(1 / sum_);
  }

  /// No pair takes part, and there is no one: the value is −infinity.
  bool empty() const { return sum_ == 0; }
  double value() const { return static_cast<double>(greatest_) + std::log(sum_); }
  /// e^logit / Σ, that is d value / d logit; 0 for pairs that take no part.
  KINDRED_INLINE Lanes shares(Index j) const {
    return select(of_(row_, j), load(row_.gradient + j), Lanes{}) * inverse_;
  }

 private:
  const PairRow& row_;
  Of of_;
  Scalar greatest_ = 0;
  double sum_ = 0;
  Scalar inverse_ = 0;
};

/// An anchor that adds nothing: zero gradient, no term.
inline PairTerms no_terms(const PairRow& row) {
  std::fill_n(row.gradient, row.size, Scalar{0});
  return {};
}

}  // namespace KINDRED_SCALAR
}  // namespace kindred
