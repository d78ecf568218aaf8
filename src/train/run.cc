#include "kindred/train/run.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <memory>
#include <set>

#include "collapse_watch.h"
#include "kindred/core/cpu.h"
#include "kindred/core/error.h"
#include "kindred/core/file.h"
#include "kindred/eval/retrieval.h"
#include "kindred/train/checkpoint.h"
#include "kindred/train/embedder.h"
#include "kindred/train/model.h"
#include "kindred/train/run_files.h"
#include "run_folder.h"
#include "run_log.h"

namespace kindred {
namespace {

namespace fs = std::filesystem;

Json record_of(const StepReport& report, double train_seconds) {
  Json line;
  line["step"] = report.step;
  line["loss"] = report.loss;
  for (const LossReport& loss : report.losses) {
    line[loss.name] = loss.value;
    if (loss.weight != 1 || loss.scheduled) line[loss.name + ".weight"] = loss.weight;
    for (const LossScalar& scalar : loss.scalars) {
      line[fmt::format("{}.{}", loss.name, scalar.name)] = scalar.value;
    }
  }
  line["learning_rate"] = report.learning_rate;
  line["gradient_norm"] = report.gradient_norm;
  line["embedding_norm"] = report.embedding_norm;
  line["train_seconds"] = train_seconds;
  return line;
}

Json record_of(const Evaluation& evaluation) {
  Json line;
  line["step"] = evaluation.step;
  line["split"] = evaluation.split;
  for (const MetricValue& metric : evaluation.result.metrics) line[metric.name] = metric.value;
  line["queries_used"] = evaluation.result.queries_used;
  line["queries_without_match"] = evaluation.result.queries_without_match;
  return line;
}

/// One run, from its folder to its model.
class Run {
 public:
  Run(Recipe recipe, const RunOptions& options, RunObserver& observer);
  RunResult finish();

 private:
  void start_or_resume();
  bool resume_from(const std::string& checkpoint);
  void train_one_step();
  bool due(Index every) const { return every > 0 && state().step % every == 0; }
  void evaluate_validation();
  void evaluate_test();
  void keep_model();
  void save_checkpoint();
  void tell(Evaluation evaluation);
  const TrainingState& state() const { return trainer_->training_state(); }

