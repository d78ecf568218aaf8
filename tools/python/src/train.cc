#include <fmt/format.h>
#include <pybind11/stl.h>

#include <cmath>
#include <filesystem>
#include <optional>

#include "bindings.h"
#include "held_dataset.h"
#include "interruption.h"
#include "json_values.h"
#include "kindred/core/error.h"
#include "kindred/core/output_file.h"
#include "kindred/train/picture_run.h"
#include "kindred/train/run.h"
#include "train/runs/run_records.h"

namespace kindred::python {
namespace {

/// Gives each line of the run's log to a callback, and keeps what a result tells of.
class PythonRun final : public RunObserver {
 public:
  PythonRun(py::object callback, Interruption& interruption)
      : callback_(std::move(callback)), interruption_(interruption) {}

  void on_start(const RunStart& start) override {
    call({{"folder", start.folder},
          {"parameters", start.parameters},
          {"first_step", start.first_step},
          {"last_step", start.last_step}});
  }
  void on_step(const StepReport& report, double train_seconds) override {
    step_ = report.step;
    train_seconds_ = train_seconds;
    if (wanted()) call(record_of(report, train_seconds));
  }
  void on_evaluation(const Evaluation& evaluation) override {
    call(record_of(evaluation, train_seconds_));
    if (!evaluation.baseline.empty()) call(record_of_baseline(evaluation));
  }
  void on_checkpoint(const std::string& path, Index step) override {
    call({{"step", step}, {"checkpoint", path}, {"train_seconds", train_seconds_}});
  }
  void on_note(const std::string& text) override {
    notes_.push_back(text);
    call({{"step", step_}, {"note", text}});
  }
  void on_warning(const std::string& text) override {
    notes_.push_back(text);
    const py::gil_scoped_acquire gil;
    if (PyErr_WarnEx(PyExc_RuntimeWarning, text.c_str(), 1) != 0) {
      interruption_.keep(py::error_already_set());
    }
    call({{"step", step_}, {"warning", text}});
  }
  bool stop_requested() override { return interruption_.requested(); }

  const std::vector<std::string>& notes() const { return notes_; }

 private:
  bool wanted() const { return !callback_.is_none() && !interruption_.kept(); }
  void call(const Json& record) {
    if (!wanted()) return;
    const py::gil_scoped_acquire gil;
    try {
      callback_(python_of(record));
    } catch (py::error_already_set& error) {
      interruption_.keep(std::move(error));
    }
  }

