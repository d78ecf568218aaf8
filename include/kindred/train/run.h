#pragma once
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include "kindred/core/export.h"
#include "kindred/core/process_group.h"
#include "kindred/core/recipe.h"
#include "kindred/eval/retrieval.h"
#include "kindred/train/setup.h"
#include "kindred/train/trainer.h"

namespace KINDRED_API kindred {

/// What a run is about, known before its first step.
struct RunStart {
  std::string folder;
  const Setup* setup = nullptr;
  std::vector<LayerSummary> layers;  ///< of the network
  double forward_flops = 0;          ///< of one sample
  Index parameters = 0;
  Index first_step = 0;  ///< 0, or the checkpoint's
  Index last_step = 0;   ///< this run stops after it
};

/// One look at the data apart from training.
struct Evaluation {
  std::string split;  ///< "validation" or "test"
  Index step = 0;
  RetrievalResult result;
  bool best = false;  ///< validation: the best so far, so the model was kept
  /// The same metrics without a network, of the samples as they are, and what was compared: "raw
  /// pixels". Measured once a split; empty afterwards.
  std::vector<MetricValue> baseline;
  std::string baseline_of;
};

/// Watches a run: prints, draws, and may ask it to stop.
class RunObserver {
 public:
  virtual ~RunObserver() = default;
  virtual void on_start(const RunStart&) {}
  /// `train_seconds`: spent in steps since step 0, resumed parts included.
  virtual void on_step(const StepReport&, double /*train_seconds*/) {}
  virtual void on_evaluation(const Evaluation&) {}
  virtual void on_checkpoint(const std::string& /*path*/, Index /*step*/) {}
  virtual void on_note(const std::string&) {}
  /// A note that even those have to see who asked for none: work was lost.
  virtual void on_warning(const std::string& text) { on_note(text); }
  virtual bool stop_requested() { return false; }
};

struct RunOptions {
  std::string folder;   ///< of the run; made where it is missing
  bool resume = false;  ///< go on from the newest acknowledged checkpoint of `folder`
  int threads = 0;      ///< 0: Workers::default_threads()
  bool is_new = false;  ///< a new folder: `folder`, or with "-2", "-3", ... behind it
  /// The ranks that train together, not yet joined; each calls run_training() with the same recipe
  /// and data. nullptr: this process alone. Rank 0 has the folder and the observer, reads
  /// checkpoints and initial weights, and evaluates; the others' results name no folder.
  ProcessGroup* group = nullptr;
};

struct RunResult {
  std::string folder;
  Index step = 0;
  bool interrupted = false;  ///< stop_requested() ended it
  bool complete = false;     ///< all planned steps are done
  double train_seconds = 0;
  std::string model;  ///< path
  std::vector<Evaluation> evaluations;
  /// Mean cosine of different classes in the last batch; NaN where it was not measured.
  double between_class_cosine = std::numeric_limits<double>::quiet_NaN();
  std::string collapse;  ///< what to do where embeddings have collapsed to one point; else ""
};

/// Trains as `recipe` says into a run folder: recipe.toml (resolved), metrics.jsonl, checkpoints/,
/// model.kindred. Fails with diverged where numbers are no longer finite; the last finite state is
/// then a checkpoint. While it runs the folder is its own: cannot_create names the process that
/// another run is.
///
/// Ranks of a group leave the files of a single process, bit for bit. They refuse each other with
/// recipe or data where what they train, or the program, is not the same at all.
///
/// With `resume`, recipe and step come from the newest acknowledged checkpoint that is sound. It
/// fails, and leaves the folder as it was, with
///   recipe    where `recipe` differs in more than train.steps, paths and reporting: names the key;
///             where the data is not that of the checkpoint (moved or renamed files are);
///   data      where there are checkpoints, but none that is sound and fits;
///   no_input  where the checkpoints that the log names are gone.
RunResult run_training(Recipe recipe, const RunOptions& options, RunObserver& observer);

/// The same on samples that are there already, from memory or any SampleSource. Of the recipe's
/// [data] counts what says which of them are trained on; data.file becomes what the data set is
/// called. To go on with the run takes the same samples again.
RunResult run_training(Recipe recipe, std::unique_ptr<Dataset> dataset, const RunOptions& options,
                       RunObserver& observer);

/// The recipe of the newest acknowledged checkpoint of a run folder, with data.file absolute; for
/// resuming without naming the recipe again. Fails with no_input when there is none, with data when
/// none is sound.
Recipe recipe_of_run(const std::string& folder);

}  // namespace kindred
