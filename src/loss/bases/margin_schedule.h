#pragma once
#include "kindred/loss/loss.h"

namespace kindred {
inline namespace KINDRED_SCALAR {

/// A margin that may grow over a run, easy tasks first: from `margin_from` in a straight line to
/// `margin` over the share `margin_warm_up` of the planned steps. A function of progress = (step +
/// 1) / planned steps alone.
/// Source: Bengio et al. 2009, Curriculum Learning.
class MarginSchedule {
 public:
  /// Reads `margin` as described, `margin_from` and `margin_warm_up`.
  MarginSchedule(Section section, double margin, std::string_view description, Range range);

  /// The margin of this step, also as a scalar "margin" for the log where it changes.
  double at(const LossInput& input, LossOutput& output) const;

 private:
  double margin_;
  double from_ = 0;
  double warm_up_ = 0;
};

}  // namespace KINDRED_SCALAR
}  // namespace kindred
