#include <fmt/format.h>

#include <algorithm>

#include "kindred/core/error.h"
#include "kindred/core/file.h"
#include "kindred/core/file_use.h"
#include "kindred/data/npy_file.h"
#include "kindred/train/export.h"
#include "kindred/train/tensor_file.h"
#include "train/array_tensors.h"
#include "train/exchange/model_texts.h"

namespace kindred {
namespace {

constexpr std::string_view kLoss = "loss.";  // begins the names of what losses train and carry

/// Its arrays lie in `model`.
TensorFile exported_arrays(const Model& model) {
  TensorFile all;
  const auto add_scaling = [&](const char* name, const std::vector<float>& values) {
    all.add({name, DataType::f32, {std::ssize(values)}, std::as_bytes(std::span(values))});
  };
  add_scaling("input.mean", model.scaling.mean);
  add_scaling("input.scale", model.scaling.scale);
  add_segments(all, "", model.table, model.parameters.span());
  add_state(all, "", model.state);
  TensorFile file;
  file.metadata = model_texts(model);
  file.metadata["format"] = "pt";  // readers in Python ask for it
  for (const Tensor& tensor : all.tensors()) {
    if (!tensor.name.starts_with(kLoss)) file.add(tensor);
  }
  return file;
}

std::string npy_header_of(const Tensor& tensor) {
  const char* type = tensor.type == DataType::f32   ? "<f4"
                     : tensor.type == DataType::f64 ? "<f8"
                     : tensor.type == DataType::i64 ? "<i8"
                                                    : "|u1";
  return npy_header(type, tensor.shape);
}

}  // namespace

void export_safetensors(const Model& model, const std::string& path) {
  exported_arrays(model).write(path);
}

void export_npy(const Model& model, const std::string& folder) {
  const TensorFile arrays = exported_arrays(model);
  FileUse use;
  use.makes(folder);
  for (const Tensor& tensor : arrays.tensors()) {
    if (tensor.name.find('/') != std::string::npos || tensor.name.starts_with('.')) {
      fail(ErrorKind::data,
           fmt::format("'{}' cannot be a file's name; use --safetensors", tensor.name));
    }
    use.writes(folder + "/" + tensor.name + ".npy", &kNpyFile);
  }
  use.check();
  make_folders(folder);
  for (const Tensor& tensor : arrays.tensors()) {
    const std::string header = npy_header_of(tensor);
    const std::span<const std::byte> parts[] = {std::as_bytes(std::span(header)), tensor.bytes};
    write_file_durably(folder + "/" + tensor.name + ".npy", parts);
  }
}

// Models and checkpoints are safetensors, too, and stay.
const FileKind kSafetensorsFile{"arrays that kindred export wrote", [](const std::string& path) {
                                  constexpr std::size_t kBegin = 256;
                                  const std::string start = beginning_of_file(path, kBegin);
                                  return start.size() == kBegin && start[8] == '{' &&
                                         start.find("\"kindred.architecture\"") != start.npos;
                                }};

}  // namespace kindred
