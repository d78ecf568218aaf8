#include "kindred/train/schedule.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace kindred {
namespace {

// From 1 at t = 0 to `low` at t = 1.
double cosine_down(double low, double t) {
  return low + (1 - low) * 0.5 * (1 + std::cos(std::numbers::pi * t));
}

constexpr double kOneCycleStart = 1.0 / 25;
constexpr double kOneCycleRise = 0.3;

}  // namespace

Schedule::Schedule(Section optimizer) {
  optimizer.read_choice("schedule", kind_, {"constant", "step", "cosine", "one_cycle"},
                        "how the learning rate moves over the planned steps");
  optimizer.read("warm_up", warm_up_, "share of the planned steps over which it rises", {0, 0.9});
  optimizer.read("final_factor", final_factor_, "cosine, one_cycle: the factor at the end", {0, 1});
  optimizer.read("step_at", step_at_, "step: shares of the planned steps where it drops");
  optimizer.read("step_factor", step_factor_, "step: the factor of each drop", {0, 1});
}

double Schedule::factor(double progress) const {
  progress = std::clamp(progress, 0.0, 1.0);
  const bool one_cycle = kind_ == "one_cycle";
  const double rise = one_cycle && warm_up_ == 0 ? kOneCycleRise : warm_up_;
  if (progress < rise) {
    return one_cycle ? cosine_down(kOneCycleStart, 1 - progress / rise) : progress / rise;
  }
  const double t = (progress - rise) / (1 - rise);
  if (one_cycle || kind_ == "cosine") return cosine_down(final_factor_, t);
  if (kind_ == "step") {
    const auto passed = std::count_if(step_at_.begin(), step_at_.end(),
                                      [&](double mark) { return progress >= mark; });
    return std::pow(step_factor_, static_cast<double>(passed));
  }
  return 1;
}

}  // namespace kindred
