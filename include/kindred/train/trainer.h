#pragma once
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "kindred/core/export.h"
#include "kindred/core/parallel.h"
#include "kindred/core/parameters.h"
#include "kindred/core/process_group.h"
#include "kindred/core/recipe.h"
#include "kindred/loss/objective.h"
#include "kindred/train/optimizer.h"
#include "kindred/train/profile.h"
#include "kindred/train/setup.h"

namespace KINDRED_API kindred {

/// What a step did, for the log.
struct StepReport {
  Index step = 0;   ///< steps done, this one included
  double loss = 0;  ///< weighted sum
  std::span<const LossReport> losses;
  double learning_rate = 0;
  double gradient_norm = 0;         ///< before clipping
  double embedding_norm = 0;        ///< mean length of the raw embeddings
  double between_class_cosine = 0;  ///< see Objective::between_class_cosine
};

/// Seconds spent in the parts of a step, summed since construction.
struct StepTimes {
  double wait_for_data = 0;
  double forward = 0;
  double loss = 0;
  double backward = 0;
  double reduce = 0;
  double update = 0;  ///< optimizer, average
  double pack = 0;    ///< weights into the layouts that run
};

/// What this rank has sent in steps, since construction, and the seconds of each kind; those are a
/// part of StepTimes, too.
struct StepTraffic {
  Traffic embeddings;  ///< of a batch, to all
  Traffic gradient;    ///< rows of it, summed
  Traffic statistics;  ///< of batch norms
  Traffic losses;      ///< what heads that share their classes tell each other
};

class KINDRED_HIDDEN Shards;

/// Everything training carries from step to step. Order and names never depend on threads.
struct TrainingState {
  ParameterTable table;
  Buffer<float> parameters;  ///< [table.size()]
  Buffer<float> average;     ///< [table.size()], or empty
  State state;
  std::unique_ptr<Optimizer> optimizer;
  Index step = 0;  ///< steps done
  /// What other ranks hold of the segments that are shared out; nullptr: nothing. The trainer's.
  Shards* shards = nullptr;

  /// What is evaluated and kept: the average where there is one.
  std::span<const float> weights() const {
    return average.size() > 0 ? average.span() : parameters.span();
  }
};

/// Trains: one step() at a time. The same bits for any number of threads.
class Trainer {
 public:
  /// Builds the network, the losses and the optimizer of `setup` and initialises everything by its
  /// seed. REQUIRES: setup and workers outlive it. Fails with recipe where a loss or the optimizer
  /// does not know a key or a value, or a loss would have nothing to learn from.
  Trainer(const Setup& setup, const Workers& workers);
  /// The same for one rank of several, each of which makes its own of an equal setup: they share
  /// the batch's slices, and step() is called by all. What they train has the bits of a single
  /// rank's. REQUIRES: group outlives it, and has been joined before the first step.
  Trainer(const Setup& setup, const Workers& workers, ProcessGroup& group);
  ~Trainer();

  /// One training step: the next batch through the network, the losses, and back. Fails with
  /// diverged when an embedding, a loss or a gradient is not finite, naming step and loss or layer;
  /// the parameters are then those before the step.
  const StepReport& step();

  TrainingState& training_state();
  const TrainingState& training_state() const;
  /// To be called after training_state() was overwritten (resume, initial weights).
  void restored();

  /// Of a group whose ranks share out the weights of classes, rank 0 writes checkpoints and models,
  /// with what the others hold: these call help_write() meanwhile, which returns when rank 0 has
  /// called written(). Nothing happens where nothing is shared out.
  void help_write();
  void written();

  /// Writes what losses and optimizer were made of, defaults included, into a recipe's [[loss]] and
  /// [optimizer]. REQUIRES: it has as many losses.
  void write_settings(Section root) const;

  /// At the schedule's peak.
  double learning_rate() const;
  /// What is worth knowing before the first step, for people; may be empty.
  const std::vector<std::string>& notes() const;
  double forward_flops() const;
  const StepTimes& times() const;
  const StepTraffic& traffic() const;

  /// From now on steps also add to profile(), which begins at 0. They compute the same.
  void start_profile();
  /// Summed over the workers; nothing where start_profile() was not called.
  Profile profile() const;
  /// The network's, and what profile() has the times of.
  std::vector<LayerSummary> layers() const;

 private:
  struct Impl;
  std::unique_ptr<ProcessGroup> solo_;  // where there is no other
  std::unique_ptr<Impl> impl_;
};

}  // namespace kindred
