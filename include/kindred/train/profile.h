#pragma once
#include <span>
#include <vector>

#include "kindred/core/export.h"
#include "kindred/nn/profile.h"

namespace KINDRED_API kindred {

/// Where the workers' time goes, in seconds: of one worker, or the sum of all.
struct Profile {
  std::vector<LayerTime> layers;  ///< in the order of the network's layers()
  double read = 0;                ///< copying samples out of the data set (embedding)
  double input = 0;               ///< augmentation and scaling
};

/// The sum of all; `profiles` have equally many layers.
Profile sum_of(std::span<const Profile> profiles);

}  // namespace kindred
