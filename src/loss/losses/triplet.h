#pragma once
#include <string>

#include "loss/bases/margin_schedule.h"
#include "loss/bases/pair_loss.h"

namespace kindred {
inline namespace KINDRED_SCALAR {

struct TripletSettings {
  explicit TripletSettings(const MarginSchedule& schedule) : margin(schedule) {}

  MarginSchedule margin;
  std::string distance = "euclidean";
  bool normalize = true;
  bool semihard = false;
  bool soft = false;
  bool swap = false;
  bool mean_nonzero = true;
};

/// The triplet loss over the hardest triplet of each anchor: few pairs, so that neither a matrix of
/// gradients nor its products are needed.
std::unique_ptr<Loss> make_hard_triplet(const LossContext& context,
                                        const TripletSettings& settings);

}  // namespace KINDRED_SCALAR
}  // namespace kindred
