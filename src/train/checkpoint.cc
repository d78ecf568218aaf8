#include "kindred/train/checkpoint.h"

#include <fmt/format.h>

#include <cstring>

#include "array_tensors.h"
#include "kindred/core/error.h"
#include "kindred/core/text.h"
#include "kindred/train/tensor_file.h"

namespace kindred {
namespace {

constexpr std::string_view kAverage = "average:";
constexpr std::string_view kMoment = "optimizer:";
constexpr std::string_view kState = "state:";
constexpr Index kMostSteps = 100'000'000'000;  // as recipes may plan

CheckpointHeader header_of(const TensorFile& file) {
  file.check_kind("kindred checkpoint", "a run's checkpoints are in its folder checkpoints/");
  CheckpointHeader header;
  header.level = file.level();
  header.memory.recipe = file.text("recipe");
  header.memory.data_path = path_of_text(file.text("data_path"));
  header.step = file.number("step", 0, kMostSteps);
  header.memory.best_step = file.number("best_step", -1, kMostSteps);
  header.memory.best_value = file.real_number("best_value");
  return header;
}

TensorFile file_of(const TrainingState& training, const RunMemory& memory) {
  TensorFile file;
  file.metadata = {
      {"recipe", memory.recipe},
      {"data_path", text_of_path(memory.data_path)},
      {"step", fmt::format("{}", training.step)},
      {"best_step", fmt::format("{}", memory.best_step)},
      {"best_value", fmt::format("{}", memory.best_value)},  // shortest text that reads back alike
  };
  file.describe("kindred checkpoint");
  add_segments(file, "", training.table, training.parameters.span());
  if (training.average.size() > 0) {
    add_segments(file, kAverage, training.table, training.average.span());
  }
  for (const Moment& moment : training.optimizer->moments()) {
    add_segments(file, fmt::format("{}{}:", kMoment, moment.name), training.table,
                 moment.values.span());
  }
  add_state(file, kState, training.state);
  return file;
}

}  // namespace

void write_checkpoint(const std::string& path, const TrainingState& training,
                      const RunMemory& memory) {
  file_of(training, memory).write(path);
}

void check_checkpoint(const TrainingState& training, const RunMemory& memory) {
  file_of(training, memory).check_fits();
}

CheckpointHeader read_checkpoint_header(const std::string& path) {
  return header_of(TensorFile::read(path));
}

RunMemory read_checkpoint(const std::string& path, TrainingState& training) {
  const TensorFile file = TensorFile::read(path);
  const CheckpointHeader header = header_of(file);
  load_segments(file, "", training.table, training.parameters.span());
  if (training.average.size() > 0) {
    load_segments(file, kAverage, training.table, training.average.span());
  }
  for (Moment& moment : training.optimizer->moments()) {
    load_segments(file, fmt::format("{}{}:", kMoment, moment.name), training.table,
                  moment.values.span());
  }
  load_state(file, kState, training.state);
  training.step = header.step;
  return header.memory;
}

}  // namespace kindred
