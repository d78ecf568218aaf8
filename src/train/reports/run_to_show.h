#pragma once
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "kindred/core/recipe.h"
#include "kindred/data/dataset.h"
#include "kindred/data/training_set.h"
#include "kindred/eval/report.h"
#include "kindred/train/model.h"
#include "train/runs/run_log.h"

namespace kindred {

/// What a run folder holds, as far as its files are there.
struct RunToShow {
  std::string name;
  std::vector<Json> log;
  std::optional<Recipe> recipe;
  std::vector<ReportFact> settings;  ///< its keys and values, the data set without its folder
  std::string recipe_text;           ///< likewise
  std::unique_ptr<Model> model;
  std::unique_ptr<Dataset> dataset;
  std::string missing;  ///< why there is no embedding; empty where there is
};

/// Fails with no_input where the folder holds no run, with data where a file of it is damaged.
RunToShow read_run_to_show(const std::string& path);

/// A value of the recipe as it is read, without its quotes; "" where it has none.
std::string value_of(const Recipe& recipe, const std::string& key);

/// What training saw of the data set. REQUIRES: recipe and dataset, with labels.
TrainingSet training_set_of(RunToShow& run);

}  // namespace kindred
