#pragma once
#include <chrono>
#include <string>
#include <vector>

#include "kindred/core/export.h"
#include "kindred/data/import.h"
#include "kindred/data/sample_kinds.h"
#include "kindred/train/recipe_choice.h"
#include "kindred/train/run.h"

namespace KINDRED_API kindred {

/// What a recipe is to be chosen for.
struct ChoosingOptions {
  double minutes = 5;  ///< from `begun` on: importing, measuring and training
  std::chrono::steady_clock::time_point begun = std::chrono::steady_clock::now();
  int threads = 0;                            ///< 0: Workers::default_threads()
  std::vector<std::string> assignments = {};  ///< "section.key=value": said, not chosen
  DatasetNames names = {};                    ///< of a data set of somebody else
  /// Measure also where assignments say how long it takes.
  bool always_measure = false;
};

/// Whether it is a folder or an archive: sources of pictures, where a recipe or a data set is
/// expected.
bool holds_pictures(const std::string& path);

/// A data set that was made of pictures.
struct ImportedPictures {
  ImportReport report;
  std::vector<std::string> why;  ///< how they became samples, a sentence each
};

/// Imports pictures as choose_pictures() says; the observer hears what was left out or guessed, and
/// the choices, before the work. Fails as import_dataset() does.
ImportedPictures import_pictures(const std::string& source, const std::string& data_path,
                                 const ChoosingOptions& options, WorkObserver& observer);

/// A recipe for a data set, `file` being data.file as seen from `folder`, where the recipe will be.
/// Trains some steps to measure how fast the network is, and takes a smaller one where the time is
/// short. Fails as facts_of() does, with recipe where assignments do not fit, with Interrupted
/// where the observer wants it.
RecipeChoice choose_for_data(const std::string& file, const std::string& folder,
                             const std::vector<std::string>& why, const ChoosingOptions& options,
                             WorkObserver& observer);

/// A run that is ready to be trained: run_training() of `recipe` with the folder.
struct PictureRun {
  std::string folder;
  std::string recipe;  ///< chosen.toml in it, with its reasons
  std::string text;    ///< what that holds
  ImportReport imported;
  bool interrupted = false;  ///< as the observer asked: nothing was left
};

/// Makes the folder of `run` (as run_training does: is_new, cannot_create where it holds a run
/// already), imports the pictures into data.h5 in it, and writes chosen.toml. What fails leaves
/// nothing.
PictureRun start_picture_run(const std::string& pictures, const RunOptions& run,
                             const ChoosingOptions& options, WorkObserver& observer);

}  // namespace kindred
