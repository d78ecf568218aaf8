#include "train/runs/run_in_folder.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <memory>
#include <optional>

#include "kindred/core/cpu.h"
#include "kindred/core/error.h"
#include "kindred/core/file.h"
#include "kindred/eval/retrieval.h"
#include "kindred/train/checkpoint.h"
#include "kindred/train/embedder.h"
#include "kindred/train/model.h"
#include "kindred/train/run_files.h"
#include "train/runs/collapse_watch.h"
#include "train/runs/data_fingerprint.h"
#include "train/runs/own_threshold.h"
#include "train/runs/ranks.h"
#include "train/runs/raw_baseline.h"
#include "train/runs/resume.h"
#include "train/runs/run_folder.h"
#include "train/runs/run_log.h"
#include "train/runs/run_notes.h"
#include "train/runs/run_plan.h"
#include "train/runs/run_records.h"
#include "train/runs/training_probe.h"
#include "train/setup_on_data.h"

namespace kindred {
namespace {

/// One run, from its folder to its model.
class Run {
 public:
  /// `dataset`: nullptr where the recipe names it.
  Run(Recipe recipe, std::unique_ptr<Dataset>&& dataset, const RunOptions& options,
      RunObserver& observer);
  RunResult finish();
  const std::string& folder() const { return folder_.path(); }

 private:
  void start_or_resume();
  void take_folder();
  void resume();
  void take_weights();
  void go_on();
  void tell_start();
  void note(const std::string& text);
  void train();
  [[noreturn]] void keep_last_finite(const Error& error);
  void train_one_step();
  void evaluate_validation();
  void look_at_training();
  void evaluate_test();
  void keep_model(std::optional<double> threshold = std::nullopt);
  void save_checkpoint();
  bool is_told(const std::string& split) const;
  void tell(Evaluation evaluation, std::span<const Index> samples);
  void add_baseline(Evaluation& evaluation, std::span<const Index> samples);
  const TrainingState& state() const { return trainer_->training_state(); }