  py::object callback_;
  Interruption& interruption_;
  Index step_ = 0;
  double train_seconds_ = 0;
  std::vector<std::string> notes_;
};

struct Asked {
  std::string recipe;  ///< a path, or a text
  bool is_text = false;
  std::string pictures;  ///< in place of a recipe
  std::string out;
  bool is_new = false;
  bool resume = false;
  int threads = 0;
  double minutes = 5;
  std::vector<std::string> settings;
};

Json json_of(const RetrievalResult& result) {
  Json numbers;
  for (const MetricValue& metric : result.metrics) numbers[metric.name] = metric.value;
  numbers["queries_used"] = result.queries_used;
  numbers["queries_without_match"] = result.queries_without_match;
  numbers["queries_with_ties"] = result.queries_with_ties;
  return numbers;
}

/// As `kindred train --json` has it.
Json json_of(const RunResult& result) {
  Json numbers;
  numbers["step"] = result.step;
  numbers["train_seconds"] = result.train_seconds;
  numbers["model"] = result.model;
  numbers["complete"] = result.complete;
  numbers["collapsed"] = !result.collapse.empty();
  if (std::isfinite(result.between_class_cosine)) {
    numbers["between_class_cosine"] = result.between_class_cosine;
  }
  for (const Evaluation& evaluation : result.evaluations) {
    numbers[evaluation.split] = json_of(evaluation.result);  // the last of each split
    if (evaluation.baseline.empty()) continue;
    Json& baseline = numbers["baseline"][evaluation.split];
    baseline["what"] = evaluation.baseline_of;
    for (const MetricValue& metric : evaluation.baseline) baseline[metric.name] = metric.value;
  }
  return numbers;
}

Recipe recipe_asked(const Asked& asked) {
  if (asked.recipe.empty()) return recipe_of_run(asked.out);
  Recipe recipe =
      asked.is_text ? Recipe::from_text(asked.recipe, "recipe") : Recipe::from_file(asked.recipe);
  if (!recipe.flat().empty()) return recipe;
  fail(ErrorKind::recipe, fmt::format("{}: is empty: a recipe says what is trained for, [[loss]] "
                                      "name = \"softmax\"",
                                      recipe.origin()));
}

void name_data(Recipe& recipe, const HeldDataset& data) {
  NamedSettings settings{"", {{"file", data.path()}}};
  const DatasetNames& names = data.names();
  const auto put = [&](const char* key, const std::string& value) {
    if (!value.empty()) settings.values.emplace_back(key, value);
  };
  put("images", names.images);
  put("labels", names.labels);
  put("layout", names.layout);
  put("negative_labels", names.negative_labels);
  recipe.root().section("data").put_settings(settings);
}

RunResult train_recipe(const Asked& asked, const RunOptions& options, HeldDataset* data,
                       PythonRun& observer) {
  Recipe recipe = recipe_asked(asked);
  if (data != nullptr && data->is_file()) name_data(recipe, *data);
  for (const std::string& assignment : asked.settings) recipe.set(assignment);
  if (data == nullptr || data->is_file()) {
    return run_training(std::move(recipe), options, observer);
  }
  return run_training(std::move(recipe), data->for_training(), options, observer);
}

/// Pictures in place of a recipe; nothing where that was stopped.
std::optional<RunResult> train_pictures(const Asked& asked, RunOptions options,
                                        Interruption& interruption, PythonRun& observer) {
  StoppableWork work(interruption);
  const PictureRun started = start_picture_run(
      asked.pictures, options,
      {.minutes = asked.minutes, .threads = options.threads, .assignments = asked.settings}, work);
  if (started.interrupted) return std::nullopt;
  options.folder = started.folder;
  options.is_new = false;
  Recipe recipe = Recipe::from_file(started.recipe);
  for (const std::string& assignment : asked.settings) recipe.set(assignment);
  return run_training(std::move(recipe), options, observer);
}

py::dict train(const Asked& asked, std::shared_ptr<HeldDataset> data, py::object callback) {
  const RunOptions options{.folder = asked.out,
                           .resume = asked.resume,
                           .threads = threads_for(asked.threads),
                           .is_new = asked.is_new};
  Interruption interruption;
  PythonRun observer(std::move(callback), interruption);
  std::optional<RunResult> result;
  {
    const py::gil_scoped_release released;
    try {
      result = asked.pictures.empty() || asked.resume
                   ? train_recipe(asked, options, data.get(), observer)
                   : train_pictures(asked, options, interruption, observer);
    } catch (const Interrupted&) {
      if (!interruption.kept()) throw;
    }
  }
  interruption.rethrow(!result ? "stopped before the first step; nothing was written"
                       : result->complete
                           ? ""
                           : fmt::format("stopped after step {}, with a checkpoint; go on with: "
                                         "kindred.train(..., out='{}', resume=True)",
                                         result->step, result->folder));
  py::dict values;
  values["metrics"] = python_of(json_of(*result));
  values["folder"] = result->folder;
  values["model"] = result->model;
  values["step"] = result->step;
  values["complete"] = result->complete;
  values["train_seconds"] = result->train_seconds;
  values["collapse"] = result->collapse;
  values["notes"] = observer.notes();
  return values;
}

}  // namespace

void bind_train(py::module_& module) {
  using namespace py::literals;
  module.def(
      "_train",
      [](std::string recipe, bool is_text, std::string pictures, std::string out, bool is_new,
         bool resume, int threads, double minutes, std::vector<std::string> settings,
         std::shared_ptr<HeldDataset> data, py::object callback) {
        return train({.recipe = std::move(recipe),
                      .is_text = is_text,
                      .pictures = std::move(pictures),
                      .out = std::move(out),
                      .is_new = is_new,
                      .resume = resume,
                      .threads = threads,
                      .minutes = minutes,
                      .settings = std::move(settings)},
                     std::move(data), std::move(callback));
      },
      py::kw_only(), "recipe"_a, "is_text"_a, "pictures"_a, "out"_a, "is_new"_a, "resume"_a,
      "threads"_a, "minutes"_a, "settings"_a, "data"_a, "callback"_a);
  module.def(
      "_holds_pictures", [](const std::string& path) { return holds_pictures(path); }, "path"_a);
}

}  // namespace kindred::python
