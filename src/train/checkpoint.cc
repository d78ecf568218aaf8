#include "kindred/train/checkpoint.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstring>
#include <optional>

#include "array_tensors.h"
#include "kindred/core/error.h"
#include "kindred/core/text.h"
#include "kindred/train/tensor_file.h"
#include "train/shards.h"
#include "train/step_limit.h"

namespace kindred {
namespace {

constexpr std::string_view kAverage = "average:";
constexpr std::string_view kMoment = "optimizer:";
constexpr std::string_view kState = "state:";
constexpr const char* kData = "data_fingerprint";  // in the metadata

CheckpointHeader header_of_checkpoint(const TensorFile& file) {
  file.check_kind("kindred checkpoint", "a run's checkpoints are in its folder checkpoints/");
  CheckpointHeader header;
  header.level = file.level();
  header.memory.recipe = file.text("recipe");
  header.memory.data_path = path_of_text(file.text("data_path"));
  const auto data = file.metadata.find(kData);
  if (data != file.metadata.end()) header.memory.data = data->second;
  header.step = file.number("step", 0, kMostSteps);
  header.memory.best_step = file.number("best_step", -1, header.step);
  header.memory.best_value = file.real_number("best_value");
  return header;
}

/// All arrays of a training, where they lie.
TensorFile arrays_of(const TrainingState& training) {
  TensorFile file;
  Shards* const shards = training.shards;
  add_segments(file, "", training.table, training.parameters.span(), shards);
  if (training.average.size() > 0) {
    add_segments(file, kAverage, training.table, training.average.span(), shards);
  }
  for (const Moment& moment : training.optimizer->moments()) {
    add_segments(file, fmt::format("{}{}:", kMoment, moment.name), training.table,
                 moment.values.span(), shards);
  }
  add_state(file, kState, training.state);
  return file;
}

/// Fails with data unless `file` has the arrays of `own`, all of them and no others.
void check_arrays(const TensorFile& file, const TensorFile& own) {
  for (const Tensor& tensor : own.tensors())
    find_tensor(file, tensor.name, tensor.type, tensor.shape);
  for (const Tensor& tensor : file.tensors()) {
    if (own.find(tensor.name) != nullptr) continue;
    fail(ErrorKind::data, fmt::format("{}: has an array '{}', which this training has no place for",
                                      file.path(), tensor.name));
  }
}

TensorFile file_of_checkpoint(const TrainingState& training, const RunMemory& memory) {
  TensorFile file = arrays_of(training);
  file.metadata = {
      {"recipe", memory.recipe},
      {"data_path", text_of_path(memory.data_path)},
      {"step", fmt::format("{}", training.step)},
      {"best_step", fmt::format("{}", memory.best_step)},
      {"best_value", fmt::format("{}", memory.best_value)},  // shortest text that reads back alike
  };
  if (!memory.data.empty()) file.metadata[kData] = memory.data;
  file.describe("kindred checkpoint");
  return file;
}

}  // namespace

void write_checkpoint(const std::string& path, const TrainingState& training,
                      const RunMemory& memory) {
  file_of_checkpoint(training, memory).write(path);
}

bool is_finite(const TrainingState& training) {
  const auto all_finite = [](auto numbers) {
    return std::ranges::all_of(numbers, [](auto number) { return std::isfinite(number); });
  };
  bool finite = all_finite(training.parameters.span()) && all_finite(training.average.span());
  for (const Moment& moment : training.optimizer->moments()) {
    finite = finite && all_finite(moment.values.span());
  }
  for (const auto& array : training.state.arrays()) {
    if (array->type == DataType::f32) finite = finite && all_finite(array->as<float>());
    if (array->type == DataType::f64) finite = finite && all_finite(array->as<double>());
  }
  return training.shards == nullptr ? finite : training.shards->all_finite(finite);
}

void check_checkpoint(const TrainingState& training, const RunMemory& memory) {
  file_of_checkpoint(training, memory).check_fits();
}

CheckpointHeader read_checkpoint_header(const std::string& path) {
  return header_of_checkpoint(TensorFile::open(path));
}

RunMemory read_checkpoint(const std::string& path, TrainingState& training) {
  TensorFile file = TensorFile::open(path);  // of many classes it may be larger than the memory
  const CheckpointHeader header = header_of_checkpoint(file);
  const TensorFile own = arrays_of(training);
  check_arrays(file, own);
  for (const Tensor& to : own.tensors()) {
    // It is `training`'s own memory, which is not const.
    auto* const bytes = const_cast<std::byte*>(to.bytes.data());
    file.copy(*file.find(to.name), to.first, {bytes, to.bytes.size()});
  }
  training.step = header.step;
  if (training.shards != nullptr) {
    std::vector<std::optional<std::string>> names{""};
    if (training.average.size() > 0) names.emplace_back(kAverage);
    for (const Moment& moment : training.optimizer->moments()) {
      names.push_back(fmt::format("{}{}:", kMoment, moment.name));
    }
    training.shards->hold(std::move(file), std::move(names));
  }
  return header.memory;
}

}  // namespace kindred
