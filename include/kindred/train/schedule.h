#pragma once
#include <string>
#include <vector>

#include "kindred/core/export.h"
#include "kindred/core/recipe.h"

namespace KINDRED_API kindred {

/// The learning rate over a run, as a factor of [optimizer] learning_rate: a function of
/// progress = step / planned steps alone, so that stopping early or resuming changes nothing.
class Schedule {
 public:
  /// Reads schedule, warm_up, final_factor, step_at and step_factor from [optimizer].
  explicit Schedule(Section optimizer);

  /// progress in [0, 1]; larger counts as 1.
  ///   warm-up:   progress / warm_up, linear, while progress < warm_up; then, with t in [0, 1] the
  ///              progress over what is left,
  ///   constant:  1
  ///   step:      step_factor ^ (number of step_at marks that progress has passed)
  ///   cosine:    final + (1 - final) (1 + cos(pi t)) / 2
  ///   one_cycle: cosine rise from 1/25 to 1 during warm_up (0.3 where it is 0), then cosine down
  ///   to
  ///              final. Source: Smith and Topin 2017, in the common cosine form.
  double factor(double progress) const;

 private:
  std::string kind_ = "constant";
  double warm_up_ = 0;
  double final_factor_ = 0;
  std::vector<double> step_at_ = {0.6, 0.85};
  double step_factor_ = 0.1;
};

}  // namespace kindred
