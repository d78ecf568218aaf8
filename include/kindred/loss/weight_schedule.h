#pragma once
#include "kindred/core/export.h"
#include "kindred/core/recipe.h"
#include "kindred/core/scalar.h"

namespace KINDRED_API kindred {
inline namespace KINDRED_SCALAR {

/// The weight of one [[loss]] over a run: a function of progress = (step + 1) / planned steps
/// alone, as the learning rate is, so that stopping early or resuming changes nothing.
///
///   progress <= warm_up_from   0
///   up to warm_up_to           a straight line from 0 to `weight`
///   up to fade_from            weight
///   up to fade_to              a straight line from `weight` to 0
///   beyond                     0
///
/// warm_up_from alone switches a loss on late, fade_to alone switches it off early; a warm_up_to of
/// 0 and a fade_from of 1 (the defaults) stand for that.
class WeightSchedule {
 public:
  /// Reads weight, warm_up_from, warm_up_to, fade_from and fade_to. Fails with ErrorKind::recipe
  /// unless they stand in that order.
  explicit WeightSchedule(Section loss);

  /// In the step that is the (step + 1)th of `planned_steps`; the whole weight where none are
  /// planned.
  double at(Index step, Index planned_steps) const;
  bool varies() const { return warm_up_to_ > 0 || fade_from_ < 1; }

 private:
  double weight_ = 1;
  double warm_up_from_ = 0;
  double warm_up_to_ = 0;
  double fade_from_ = 1;
  double fade_to_ = 1;
};

}  // namespace KINDRED_SCALAR
}  // namespace kindred
