#include "train/reports/run_to_show.h"

#include <filesystem>

#include "core/texts/json_text.h"
#include "kindred/core/error.h"
#include "kindred/core/file.h"
#include "kindred/core/text.h"
#include "train/runs/run_folder.h"

namespace kindred {
namespace {

namespace fs = std::filesystem;

std::string name_of_run(const std::string& folder) {
  const fs::path path = fs::path(folder).lexically_normal();
  return (path.has_filename() ? path : path.parent_path()).filename().string();
}

// "FILE.h5:/group" without its group.
std::string file_part(const std::string& path) {
  const std::size_t group = path.find(":/");
  return group == std::string::npos ? path : path.substr(0, group);
}

// Pages are sent to others: they name the data set, not the folders it lies in.
void add_settings(RunToShow& run) {
  Recipe shown = Recipe::from_text(run.recipe->resolved(), run.recipe->origin());
  const std::string file = value_of(shown, "data.file");
  if (!file.empty()) {
    const std::string name = fs::path(path_of_text(file)).filename().string();
    shown.set("data.file=" + quoted(text_of_path(name)));
  }
  for (const auto& [key, value] : shown.flat()) run.settings.push_back({key, value});
  run.recipe_text = shown.resolved();
}

}  // namespace

std::string value_of(const Recipe& recipe, const std::string& key) {
  const auto values = recipe.flat();
  const auto found = values.find(key);
  if (found == values.end()) return "";
  std::string text = found->second;
  if (text.size() >= 2 && (text.front() == '"' || text.front() == '\'')) {
    text = text.substr(1, text.size() - 2);
  }
  return text;
}

RunToShow read_run_to_show(const std::string& path) {
  const RunFolder folder(path);
  if (!is_folder(path)) {
    fail(ErrorKind::no_input, path + ": is not a run folder; name one that kindred train wrote");
  }
  if (!exists(folder.log())) {
    fail(ErrorKind::no_input,
         path + ": holds no metrics.jsonl; name a folder that kindred train wrote");
  }
  RunToShow run;
  run.name = name_of_run(path);
  run.log = read_run_log(folder.log());
  if (run.log.empty())
    fail(ErrorKind::data,
         folder.log() + ": holds no whole line: nothing was trained yet, or it is damaged");
  if (!exists(folder.recipe())) {
    run.missing = "recipe.toml is missing";
    return run;
  }
  run.recipe = Recipe::from_file(folder.recipe());
  add_settings(run);
  if (!exists(folder.model())) {
    run.missing = "no model was kept yet";
    return run;
  }
  run.model = std::make_unique<Model>(read_model(folder.model()));
  std::string file;
  Section section = run.recipe->root().section("data");
  section.read("file", file, "");
  DatasetNames names;
  section.read("images", names.images, "");
  section.read("labels", names.labels, "");
  section.read("layout", names.layout, "");
  section.read("negative_labels", names.negative_labels, "");
  file = path_of_text(file);
  const fs::path data = fs::path(run.recipe->folder()) / file;
  if (file.empty() || !exists(file_part(data.string()))) {
    run.missing = "its data set " + fs::path(file).filename().string() + " is not where it was";
    return run;
  }
  run.dataset =
      std::make_unique<Dataset>(Dataset::open(data.string(), read_memory(section), names));
  return run;
}

TrainingSet training_set_of(RunToShow& run) {
  TrainingSetSettings settings;
  Section data = run.recipe->root().section("data");
  Index seed = 1;
  run.recipe->root().read("seed", seed, "");
  data.read("validation_classes", settings.validation_classes, "");
  data.read("min_class_size", settings.min_class_size, "");
  return make_training_set(*run.dataset, settings, static_cast<std::uint64_t>(seed));
}

}  // namespace kindred