  RunObserver& observer_;
  RunFolder folder_;
  Recipe recipe_;
  bool resume_;
  Workers workers_;
  Setup setup_;
  std::unique_ptr<Trainer> trainer_;
  std::unique_ptr<Embedder> embedder_;
  std::unique_ptr<RunLog> log_;
  RunMemory memory_;
  CollapseWatch collapse_;
  RunResult result_;
  Index last_step_ = 0;
  Index saved_step_ = -1;
  Index evaluated_step_ = -1;
  std::string level_note_;  // of a resume at another level of instruction sets
};

Run::Run(Recipe recipe, const RunOptions& options, RunObserver& observer)
    : observer_(observer),
      folder_(options.folder),
      recipe_(std::move(recipe)),
      resume_(options.resume),
      workers_(options.threads),
      setup_(read_setup(recipe_, recipe_.folder())) {
  trainer_ = std::make_unique<Trainer>(setup_, workers_);
  trainer_->write_settings(recipe_.root());
  recipe_.finish();
  memory_.recipe = recipe_.resolved();
  memory_.data_path = setup_.data_path;
  const Index planned = setup_.planned_steps();
  last_step_ = setup_.train.steps > 0 ? std::min(planned, setup_.train.steps) : planned;
  start_or_resume();
}

void Run::start_or_resume() {
  if (!resume_) folder_.claim();
  folder_.make();
  if (resume_) {
    bool resumed = false;
    for (const std::string& checkpoint : acknowledged_checkpoints(read_run_log(folder_.log()))) {
      if ((resumed = resume_from(checkpoint))) break;
    }
    if (!resumed) {
      observer_.on_note(folder_.path() + ": no acknowledged checkpoint; starting from step 0");
    }
    cut_run_log(folder_.log(), state().step);
    for (const Json& line : read_run_log(folder_.log())) {
      if (line.contains("train_seconds")) result_.train_seconds = line["train_seconds"];
    }
  }
  if (state().step == 0 && !setup_.train.initial.empty()) {
    for (const std::string& note :
         take_over_weights(setup_.train.initial, trainer_->training_state())) {
      observer_.on_note(note);
    }
    trainer_->restored();
  }
  write_file_durably(folder_.recipe(), with_absolute_data(memory_));
  log_ = std::make_unique<RunLog>(folder_.log());
  saved_step_ = resume_ && state().step > 0 ? state().step : -1;

  RunStart start;
  start.folder = folder_.path();
  start.setup = &setup_;
  start.network = trainer_->describe_network();
  for (const Segment& segment : state().table.segments()) start.parameters += segment.size;
  start.first_step = state().step;
  start.last_step = last_step_;
  observer_.on_start(start);
  if (!setup_.dataset->advice().empty()) observer_.on_note(setup_.dataset->advice());
  if (!level_note_.empty()) {
    log_->append({{"step", state().step}, {"note", level_note_}});
    observer_.on_note(level_note_);
  }
}

bool Run::resume_from(const std::string& checkpoint) {
  const std::string path = folder_.path() + "/" + checkpoint;
  RunMemory memory;
  CheckpointHeader header;
  try {
    header = read_checkpoint_header(path);
    check_same_recipe(header.memory.recipe, memory_.recipe, path);
    memory = read_checkpoint(path, trainer_->training_state());
  } catch (const Error& error) {
    if (error.kind() == ErrorKind::recipe) throw;
    observer_.on_note(fmt::format("{}; trying the checkpoint before it", error.what()));
    return false;
  }
  if (!header.level.empty() && header.level != name_of(isa())) {
    level_note_ = fmt::format(
        "{} was trained at level {} of instruction sets and goes on at {}: its bits from here on "
        "are neither's (KINDRED_MAX_ISA sets the level)",
        checkpoint, header.level, name_of(isa()));
  }
  memory_.recipe = with_data_as_saved(memory_.recipe, memory.recipe);
  memory_.best_step = memory.best_step;
  memory_.best_value = memory.best_value;
  trainer_->restored();
  return true;
}

RunResult Run::finish() {
  const Index epoch = setup_.sampler->steps_per_epoch();
  const TrainSettings& train = setup_.train;
  while (state().step < last_step_) {
    train_one_step();
    if (due(train.evaluate_every * epoch)) evaluate_validation();
    if (due(train.checkpoint_every > 0 ? train.checkpoint_every : epoch)) save_checkpoint();
    if (observer_.stop_requested() && state().step < last_step_) {
      result_.interrupted = true;
      break;
    }
  }
  const bool complete = state().step == setup_.planned_steps();
  if (complete && evaluated_step_ != state().step) evaluate_validation();
  if (memory_.best_step < 0) keep_model();
  if (saved_step_ != state().step) save_checkpoint();
  if (complete) evaluate_test();
  log_->close();
  result_.complete = complete;
  result_.step = state().step;
  result_.model = folder_.model();
  return result_;
}

void Run::train_one_step() {
  const auto start = std::chrono::steady_clock::now();
  const StepReport& report = trainer_->step();
  result_.train_seconds +=
      std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  log_->append(record_of(report, result_.train_seconds));
  observer_.on_step(report, result_.train_seconds);
  if (const auto warning = collapse_.look(report.step, report.losses)) {
    observer_.on_note(*warning);
  }
}

void Run::evaluate_validation() {
  evaluated_step_ = state().step;
  const std::vector<Index>& samples = setup_.set.validation_samples;
  if (samples.empty()) return;
  if (!embedder_) {
    TrainingState& trained = trainer_->training_state();
    embedder_ = std::make_unique<Embedder>(setup_.architecture, setup_.train.slice,
                                           setup_.dataset->element(), setup_.scaling, trained.table,
                                           trained.state, workers_);
  }
  embedder_->load(state().weights());
  Evaluation evaluation;
  evaluation.split = "validation";
  evaluation.step = state().step;
  evaluation.result = evaluate_samples(*embedder_, *setup_.dataset, samples, workers_);
  const double value = evaluation.result[setup_.train.select];
  evaluation.best = memory_.best_step < 0 || value > memory_.best_value;
  if (evaluation.best) {
    memory_.best_step = state().step;
    memory_.best_value = value;
    keep_model();
  }
  tell(std::move(evaluation));
}

void Run::evaluate_test() {
  if (setup_.dataset->split().empty() || !setup_.dataset->has_labels()) return;
  const std::vector<Index> samples = setup_.dataset->samples_of(Split::test);
  if (samples.empty()) return;
  Model model = read_model(folder_.model());
  Embedder embedder(model, workers_);
  Evaluation evaluation;
  evaluation.split = "test";
  evaluation.step = state().step;
  evaluation.result = evaluate_samples(embedder, *setup_.dataset, samples, workers_);
  tell(std::move(evaluation));
}

void Run::tell(Evaluation evaluation) {
  Json line = record_of(evaluation);
  line["train_seconds"] = result_.train_seconds;
  if (evaluation.split == "validation") line["best"] = evaluation.best;
  log_->append(line);
  observer_.on_evaluation(evaluation);
  result_.evaluations.push_back(std::move(evaluation));
}

void Run::keep_model() { write_model(folder_.model(), memory_.recipe, setup_, state()); }

void Run::save_checkpoint() {
  const std::string name = folder_.checkpoint_name(state().step);
  const std::string path = folder_.path() + "/" + name;
  write_checkpoint(path, state(), memory_);
  log_->acknowledge(
      {{"step", state().step}, {"checkpoint", name}, {"train_seconds", result_.train_seconds}});
  saved_step_ = state().step;
  observer_.on_checkpoint(path, state().step);
  folder_.drop_old_checkpoints(setup_.train.keep_checkpoints, state().step);
}

}  // namespace

RunResult run_training(Recipe recipe, const RunOptions& options, RunObserver& observer) {
  files_of_training(recipe, options).check();
  return Run(std::move(recipe), options, observer).finish();
}

Recipe recipe_of_run(const std::string& folder) {
  const RunFolder run(folder);
  std::string why = "it has no acknowledged checkpoint";
  for (const std::string& name : acknowledged_checkpoints(read_run_log(run.log()))) {
    try {
      const RunMemory memory = read_checkpoint_header(folder + "/" + name).memory;
      return Recipe::from_text(with_absolute_data(memory), folder + "/" + name);
    } catch (const Error& error) {
      why = error.what();
    }
  }
  fail(ErrorKind::no_input,
       fmt::format("{}: nothing to resume: {}; name the recipe to start over", folder, why));
}

}  // namespace kindred
