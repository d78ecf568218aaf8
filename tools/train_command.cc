#include <fmt/format.h>

#include <cmath>
#include <filesystem>

#include "command.h"
#include "kindred/core/error.h"
#include "kindred/core/text.h"
#include "kindred/train/run_files.h"
#include "progress.h"
#include "shipped.h"

namespace kindred::tools {
namespace {

struct TrainOptions : CommonOptions {
  std::string recipe;
  std::string out;
  bool resume = false;
  bool verbose = false;
  std::vector<std::string> assignments;
  // What they come to.
  Recipe read;
  RunOptions run;
};

void print_baseline(const Evaluation& evaluation) {
  fmt::print("  without a network, {}:\n", evaluation.baseline_of);
  for (const MetricValue& metric : evaluation.baseline) {
    if (metric.name == "recall@1" || metric.name == "map@r") {
      fmt::print("  {:<14} {:.4f}\n", metric.name, metric.value);
    }
  }
}

void print_result(const TrainOptions& options, const RunResult& result) {
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
  if (!write_json(options, numbers)) return;
  if (!result.evaluations.empty() && result.evaluations.back().split == "test") {
    const Evaluation& test = result.evaluations.back();
    print_table(test.result, "test samples, never looked at before, with the model that was kept:");
    if (!test.baseline.empty()) print_baseline(test);
  }
  if (!options.quiet) {
    fmt::print("{} steps in {:.1f} s of training; model: {}\n", result.step, result.train_seconds,
               printable(result.model));
  }
}

// The last word, also of who wants no notes.
void tell_collapse(const RunResult& result) {
  if (!result.collapse.empty()) note(result.collapse);
}

// The bar is gone when this returns or fails: what follows begins on a line of its own.
RunResult run_shown(Recipe recipe, const TrainOptions& options) {
  TrainingProgress progress(options.quiet, options.verbose);
  return run_training(std::move(recipe), options.run, progress);
}

// The recipe and where it is trained, and what that reads and writes.
void plan(TrainOptions& options, FileUse& files) {
  if (options.recipe.empty() && !(options.resume && !options.out.empty())) {
    fail(ErrorKind::usage, "train: name a recipe, or --resume with --out RUN; see train --help");
  }
  if (options.resume && options.out.empty()) {
    fail(ErrorKind::usage, "train --resume: name the run folder with --out");
  }
  Recipe recipe = options.recipe.empty()
                      ? recipe_of_run(options.out)
                      : Recipe::from_file(find_recipe(options.recipe, options.quiet));
  if (recipe.flat().empty()) {
    fail(
        ErrorKind::recipe,
        fmt::format("{}: is empty: a recipe names its data, [data] file = \"DATA.h5\", and what is "
                    "trained for, [[loss]] name = \"softmax\"; `kindred inspect DATA.h5` writes "
                    "one for a data set, `kindred list recipes` names those that are shipped",
                    recipe.origin()));
  }
  for (const std::string& assignment : options.assignments) recipe.set(assignment);
  RunOptions& run = options.run;
  run.is_new = options.out.empty();
  run.folder =
      run.is_new ? "runs/" + std::filesystem::path(options.recipe).stem().string() : options.out;
  run.resume = options.resume;
  run.threads = options.threads;
  files.add(files_of_training(recipe, run));
  if (!run.is_new) {
    files.may_write((std::filesystem::path(run.folder) / "report.html").string(), &kHtmlFile);
  }
  options.read = std::move(recipe);
}

void train(TrainOptions& options) {
  watch_signals();
  const RunResult result = run_shown(std::move(options.read), options);
  print_result(options, result);
  if (result.complete) {
    try {
      write_run_report(result.folder, "", "", options);
    } catch (const std::exception& error) {  // the run itself is safe
      note(fmt::format("report.html could not be written: {}; kindred report {} tries again",
                       error.what(), result.folder));
    }
  }
  tell_collapse(result);
  if (result.interrupted) {
    note(fmt::format("stopped after step {}; go on with: kindred train --out {} --resume",
                     result.step, result.folder));
  }
}

}  // namespace

void add_train(const Command& program) {
  auto options = std::make_shared<TrainOptions>();
  const Command command = program.add_command("train", "train an embedding by a recipe");
  command
      .add_option("recipe", options->recipe,
                  "TOML recipe, or the name of one that is shipped; see list "
                  "recipes (may be left out with --resume)")
      .type_name("RECIPE.toml");
  command
      .add_option("--out", options->out,
                  "run folder (default: a new one, runs/RECIPE, or runs/RECIPE-2, ...)")
      .check(named())
      .type_name("DIR");
  command.add_flag("--resume", options->resume,
                   "go on from the newest acknowledged checkpoint of --out");
  command
      .add_option("--set", options->assignments,
                  "change a key of the recipe: section.key=value; loss.triplet.margin=0.3")
      .type_name("KEY=VALUE")
      .one_word_each();
  command.add_flag("--verbose", options->verbose, "show every layer of the network");
  add_threads(command, *options);
  add_json(command, *options);
  add_quiet(command, *options);
  command.footer(
      "Ctrl-C finishes the step, writes a checkpoint, and says how to resume; so do SIGTERM and a\n"
      "terminal that is closed, unless nohup keeps the run going. Another one, a second later, "
      "ends\n"
      "it at once.\n"
      "A folder that holds a run is another run's: --resume goes on with it. Others' recipe.toml "
      "and\n"
      "model.kindred stay.\n"
      "Example:\n  kindred train omniglot --out runs/first --set train.epochs=2");
  command.callback([options] { train(*options); },
                   [options](FileUse& files) { plan(*options, files); });
}

}  // namespace kindred::tools
