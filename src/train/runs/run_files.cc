#include "kindred/train/run_files.h"

#include <filesystem>

#include "kindred/core/error.h"
#include "kindred/core/file.h"
#include "kindred/data/dataset_files.h"
#include "kindred/train/setup.h"
#include "train/runs/run_folder.h"

namespace kindred {
namespace {

namespace fs = std::filesystem;

struct RecipeFiles {
  std::vector<std::string> data;
  std::string initial;  ///< weights to begin with; empty: none
};

/// From a copy: a recipe remembers what was read of it.
/// As `kindred train` writes it: others' have comments, or another order.
const FileKind kRunRecipe{"a run's recipe", [](const std::string& path) {
                            try {
                              const std::vector<std::byte> bytes = read_file(path);
                              const std::string text(reinterpret_cast<const char*>(bytes.data()),
                                                     bytes.size());
                              return Recipe::from_text(text, path).resolved() == text;
                            } catch (const Error& error) {
                              if (error.kind() == ErrorKind::system) throw;
                              return false;
                            }
                          }};
const FileKind kChosenRecipe{"a recipe that was chosen for pictures", [](const std::string& path) {
                               return beginning_of_file(path, 64).starts_with("# Chosen for ");
                             }};
/// Of a file that is no output of a run that is begun: a data set of somebody's.
const FileKind kNothing{"an empty file", [](const std::string&) { return false; }};
const FileKind kModelFile{"a model", [](const std::string& path) {
                            // The header's length, then the header.
                            return beginning_of_file(path, 64).find("{\"__metadata__\"") == 8;
                          }};

RecipeFiles files_of(const Recipe& recipe) {
  Recipe copy = Recipe::from_text(recipe.resolved(), recipe.origin());
  const auto absolute = [&](const std::string& path) {
    return (fs::path(recipe.folder()) / path).string();
  };
  RecipeFiles files;
  files.data = files_of_dataset(absolute(read_data_file(copy.root().section("data"))));
  Section train = copy.root().section("train");
  if (train.has("initial")) train.read("initial", files.initial, "");
  if (!files.initial.empty()) files.initial = absolute(files.initial);
  return files;
}

void add_outputs(const RunOptions& options, FileUse& files) {
  const RunFolder run(options.folder);
  if (options.is_new) {  // nothing is in it
    const fs::path parent = fs::path(run.path()).parent_path();
    files.makes(parent.empty() ? "." : parent.string());
    return;
  }
  files.makes(run.path());
  files.writes_locked(run.recipe(), options.resume ? nullptr : &kRunRecipe);
  files.writes_locked(run.log());
  files.writes_locked(run.model(), options.resume ? nullptr : &kModelFile);
}

}  // namespace

FileUse files_of_training(const Recipe& recipe, const RunOptions& options, bool reads_data) {
  const RunFolder run(options.folder);
  FileUse files;
  // A run that goes on may be named by its own recipe, which it writes again.
  std::error_code none;
  const bool own = options.resume && fs::equivalent(recipe.origin(), run.recipe(), none);
  if (!own && fs::is_regular_file(recipe.origin(), none)) files.reads(recipe.origin());
  const RecipeFiles named = files_of(recipe);
  if (reads_data) {
    for (const std::string& file : named.data) files.reads(file);
  }
  if (!options.resume) files.reads(named.initial);
  add_outputs(options, files);
  return files;
}

FileUse files_of_picture_training(const std::string& pictures, const RunOptions& options) {
  const RunFolder run(options.folder);
  FileUse files;
  files.reads(pictures);
  add_outputs(options, files);
  if (options.is_new || exists(run.log())) return files;  // of a run: that is said
  files.writes_beside_inputs(run.data(), &kNothing);
  files.writes_beside_inputs(run.chosen_recipe(), &kChosenRecipe);
  return files;
}

std::vector<std::string> files_of_run(const std::string& folder) {
  const RunFolder run(folder);
  std::vector<std::string> files{run.recipe(), run.log(), run.model(), folder + "/checkpoints"};
  try {
    const RecipeFiles named = files_of(Recipe::from_file(run.recipe()));
    files.insert(files.end(), named.data.begin(), named.data.end());
  } catch (const Error&) {  // who reads the run says what is wrong with it
  }
  return files;
}

}  // namespace kindred
