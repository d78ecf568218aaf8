#include "loss/bases/margin_schedule.h"

namespace kindred {
inline namespace KINDRED_SCALAR {

MarginSchedule::MarginSchedule(Section section, double margin, std::string_view description,
                               Range range)
    : margin_(margin) {
  section.read("margin", margin_, description, range);
  section.read("margin_from", from_, "margin at the start, where it grows", range);
  section.read("margin_warm_up", warm_up_,
               "share of the planned steps over which it grows (Bengio et al. 2009); 0: none",
               {0, 1});
}

double MarginSchedule::at(const LossInput& input, LossOutput& output) const {
  if (warm_up_ == 0 || input.planned_steps <= 0) return margin_;
  const double progress =
      static_cast<double>(input.step + 1) / static_cast<double>(input.planned_steps);
  const double margin =
      progress < warm_up_ ? from_ + (margin_ - from_) * (progress / warm_up_) : margin_;
  if (output.scalars != nullptr) output.scalars->push_back({"margin", margin});
  return margin;
}

}  // namespace KINDRED_SCALAR
}  // namespace kindred
