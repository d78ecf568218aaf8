#include "kindred/loss/weight_schedule.h"

#include <fmt/format.h>

namespace kindred {
inline namespace KINDRED_SCALAR {

WeightSchedule::WeightSchedule(Section loss) {
  loss.read("weight", weight_, "factor of this loss in the sum", {0, 1e6});
  loss.read("warm_up_from", warm_up_from_, "share of the planned steps up to which the weight is 0",
            {0, 1});
  loss.read("warm_up_to", warm_up_to_,
            "share of the planned steps by which it has risen in a line; 0: at once", {0, 1});
  loss.read("fade_from", fade_from_,
            "share of the planned steps from which it falls in a line; 1: at once", {0, 1});
  loss.read("fade_to", fade_to_, "share of the planned steps from which on it is 0", {0, 1});
  if (warm_up_to_ == 0) warm_up_to_ = warm_up_from_;
  if (fade_from_ == 1) fade_from_ = fade_to_;
  if (warm_up_from_ > warm_up_to_ || warm_up_to_ > fade_from_ || fade_from_ > fade_to_) {
    loss.fail(
        fmt::format("the weight rises from {} to {} and falls from {} to {} of the run; "
                    "expected warm_up_from <= warm_up_to <= fade_from <= fade_to",
                    warm_up_from_, warm_up_to_, fade_from_, fade_to_));
  }
}

double WeightSchedule::at(Index step, Index planned_steps) const {
  if (planned_steps <= 0) return weight_;
  const double progress = static_cast<double>(step + 1) / static_cast<double>(planned_steps);
  if (warm_up_to_ > 0 && progress <= warm_up_from_) return 0;
  if (progress < warm_up_to_) {
    return weight_ * ((progress - warm_up_from_) / (warm_up_to_ - warm_up_from_));
  }
  if (progress <= fade_from_) return weight_;
  if (progress < fade_to_) return weight_ * ((fade_to_ - progress) / (fade_to_ - fade_from_));
  return fade_to_ < 1 || fade_from_ < 1 ? 0 : weight_;
}

}  // namespace KINDRED_SCALAR
}  // namespace kindred
