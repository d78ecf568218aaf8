#include "data/dataset/array_samples.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <filesystem>

#include "data/arrays/array_parts.h"
#include "data/arrays/npy_images.h"
#include "data/arrays/vector_list.h"
#include "data/labels/class_labels.h"
#include "kindred/core/error.h"

namespace kindred {
namespace {

void take_labels(ArraySamples& samples, std::vector<LabelValues> parts, Index column,
                 const DatasetNames& names, std::vector<std::string> class_names) {
  LabelReader reader(negative_labels_named(names.negative_labels), column);
  for (LabelValues& part : parts) reader.add(std::move(part));
  ClassLabels labels = reader.finish(std::move(class_names));
  samples.columns.labels = std::move(labels.labels);
  samples.columns.class_names = std::move(labels.class_names);
  samples.left_out = labels.left_out;
  samples.notes.insert(samples.notes.end(), labels.notes.begin(), labels.notes.end());
}

std::vector<float> packed(const Matrix& rows) {
  std::vector<float> values;
  values.reserve(static_cast<std::size_t>(rows.rows() * rows.cols()));
  for (Index i = 0; i < rows.rows(); ++i) {
    values.insert(values.end(), rows.row(i), rows.row(i) + rows.cols());
  }
  return values;
}

// Channels last, whatever they were.
void append_images(const NpyArray& array, const NpyRows& rows, std::vector<std::uint8_t>& pixels) {
  const std::vector<std::byte> bytes = image_bytes(array);
  const Shape& shape = rows.shape;
  const Index plane = shape.height * shape.width;
  for (Index i = 0; i < array.shape[0]; ++i) {
    const std::byte* const image = bytes.data() + i * shape.size();
    for (Index at = 0; at < shape.size(); ++at) {
      const Index from = rows.planar ? at % shape.channels * plane + at / shape.channels : at;
      pixels.push_back(static_cast<std::uint8_t>(image[from]));
    }
  }
}

ArraySamples read_list(const std::string& path, const DatasetNames& names) {
  if (!names.images.empty() || !names.layout.empty()) {
    fail(ErrorKind::usage,
         fmt::format("{}: is a list of vectors; images and a layout are for arrays", path));
  }
  VectorList list = read_vector_list(path, names.labels);
  ArraySamples samples;
  samples.notes = std::move(list.notes);
  samples.columns.paths = std::move(list.paths);
  const std::vector<float> values = packed(list.rows);
  samples.source =
      samples_in_memory(std::span<const float>(values), {.channels = list.rows.cols()});
  if (list.labels.rows() > 0) take_labels(samples, {std::move(list.labels)}, -1, names, {});
  samples.description = "a list of vectors";
  return samples;
}

}  // namespace

bool are_array_samples(const std::string& path) {
  std::error_code ignored;
  return std::filesystem::is_regular_file(path, ignored) &&
         (is_vector_list(path) || holds_arrays(path));
}

ArraySamples read_array_samples(const std::string& path, const DatasetNames& names) {
  if (is_vector_list(path)) return read_list(path, names);
  if (!names.layout.empty()) {
    fail(
        ErrorKind::usage,
        fmt::format("{}: a layout is for HDF5 files; `kindred import` tells how arrays lie", path));
  }
  const auto [labels_name, column] = name_and_column(names.labels);
  ArrayParts parts =
      sort_arrays(read_arrays(path), path, {.samples = names.images, .labels = labels_name});
  ArraySamples samples;
  std::vector<std::uint8_t> pixels;
  std::vector<float> values;
  std::vector<LabelValues> labels;
  NpyRows first;
  bool splits = false;
  for (const ArrayPart& part : parts.parts) {
    const NpyArray& array = part.samples.array;
    const NpyRows rows = rows_of(array);
    if (&part == &parts.parts[0]) first = rows;
    if (rows.shape != first.shape || rows.vectors != first.vectors) {
      fail(ErrorKind::data, fmt::format("{}: samples have another shape than those of {}",
                                        array.where, parts.parts[0].samples.array.where));
    }
    if (rows.vectors) {
      const std::vector<float> own = packed(vectors_of(array));
      values.insert(values.end(), own.begin(), own.end());
    } else {
      append_images(array, rows, pixels);
    }
    if (part.labels) labels.push_back(label_values(part.labels->array, part.labels->name));
    samples.columns.split.insert(samples.columns.split.end(),
                                 static_cast<std::size_t>(array.shape[0]),
                                 static_cast<std::uint8_t>(std::max(part.split, 0)));
    splits = splits || part.split != parts.parts[0].split;
    samples.description +=
        fmt::format("{}{}{}", samples.description.empty() ? "" : "; ", part.samples.name,
                    part.labels ? " with " + part.labels->name : "");
  }
  if (!splits) samples.columns.split.clear();
  samples.notes = std::move(parts.left_out);
  if (!labels.empty() && labels.size() != parts.parts.size()) {
    fail(ErrorKind::data,
         fmt::format("{}: only some splits have labels; each needs an array of them", path));
  }
  samples.source = first.vectors
                       ? samples_in_memory(std::span<const float>(values), first.shape)
                       : samples_in_memory(std::span<const std::uint8_t>(pixels), first.shape);
  if (!labels.empty()) {
    take_labels(samples, std::move(labels), column, names, std::move(parts.class_names));
  }
  return samples;
}

}  // namespace kindred
