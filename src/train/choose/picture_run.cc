#include "kindred/train/picture_run.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <optional>

#include "core/files/file_lock.h"
#include "core/files/made_folders.h"
#include "data/archive/archive.h"
#include "kindred/core/error.h"
#include "kindred/core/file.h"
#include "kindred/core/output_file.h"
#include "kindred/core/parallel.h"
#include "kindred/train/picture_choice.h"
#include "train/choose/measured_speed.h"
#include "train/choose/recipe_lines.h"
#include "train/runs/run_folder.h"

namespace kindred {
namespace {

namespace fs = std::filesystem;

constexpr double kFewPasses = 8;  // over the samples: then a faster network learns more
constexpr double kReport = 0.02;  // of the minutes: the last evaluation and the report

double seconds_since(std::chrono::steady_clock::time_point begin) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

/// Files that are removed again unless the work was done.
class UntilDone {
 public:
  ~UntilDone() {
    for (const std::string& file : files_) ::unlink(file.c_str());
  }
  void add(const std::string& file) { files_.push_back(file); }
  void done() { files_.clear(); }

 private:
  std::vector<std::string> files_;
};

void check_folders(const std::string& source, const PictureSurvey& survey) {
  if (survey.folder_sizes.size() > 1 && survey.folder_sizes.back() < 2 && survey.other_files == 0) {
    fail(ErrorKind::data,
         fmt::format(
             "{}: each of its {} folders holds one picture; what pictures of a class have in "
             "common is learnt from two or more of each",
             source, survey.folder_sizes.size()));
  }
}

ImportReport import_all(const std::string& source, const std::string& data_path,
                        const PictureSurvey& survey, const ImportOptions& options,
                        WorkObserver& observer) {
  try {
    return import_dataset(std::span(&source, 1), data_path, options, &observer);
  } catch (const Error& error) {
    const bool flat = survey.pictures > 0 && survey.in_no_folder == survey.pictures;
    if (error.kind() != ErrorKind::usage || !flat) throw;
    fail(ErrorKind::data,
         fmt::format(
             "{}: its {} pictures lie in no folders, so nothing says which show the same: put "
             "the pictures of each thing into a folder of its own, as in {}/NAME/*.jpg; or make "
             "a data set by a list of path,label: kindred import LIST.csv {} DATA.h5, then "
             "kindred init DATA.h5",
             source, survey.pictures, source, source));
  }
}

void check_classes(const std::string& source, const ImportReport& report) {
  if (report.classes >= 2) return;
  fail(ErrorKind::data,
       fmt::format(
           "{}: its {} pictures are of one class; training learns to tell classes apart: put "
           "the pictures of each thing into a folder of its own, two or more of each, as in "
           "{}/NAME/*.jpg",
           source, report.samples, source));
}

}  // namespace

bool holds_pictures(const std::string& path) {
  if (!exists(path)) return false;
  return is_folder(path) || is_archive(path);
}

ImportedPictures import_pictures(const std::string& source, const std::string& data_path,
                                 const ChoosingOptions& options, WorkObserver& observer) {
  const RecipeLines said(options.assignments);
  const PictureSurvey survey = survey_pictures(source);
  check_folders(source, survey);
  PictureChoice choice =
      choose_pictures(survey, options.minutes, !said.is_said("data.validation_classes"));
  choice.options.threads = options.threads;
  for (const std::string& why : choice.why) observer.on_note(why);
  ImportedPictures imported;
  imported.report = import_all(source, data_path, survey, choice.options, observer);
  imported.why = std::move(choice.why);
  return imported;
}

RecipeChoice choose_for_data(const std::string& file, const std::string& folder,
                             const std::vector<std::string>& why, const ChoosingOptions& options,
                             WorkObserver& observer) {
  const RecipeLines said(options.assignments);
  RecipeFacts facts = facts_of(Dataset::open((fs::path(folder) / file).string(), 0, options.names));
  facts.file = file;
  facts.names = options.names;
  facts.why = why;
  facts.assignments = options.assignments;
  const bool planned = said.is_said("train.epochs") || said.is_said("train.planned_steps") ||
                       said.is_said("train.steps");
  const Workers workers(options.threads);
  if (planned && !options.always_measure) {
    RecipeChoice choice = choose_recipe(facts);
    measure_speed(choice.text, folder, options.assignments, 0, workers, observer);
    return choice;
  }
  facts.threads = workers.threads();
  const double all = options.minutes * 60;
  RecipeChoice choice;
  const bool own = said.is_said("model.architecture") || said.is_said("model.layers");
  const int networks = own ? 1 : networks_to_choose(facts);
  for (facts.network = 0; facts.network < networks; ++facts.network) {
    facts.images_per_second = 0;
    const MeasuredSpeed speed =
        measure_speed(choose_recipe(facts).text, folder, options.assignments,
                      std::clamp(all / 50, 0.3, 2.0), workers, observer);
    facts.images_per_second = speed.images_per_second;
    facts.batch = speed.batch;
    facts.seconds = std::max(0.0, all * (1 - kReport) - seconds_since(options.begun));
    choice = choose_recipe(facts);
    if (choice.passes >= kFewPasses) break;
  }
  if (!planned && choice.passes < kFewPasses) {
    observer.on_note(fmt::format(
        "{:.3g} minutes are few for these samples: {:.2g} passes over them, where some tens teach "
        "more; --minutes {:.0f} would be 20",
        options.minutes, choice.passes,
        std::ceil(options.minutes * 20 / std::max(choice.passes, 0.1))));
  }
  return choice;
}

PictureRun start_picture_run(const std::string& pictures, const RunOptions& run,
                             const ChoosingOptions& options, WorkObserver& observer) {
  MadeFolders made;
  RunFolder folder(run.folder);
  if (run.is_new) {
    folder = RunFolder::make_new(run.folder, made);
  } else {
    made.make(folder.path());
  }
  UntilDone files;  // gone before the folders are
  PictureRun started;
  started.folder = folder.path();
  started.recipe = folder.chosen_recipe();
  {
    const FileLock lock = folder.lock();
    folder.claim();
    if (exists(folder.data())) {
      fail(ErrorKind::cannot_create,
           fmt::format("{}: is there already, and is not replaced; name another folder with --out, "
                       "or move it away",
                       folder.data()));
    }
    files.add(folder.data());
    ImportedPictures imported = import_pictures(pictures, folder.data(), options, observer);
    started.imported = std::move(imported.report);
    started.interrupted = started.imported.interrupted;
    if (started.interrupted) return started;
    check_classes(pictures, started.imported);
    const std::string file = fs::path(folder.data()).filename().string();
    started.text = choose_for_data(file, folder.path(), imported.why, options, observer).text;
    write_file_durably(started.recipe, started.text);
  }
  files.done();
  made.keep();
  return started;
}

}  // namespace kindred