  RunObserver& observer_;
  ProcessGroup& group_;
  RunFolder folder_;
  Recipe recipe_;
  bool resume_;
  bool is_new_;
  MadeFolders made_;              // until the run has begun
  std::optional<FileLock> lock_;  // goes last: what is written before is written by its holder
  Workers workers_;
  Setup setup_;
  RunPlan plan_;
  std::unique_ptr<Trainer> trainer_;
  std::unique_ptr<Embedder> embedder_;
  std::unique_ptr<RunLog> log_;
  RunMemory memory_;
  CollapseWatch collapse_;
  RunResult result_;
  std::optional<std::vector<Index>> probe_;  // training samples, where they were needed
  Index saved_step_ = -1;
  Index evaluated_step_ = -1;
  std::vector<Json> before_;  // lines of the log up to the step that is resumed, its steps apart
  std::string level_note_;    // of a resume at another level of instruction sets
  std::string ranks_note_;
};

Run::Run(Recipe recipe, std::unique_ptr<Dataset>&& dataset, const RunOptions& options,
         RunObserver& observer)
    : observer_(observer),
      group_(*options.group),
      folder_(options.folder),
      recipe_(std::move(recipe)),
      resume_(options.resume),
      is_new_(options.is_new),
      lock_(is_new_
                ? std::nullopt
                : folder_.lock_if_there(!resume_)),  // before the data, which may take long to open
      workers_(options.threads),
      setup_(read_setup(recipe_, recipe_.folder(), std::move(dataset))),
      plan_(setup_) {
  trainer_ = std::make_unique<Trainer>(setup_, workers_, group_);
  trainer_->write_settings(recipe_.root());
  recipe_.finish();
  memory_.recipe = recipe_.resolved();
  memory_.data_path = setup_.data_path;
  // What could not be written after hours is found now.
  check_model(memory_.recipe, setup_, state());
  check_checkpoint(state(), memory_);
  start_or_resume();
}

// What fails comes before what is written: a start that failed leaves nothing.
void Run::start_or_resume() {
  memory_.data = fingerprint_of_data(setup_);
  ranks_note_ = join_ranks(group_, {memory_.recipe, memory_.data});
  if (!resume_) take_weights();
  take_folder();
  if (resume_) resume();
  share_state(group_, trainer_->training_state());
  made_.make(folder_.checkpoints());
  folder_.clean();
  if (resume_) go_on();
  write_file_durably(folder_.recipe(), with_absolute_data(memory_));
  log_ = std::make_unique<RunLog>(folder_.log());
  made_.keep();
  saved_step_ = resume_ && state().step > 0 ? state().step : -1;
  tell_start();
}

void Run::take_weights() {
  const std::string& initial = setup_.train.initial;
  if (initial.empty()) return;
  for (const std::string& note : take_over_weights(initial, trainer_->training_state())) {
    observer_.on_note(note);
  }
  const std::string scaled = scaling_note(initial, setup_.scaling);
  if (!scaled.empty()) observer_.on_warning(scaled);
  trainer_->restored();
}

void Run::take_folder() {
  if (!lock_) {
    if (is_new_) {
      folder_ = RunFolder::make_new(folder_.path(), made_);
    } else {
      made_.make(folder_.path());
    }
    lock_.emplace(folder_.lock());
    if (!resume_) folder_.claim();
  }
  if (!lock_->unsupported().empty()) {
    observer_.on_note(unlocked_note(folder_, lock_->unsupported()));
  }
}

void Run::resume() {
  const Resumed from = resume_training(folder_, memory_, trainer_->training_state(), observer_);
  if (!from.checkpoint.empty()) {
    memory_.recipe = with_data_as_saved(memory_.recipe, from.memory.recipe);
    memory_.best_step = from.memory.best_step;
    memory_.best_value = from.memory.best_value;
    trainer_->restored();
    if (const std::string text = unchecked_note(setup_); !text.empty()) observer_.on_note(text);
    level_note_ = level_note(from.checkpoint, from.level);
  }
  if (state().step == 0) take_weights();
}

// The log of what the run goes on from.
void Run::go_on() {
  cut_run_log(folder_.log(), state().step);
  for (const Json& line : read_run_log(folder_.log())) {
    result_.train_seconds = number_in(line, "train_seconds", result_.train_seconds);
    if (!line.contains("loss")) before_.push_back(line);
    collapse_.look(line["step"].get<Index>(),
                   number_in(line, "between_class_cosine", std::nan("")));
  }
}

void Run::tell_start() {
  RunStart start;
  start.folder = folder_.path();
  start.setup = &setup_;
  start.layers = trainer_->layers();
  start.forward_flops = trainer_->forward_flops();
  for (const Segment& segment : state().table.segments()) start.parameters += segment.whole();
  start.first_step = state().step;
  start.last_step = plan_.last_step();
  observer_.on_start(start);
  const Json machine = record_of_machine(state().step, setup_, workers_);
  if (!holds_machine(before_, machine)) log_->append(machine);
  for (const std::string& note : setup_.dataset->notes()) observer_.on_note(note);
  if (!setup_.dataset->advice().empty()) observer_.on_note(setup_.dataset->advice());
  if (!level_note_.empty()) note(level_note_);
  if (!ranks_note_.empty()) note(ranks_note_);
  for (const std::string& text : trainer_->notes()) observer_.on_note(text);
  const PlanState plan{&setup_, state().step, resume_};
  for (const std::string& text : plan_notes(plan, folder_)) observer_.on_note(text);
}

/// Into the log as well, once.
void Run::note(const std::string& text) {
  const auto same = [&](const Json& line) { return line.contains("note") && line["note"] == text; };
  if (std::ranges::none_of(before_, same)) {
    log_->append({{"step", state().step}, {"note", text}});
  }
  observer_.on_note(text);
}

RunResult Run::finish() {
  try {
    train();
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::diverged) throw;
    keep_last_finite(error);
  }
  log_->close();
  group_.leave();
  if (collapse_.collapsed()) result_.collapse = collapse_.text();
  result_.folder = folder_.path();
  result_.step = state().step;
  result_.model = folder_.model();
  return result_;
}

void Run::train() {
  while (state().step < plan_.last_step() && !result_.interrupted) {
    train_one_step();
    if (plan_.evaluates_after(state().step)) evaluate_validation();
    if (plan_.saves_after(state().step)) save_checkpoint();
    trainer_->written();
    result_.interrupted =
        plan_.goes_on_after(state().step) && group_.any(observer_.stop_requested());
  }
  const bool complete = state().step == setup_.planned_steps();
  if (complete && evaluated_step_ != state().step) evaluate_validation();
  if (memory_.best_step < 0) keep_model();
  if (saved_step_ != state().step) save_checkpoint();
  if (complete) evaluate_test();
  trainer_->written();
  result_.complete = complete;
}

void Run::train_one_step() {
  const auto start = std::chrono::steady_clock::now();
  const StepReport& report = trainer_->step();
  result_.train_seconds +=
      std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  log_->append(record_of(report, result_.train_seconds));
  observer_.on_step(report, result_.train_seconds);
  result_.between_class_cosine = report.between_class_cosine;
  if (collapse_.look(report.step, report.between_class_cosine)) {
    log_->append({{"step", report.step}, {"note", collapse_.text()}});
    observer_.on_warning(collapse_.text());
  }
}

void Run::keep_last_finite(const Error& error) {
  if (!is_finite(state())) {
    trainer_->written();
    fail(error.kind(), fmt::format("{}; what is finite are the checkpoints before it, in "
                                   "{}/checkpoints",
                                   error.what(), folder_.path()));
  }
  if (saved_step_ != state().step) save_checkpoint();
  trainer_->written();
  const std::string name = folder_.checkpoint_name(state().step);
  fail(error.kind(),
       fmt::format(
           "{}; the last finite state is kept in {}/{}, but what is wrong begins before it: "
           "begin a new run with a lower learning rate, as in: kindred train {}/recipe.toml "
           "--set optimizer.learning_rate={:.2g} --out NEW",
           error.what(), folder_.path(), name, folder_.path(), trainer_->learning_rate() / 10));
}

void Run::evaluate_validation() {
  evaluated_step_ = state().step;
  const std::vector<Index>& samples = setup_.set.validation_samples;
  if (samples.empty()) return;
  if (!embedder_) embedder_ = embedder_of(setup_, *trainer_, workers_);
  embedder_->load(state().weights());
  Evaluation evaluation;
  evaluation.split = "validation";
  evaluation.step = state().step;
  const Matrix embeddings = embed_together(group_, *embedder_, *setup_.dataset, samples);
  evaluation.result = evaluate_rows(embeddings.view(), *setup_.dataset, samples, workers_);
  const double value = evaluation.result[setup_.train.select];
  evaluation.best = memory_.best_step < 0 || value > memory_.best_value ||
                    memory_.best_step == state().step;  // the same evaluation, of a resumed run
  if (evaluation.best) {
    memory_.best_step = state().step;
    memory_.best_value = value;
    keep_model(own_threshold(embeddings.view(), *setup_.dataset, samples, workers_));
  }
  tell(std::move(evaluation), samples);
  look_at_training();
}

// For the log alone: beside the validation's it shows what is learned by heart.
void Run::look_at_training() {
  if (!probe_) probe_ = training_probe(*setup_.dataset, setup_.set);
  if (probe_->empty() || is_told("training")) return;
  const Matrix embeddings = finite_embeddings(*embedder_, *setup_.dataset, *probe_);
  log_->append(record_of_training(
      state().step, evaluate_rows(embeddings.view(), *setup_.dataset, *probe_, workers_)));
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
  evaluation.result = evaluate_rows(finite_embeddings(embedder, *setup_.dataset, samples).view(),
                                    *setup_.dataset, samples, workers_);
  tell(std::move(evaluation), samples);
}

// At this step, before the run was resumed.
bool Run::is_told(const std::string& split) const {
  return std::ranges::any_of(before_, [&](const Json& line) {
    return line["step"] == state().step && evaluated_split(line) == split;
  });
}

void Run::tell(Evaluation evaluation, std::span<const Index> samples) {
  if (!is_told(evaluation.split)) log_->append(record_of(evaluation, result_.train_seconds));
  add_baseline(evaluation, samples);
  observer_.on_evaluation(evaluation);
  result_.evaluations.push_back(std::move(evaluation));
}

// What the samples are worth as they are does not change: once a split.
void Run::add_baseline(Evaluation& evaluation, std::span<const Index> samples) {
  const bool measured = std::ranges::any_of(result_.evaluations, [&](const Evaluation& before) {
    return before.split == evaluation.split;
  });
  if (measured) return;
  RawBaseline baseline = raw_baseline(*setup_.dataset, samples, setup_.scaling, workers_);
  if (baseline.what.empty()) return;
  evaluation.baseline_of = std::move(baseline.what);
  evaluation.baseline = std::move(baseline.result.metrics);
  const auto same_split = [&](const Json& line) {
    return line.contains("baseline_split") && line["baseline_split"] == evaluation.split;
  };
  if (std::ranges::none_of(before_, same_split)) log_->append(record_of_baseline(evaluation));
}

void Run::keep_model(std::optional<double> threshold) {
  write_model(folder_.model(), memory_.recipe, setup_, state(), threshold);
}

void Run::save_checkpoint() {
  const std::string name = folder_.checkpoint_name(state().step);
  const std::string path = folder_.path() + "/" + name;
  log_->sync();  // no checkpoint is on the disk whose steps are not in the log
  write_checkpoint(path, state(), memory_);
  log_->acknowledge(
      {{"step", state().step}, {"checkpoint", name}, {"train_seconds", result_.train_seconds}});
  saved_step_ = state().step;
  observer_.on_checkpoint(path, state().step);
  folder_.drop_old_checkpoints(setup_.train.keep_checkpoints, state().step);
}

}  // namespace

RunResult train_in_folder(Recipe recipe, std::unique_ptr<Dataset> dataset,
                          const RunOptions& options, RunObserver& observer) {
  files_of_training(recipe, options, dataset == nullptr).check();
  std::optional<Run> run;
  try {
    run.emplace(std::move(recipe), std::move(dataset), options, observer);
    return run->finish();
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::io || (!run && !options.resume)) throw;
    // A disk that is full: what was acknowledged is safe, and running again would begin anew.
    fail(ErrorKind::io,
         fmt::format("{}; then go on from the last checkpoint with --resume --out {}", error.what(),
                     run ? run->folder() : options.folder));
  }
}

}  // namespace kindred
