#pragma once
#include <string>

#include "kindred/core/export.h"
#include "kindred/train/trainer.h"

namespace KINDRED_API kindred {

/// What a run remembers besides the training state.
struct RunMemory {
  std::string recipe;     ///< resolved TOML
  std::string data_path;  ///< absolute
  Index best_step = -1;   ///< the model was kept at; -1: none yet
  double best_value = 0;  ///< of the selecting metric
  std::string data;       ///< what the data is known by; "" in older files
};

/// Writes all that training needs to go on as if it had never stopped. The file is whole or not
/// there (TensorFile). Fails with cannot_create or io; an older checkpoint stays as it is. Of
/// several ranks that share out the weights of classes rank 0 writes it, while the others call
/// Trainer::help_write().
void write_checkpoint(const std::string& path, const TrainingState& training,
                      const RunMemory& memory);

/// Whether all its numbers are finite: no other is written, or read back.
bool is_finite(const TrainingState& training);

/// Fails as write_checkpoint() would of what is known before the first step: names, sizes, recipe.
void check_checkpoint(const TrainingState& training, const RunMemory& memory);

/// The recipe and what else is known without building a trainer. Fails with no_input or data.
struct CheckpointHeader {
  RunMemory memory;
  Index step = 0;
  std::string level;  ///< of instruction sets, that it was written at; "" where it does not say
};
CheckpointHeader read_checkpoint_header(const std::string& path);

/// Overwrites `training`: all of it, or nothing where the file is not sound. The file must have the
/// arrays that `training` has, with their types and shapes, and no others. It is read piece by
/// piece, and twice. Fails with no_input or data, and with io: then `training` is half the file's.
RunMemory read_checkpoint(const std::string& path, TrainingState& training);

}  // namespace kindred
