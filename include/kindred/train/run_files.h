#pragma once
#include <string>
#include <vector>

#include "kindred/core/export.h"
#include "kindred/core/file_use.h"
#include "kindred/core/recipe.h"
#include "kindred/train/run.h"

namespace KINDRED_API kindred {

/// What run_training() of this recipe and these options reads and writes, as far as that is known
/// before it begins. Fails with recipe where the recipe says it wrongly. `reads_data` false: its
/// data set is no file.
FileUse files_of_training(const Recipe& recipe, const RunOptions& options, bool reads_data = true);

/// The same of a run whose data set and recipe are made of pictures: start_picture_run().
FileUse files_of_picture_training(const std::string& pictures, const RunOptions& options);

/// The files of a run folder and of its data set: what a report of it may read.
std::vector<std::string> files_of_run(const std::string& folder);

}  // namespace kindred
