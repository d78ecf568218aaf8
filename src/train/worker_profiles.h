#pragma once
#include <memory>
#include <span>
#include <vector>

#include "kindred/nn/network.h"
#include "kindred/train/profile.h"

namespace kindred {

/// The profiles of the workers that share a network: off until start().
class WorkerProfiles {
 public:
  /// From now on what runs with a worker's scratch is added to its profile, which begins at 0.
  /// REQUIRES: this outlives the scratches' use.
  void start(std::span<const std::unique_ptr<Scratch>> scratches, std::size_t layers) {
    profiles_.assign(scratches.size(), {std::vector<LayerTime>(layers), 0, 0});
    for (std::size_t i = 0; i < scratches.size(); ++i) {
      scratches[i]->measure(profiles_[i].layers.data());
    }
  }
  /// Where a worker's time is added to, for TimeScope; nullptr while off.
  double* time(int worker, double Profile::*part) {
    return profiles_.empty() ? nullptr : &(profiles_[static_cast<std::size_t>(worker)].*part);
  }
  std::span<const Profile> each() const { return profiles_; }

 private:
  std::vector<Profile> profiles_;  // one a worker, or none
};

}  // namespace kindred
