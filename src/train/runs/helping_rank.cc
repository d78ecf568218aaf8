#include "train/runs/helping_rank.h"

#include <algorithm>

#include "kindred/core/error.h"
#include "train/runs/data_fingerprint.h"
#include "train/runs/ranks.h"
#include "train/runs/run_plan.h"
#include "train/setup_on_data.h"

namespace kindred {

RunResult help_run(Recipe recipe, std::unique_ptr<Dataset>&& dataset, const RunOptions& options,
                   RunObserver& observer) {
  ProcessGroup& group = *options.group;
  const Workers workers(options.threads);
  const Setup setup = read_setup(recipe, recipe.folder(), std::move(dataset));
  Trainer trainer(setup, workers, group);
  trainer.write_settings(recipe.root());
  recipe.finish();
  join_ranks(group, {recipe.resolved(), fingerprint_of_data(setup)});
  TrainingState& state = trainer.training_state();
  share_state(group, state);
  trainer.restored();

  std::unique_ptr<Embedder> embedder;
  const RunPlan plan(setup);
  const std::vector<Index>& samples = setup.set.validation_samples;
  Index evaluated_step = -1;
  const auto evaluate = [&] {
    evaluated_step = state.step;
    if (samples.empty()) return;
    if (!embedder) embedder = embedder_of(setup, trainer, workers);
    embedder->load(state.weights());
    embed_together(group, *embedder, *setup.dataset, samples);
  };
  RunResult result;
  while (state.step < plan.last_step() && !result.interrupted) {
    try {
      trainer.step();
    } catch (const Error& error) {
      if (error.kind() == ErrorKind::diverged) trainer.help_write();  // rank 0 keeps what is left
      throw;
    }
    if (plan.evaluates_after(state.step)) evaluate();
    trainer.help_write();
    result.interrupted = plan.goes_on_after(state.step) && group.any(observer.stop_requested());
  }
  result.complete = state.step == setup.planned_steps();
  if (result.complete && evaluated_step != state.step) evaluate();
  trainer.help_write();
  result.step = state.step;
  group.leave();
  return result;
}

}  // namespace kindred
