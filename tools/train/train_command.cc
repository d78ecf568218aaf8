#include <fmt/format.h>

#include <cmath>
#include <filesystem>

#include "command.h"
#include "count_bar.h"
#include "kindred/core/error.h"
#include "kindred/core/file.h"
#include "kindred/core/text.h"
#include "kindred/data/hdf5_file.h"
#include "kindred/train/picture_run.h"
#include "kindred/train/run_files.h"
#include "progress.h"
#include "shipped.h"
#include "train/picture_notes.h"

namespace kindred::tools {
namespace {

struct TrainOptions : CommonOptions {
  std::string recipe;
  std::string out;
  bool resume = false;
  bool verbose = false;
  ChoosingOptions choosing;  // of pictures, and what is set in any recipe
  // What they come to.
  Recipe read;
  RunOptions run;
  std::unique_ptr<ProcessGroup> group;
  bool pictures = false;  // the recipe is yet to be chosen
  Json imported;
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
  if (!options.imported.is_null()) numbers["import"] = options.imported;
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

/// What a rank other than 0 hears of its run: nothing but signals.
class HelpingObserver final : public RunObserver {
 public:
  bool stop_requested() override { return signal_received() != 0; }
};

// The bar is gone when this returns or fails: what follows begins on a line of its own.
RunResult run_shown(Recipe recipe, const TrainOptions& options) {
  const auto run = [&](RunObserver& observer) {
    return run_training(std::move(recipe), options.run, observer);
  };
  if (options.group->rank() != 0) {
    HelpingObserver helping;
    return run(helping);
  }
  if (const int cpus = Workers::default_threads();
      options.group->size() > 1 && options.threads > cpus) {
    note(fmt::format(
        "--threads {}: this rank may use {} of the machine's CPUs; Open MPI binds ranks "
        "to cores, mpirun --bind-to none does not",
        options.threads, cpus));
  }
  TrainingProgress progress(options.quiet, options.verbose);
  return run(progress);
}

// "photos" of photos/ and of photos.zip.
std::string stem_of_pictures(const std::string& pictures) {
  std::filesystem::path path = std::filesystem::absolute(pictures).lexically_normal();
  if (!path.has_filename()) path = path.parent_path();
  const std::string name = path.filename().string();
  const std::string stem = is_folder(pictures) ? name : name.substr(0, name.find('.', 1));
  return stem.empty() ? "photos" : stem;
}

bool is_picture_or_list(const std::string& path) {
  for (const char* ending :
       {".csv", ".tsv", ".jpg", ".jpeg", ".png", ".pgm", ".ppm", ".webp", ".bmp"}) {
    if (path.ends_with(ending)) return true;
  }
  return false;
}

// What is no recipe, and is taken for one easily.
void check_kind(const std::string& path) {
  if (!exists(path)) return;
  if (is_folder(path) && (exists(path + "/model.kindred") || exists(path + "/metrics.jsonl"))) {
    fail(ErrorKind::usage,
         fmt::format("train: {} is the folder of a run; to go on with it: kindred train --out {} "
                     "--resume",
                     path, path));
  }
  if (!is_folder(path) && is_picture_or_list(path)) {
    fail(ErrorKind::usage,
         fmt::format("train: {} is a picture or a list; name a folder or an archive of pictures, a "
                     "folder a class; of a list: kindred import {} PICTURES DATA.h5, then kindred "
                     "init DATA.h5",
                     path, path));
  }
  if (!is_folder(path) && (is_hdf5_file(path) || path.ends_with(".npy"))) {
    fail(ErrorKind::usage,
         fmt::format("train: {} is a data set; to write a recipe for it: kindred init {}", path,
                     path));
  }
}

Recipe read_recipe(const TrainOptions& options) {
  if (options.recipe.empty() || options.pictures) return recipe_of_run(options.out);
  Recipe recipe = Recipe::from_file(find_recipe(options.recipe, options.quiet));
  if (!recipe.flat().empty()) return recipe;
  fail(
      ErrorKind::recipe,
      fmt::format("{}: is empty: a recipe names its data, [data] file = \"DATA.h5\", and what is "
                  "trained for, [[loss]] name = \"softmax\"; `kindred init DATA.h5` writes one for "
                  "a data set, `kindred list recipes` names those that are shipped",
                  recipe.origin()));
}

void set_all(Recipe& recipe, const TrainOptions& options) {
  for (const std::string& assignment : options.choosing.assignments) recipe.set(assignment);
}

// The recipe and where it is trained, and what that reads and writes.
void plan(TrainOptions& options, bool minutes_given, FileUse& files) {
  options.choosing.begun = std::chrono::steady_clock::now();
  if (options.recipe.empty() && !(options.resume && !options.out.empty())) {
    fail(ErrorKind::usage,
         "train: name a recipe or a folder of pictures, or --resume with --out RUN; see train "
         "--help");
  }
  if (options.resume && options.out.empty()) {
    fail(ErrorKind::usage, "train --resume: name the run folder with --out");
  }
  options.group = open_process_group();
  check_kind(options.recipe);
  options.pictures = !options.recipe.empty() && holds_pictures(options.recipe);
  const bool chooses = options.pictures && !options.resume;  // else the run has its recipe
  if (chooses && options.group->size() > 1) {
    fail(ErrorKind::usage,
         fmt::format("train {0}: several ranks train by a recipe; one process makes it: kindred "
                     "import {0} DATA.h5, then kindred init DATA.h5 --out RECIPE.toml",
                     options.recipe));
  }
  if (minutes_given && !chooses) {
    fail(ErrorKind::usage,
         "train --minutes: goes with a folder or archive of pictures; a recipe says how long by "
         "train.epochs, a run that is resumed keeps its plan");
  }
  RunOptions& run = options.run;
  run.is_new = options.out.empty();
  run.folder = !run.is_new        ? options.out
               : options.pictures ? "runs/" + stem_of_pictures(options.recipe)
                                  : "runs/" + std::filesystem::path(options.recipe).stem().string();
  run.resume = options.resume;
  run.threads = options.threads;
  run.group = options.group.get();
  options.quiet = options.quiet || options.group->rank() != 0;
  if (chooses) {
    files.add(files_of_picture_training(options.recipe, run));
  } else {
    options.read = read_recipe(options);
    set_all(options.read, options);
    files.add(files_of_training(options.read, run));
  }
  if (!run.is_new) {
    files.may_write((std::filesystem::path(run.folder) / "report.html").string(), &kHtmlFile);
  }
}

// Pictures become a data set and a recipe in the run's folder; false where that was stopped.
bool choose(TrainOptions& options) {
  options.choosing.threads = options.threads;
  BarObserver observer("images", options.quiet);
  PictureRun started = start_picture_run(options.recipe, options.run, options.choosing, observer);
  if (started.interrupted) {
    note("stopped while the pictures were imported; nothing was written");
    return false;
  }
  if (!options.quiet) tell_left_out(started.imported);
  options.imported = json_of_import(started.imported);
  if (!options.quiet && options.json != "-") fmt::print("{}\n", printable_lines(started.text));
  options.read = Recipe::from_file(started.recipe);
  set_all(options.read, options);
  options.run.folder = started.folder;
  options.run.is_new = false;
  return true;
}

void train(TrainOptions& options) {
  watch_signals();
  if (options.pictures && !options.run.resume && !choose(options)) return;
  const RunResult result = run_shown(std::move(options.read), options);
  if (options.group->rank() != 0) return;
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
  const Command command =
      program.add_command("train", "train an embedding by a recipe, or for a folder of pictures");
  command
      .add_option(
          "recipe", options->recipe,
          "TOML recipe, or the name of one that is shipped (see list recipes); or a folder or "
          "archive of pictures, a folder a class, for which one is chosen (may be left out "
          "with --resume)")
      .type_name("RECIPE.toml|PICTURES");
  command
      .add_option("--out", options->out,
                  "run folder (default: a new one, runs/RECIPE, or runs/RECIPE-2, ...)")
      .check(named())
      .type_name("DIR");
  const Option minutes =
      command
          .add_option("--minutes", options->choosing.minutes,
                      "of pictures: importing, measuring and training in all (default: 5)")
          .type_name("N")
          .check(run_minutes());
  command.add_flag("--resume", options->resume,
                   "go on from the newest acknowledged checkpoint of --out");
  command
      .add_option("--set", options->choosing.assignments,
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
      "Pictures become data.h5 in the run folder, and the recipe chosen.toml; what was chosen is\n"
      "printed, and --set says any of it in its place. kindred init writes the same without "
      "training.\n"
      "mpirun -n R kindred train RECIPE: R processes, on one machine or several,\n"
      "train what one trains.\n"
      "Example:\n"
      "  kindred train photos/ --minutes 10\n"
      "  kindred train omniglot --out runs/first --set train.epochs=2");
  command.callback(
      [options] { train(*options); },
      [options, minutes](FileUse& files) { plan(*options, minutes.count() > 0, files); });
}

}  // namespace kindred::tools
