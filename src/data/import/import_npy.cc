#include <fmt/format.h>

#include <algorithm>

#include "data/arrays/array_parts.h"
#include "data/arrays/npy_images.h"
#include "data/import/image_arrays.h"
#include "data/import/import_formats.h"
#include "data/import/import_names.h"
#include "data/text/text_lines.h"
#include "kindred/core/error.h"

namespace kindred {
namespace {

constexpr Index kMostBytes = Index{16} << 30;

bool is_npy(const SourceFile& file) { return lower_case(file.name).ends_with(".npy"); }

ImageArray image_array(NpyArray array, const NpyRows& rows) {
  ImageArray images;
  images.where = array.where;
  images.count = array.shape[0];
  images.shape = rows.shape;
  images.planar = rows.planar;
  images.record_bytes = rows.shape.size();
  check_image_size(rows.shape.height, rows.shape.width, array.where);
  if (array.bytes == 1 && array.kind == 'u' && !array.columns_first) {
    images.begin = static_cast<Index>(array.begin);
    images.bytes = std::move(array.file);
  } else {
    images.bytes = image_bytes(array);
  }
  return images;
}

void append_values(Matrix& all, const Matrix& more, const std::string& where) {
  if (all.rows() > 0 && all.cols() != more.cols()) {
    fail(ErrorKind::data,
         fmt::format("{}: has vectors of {} values, others of {}", where, more.cols(), all.cols()));
  }
  Matrix both(all.rows() + more.rows(), more.cols());
  for (Index i = 0; i < both.rows(); ++i) {
    const float* const row = i < all.rows() ? all.row(i) : more.row(i - all.rows());
    std::copy_n(row, both.cols(), both.row(i));
  }
  all = std::move(both);
}

}  // namespace

bool detect_npy(const SourceFiles& files) {
  return count_images(files) == 0 &&
         std::any_of(files.files().begin(), files.files().end(), is_npy);
}

// Arrays of images or vectors, and of labels; an .npz is an archive of them (sort_arrays()).
ImportPlan plan_npy(const SourceFiles& files, const ImportOptions& options) {
  ImportPlan plan;
  plan.source = names_of(files);
  std::vector<NamedArray> all;
  for (Index i = 0; i < static_cast<Index>(files.files().size()); ++i) {
    if (!is_npy(files[i])) {
      plan.left_out.push_back(fmt::format("{}: is no NumPy array", files[i].where));
      continue;
    }
    const std::string name = last_part(files[i].name);
    all.push_back(
        {name.substr(0, name.size() - 4), parse_npy(files.content(i, kMostBytes), files[i].where)});
  }
  const auto [labels_name, column] = name_and_column(options.labels);
  ArrayParts parts = sort_arrays(std::move(all), fmt::format("{}", fmt::join(files.sources(), " ")),
                                 {.samples = "", .labels = labels_name});
  plan.left_out.insert(plan.left_out.end(), parts.left_out.begin(), parts.left_out.end());
  std::vector<ImageArray> arrays;
  std::vector<LabelValues> labels;
  for (ArrayPart& part : parts.parts) {
    NpyArray& array = part.samples.array;
    const std::string where = array.where;
    const std::string file = last_part(where);
    const Index count = array.shape.empty() ? 0 : array.shape[0];
    if (part.labels) labels.push_back(label_values(part.labels->array, part.labels->name));
    const NpyRows rows = rows_of(array);
    if (rows.vectors) {
      append_values(plan.vectors, vectors_of(array), where);
    } else {
      arrays.push_back(image_array(std::move(array), rows));
    }
    for (Index i = 0; i < count; ++i) {
      ImportItem item;
      item.path = fmt::format("{}#{:08}", file, i);
      item.place = static_cast<Index>(plan.items.size());
      item.split = static_cast<std::uint8_t>(std::max(part.split, 0));
      plan.items.push_back(std::move(item));
    }
    plan.notes.push_back(
        fmt::format("{}: {} {}{}{}", where, count, rows.vectors ? "vectors" : "images",
                    part.labels ? ", labels are " + part.labels->name : ", no labels",
                    part.split < 0    ? ""
                    : part.split == 0 ? ", for training"
                    : part.split == 1 ? ", for validation"
                                      : ", for the test"));
  }
  if (plan.vectors.rows() > 0 && !arrays.empty()) {
    fail(ErrorKind::data, fmt::format("{}: holds images and vectors; one kind is expected",
                                      fmt::join(files.sources(), " ")));
  }
  if (!labels.empty() && labels.size() != parts.parts.size()) {
    fail(ErrorKind::data, fmt::format("{}: only some splits have labels; each needs an array of "
                                      "them",
                                      fmt::join(files.sources(), " ")));
  }
  plan.has_labels = !labels.empty();
  if (plan.has_labels) {
    set_labels(plan, std::move(labels), options, column, std::move(parts.class_names));
  } else if (!arrays.empty()) {
    fail(
        ErrorKind::data,
        fmt::format("{}: {} images have no labels [N]; name the array of them too, or say --labels "
                    "NAME",
                    fmt::join(files.sources(), " "), plan.items.size()));
  } else {
    plan.in_order = true;
  }
  if (!arrays.empty()) plan.images = images_in_arrays(std::move(arrays));
  return plan;
}

}  // namespace kindred
