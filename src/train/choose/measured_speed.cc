#include "train/choose/measured_speed.h"

#include <chrono>

#include "kindred/core/output_file.h"
#include "kindred/core/recipe.h"
#include "kindred/train/setup.h"
#include "kindred/train/trainer.h"

namespace kindred {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int kWarmUp = 2;  // steps: memory is touched, batches are read ahead
constexpr int kMostMeasuredSteps = 64;

void step(Trainer& trainer, WorkObserver& observer) {
  if (observer.stop_requested()) {
    throw Interrupted(ErrorKind::io, "stopped while the speed of training was measured");
  }
  trainer.step();
}

}  // namespace

MeasuredSpeed measure_speed(const std::string& recipe, const std::string& folder,
                            const std::vector<std::string>& assignments, double seconds,
                            const Workers& workers, WorkObserver& observer) {
  Recipe read = Recipe::from_text(recipe, "the recipe that was chosen");
  for (const std::string& assignment : assignments) read.set(assignment);
  const Setup setup = read_setup(read, folder);
  Trainer trainer(setup, workers);
  trainer.write_settings(read.root());
  read.finish();
  if (seconds <= 0) return {0, setup.batch()};
  for (int i = 0; i < kWarmUp; ++i) step(trainer, observer);
  const auto begin = Clock::now();
  double taken = 0;
  Index steps = 0;
  while (steps < kMostMeasuredSteps && taken < seconds) {
    step(trainer, observer);
    ++steps;
    taken = std::chrono::duration<double>(Clock::now() - begin).count();
  }
  return {static_cast<double>(steps * setup.batch()) / std::max(taken, 1e-6), setup.batch()};
}

}  // namespace kindred
