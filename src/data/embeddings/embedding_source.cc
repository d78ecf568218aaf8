#include "kindred/data/embedding_source.h"

#include <fmt/format.h>

#include <algorithm>

#include "data/arrays/array_parts.h"
#include "data/arrays/npy_images.h"
#include "data/arrays/vector_list.h"
#include "data/hdf5/hdf5_numbers.h"
#include "data/labels/class_labels.h"
#include "kindred/core/error.h"
#include "kindred/core/file.h"
#include "kindred/core/process_group.h"
#include "kindred/core/text.h"
#include "kindred/data/hdf5_file.h"

namespace kindred {
namespace {

void check_count(std::size_t found, Index rows, const std::string& where) {
  if (static_cast<Index>(found) == rows) return;
  fail(ErrorKind::data, fmt::format("{} has {} rows but there are {} embeddings; each needs one",
                                    where, found, rows));
}

// Labels are only compared here: whole numbers stay as they are, negative ones too.
void take_labels_of_list(EmbeddingFile& file, LabelValues values) {
  const bool plain =
      values.columns == 1 && values.texts.empty() && values.reals.empty() &&
      !(values.is_unsigned && std::any_of(values.whole.begin(), values.whole.end(),
                                          [](std::int64_t bits) { return bits < 0; }));
  if (plain) {
    file.labels = std::move(values.whole);
    return;
  }
  const std::vector<double> reals = values.reals;
  LabelReader reader(NegativeLabels::as_classes);
  reader.add(std::move(values));
  ClassLabels labels = reader.finish();
  const bool whole = !reals.empty() && reals.size() == labels.labels.size();
  file.labels = std::move(labels.labels);
  file.class_names = std::move(labels.class_names);
  if (whole) {
    file.labels.assign(reals.begin(), reals.end());
    file.class_names.clear();
    labels.notes.clear();
  }
  file.notes.insert(file.notes.end(), labels.notes.begin(), labels.notes.end());
}

void refuse_groups(const EmbeddingSource& source) {
  if (source.groups.empty()) return;
  fail(ErrorKind::usage, fmt::format("{}: groups are for HDF5 files", source.path));
}

/// Labels from a NumPy file, one each for the embeddings.
void take_npy_labels(EmbeddingFile& file, const std::string& path) {
  take_labels_of_list(file, label_values(parse_npy(read_file(path), path), "labels"));
  check_count(file.labels.size(), file.embeddings.rows(), path);
}

EmbeddingFile read_npy(const EmbeddingSource& source) {
  if (!source.dataset.empty() || !source.groups.empty()) {
    fail(ErrorKind::usage, fmt::format("{}: a .npy file holds one array; names of data sets and "
                                       "groups are for HDF5 files",
                                       source.path));
  }
  EmbeddingFile file;
  file.embeddings = vectors_of(parse_npy(read_file(source.path), source.path));
  if (source.labels.empty()) return file;
  take_npy_labels(file, source.labels);
  return file;
}

EmbeddingFile read_npz(const EmbeddingSource& source) {
  refuse_groups(source);
  ArrayParts parts = sort_arrays(read_arrays(source.path), source.path,
                                 {.samples = source.dataset, .labels = source.labels});
  if (parts.parts.size() > 1) {
    fail(ErrorKind::data, fmt::format("{}: holds {} splits; one array of embeddings is expected",
                                      source.path, parts.parts.size()));
  }
  const ArrayPart& part = parts.parts[0];
  EmbeddingFile file;
  file.embeddings = vectors_of(part.samples.array);
  if (part.labels) take_labels_of_list(file, label_values(part.labels->array, part.labels->name));
  file.notes.insert(file.notes.end(), parts.left_out.begin(), parts.left_out.end());
  return file;
}

EmbeddingFile embeddings_from_list(const EmbeddingSource& source) {
  refuse_groups(source);
  if (!source.dataset.empty()) {
    fail(ErrorKind::usage, fmt::format("{}: a list holds one table; names of data sets are for "
                                       "HDF5 files",
                                       source.path));
  }
  VectorList list = read_vector_list(source.path, source.labels);
  EmbeddingFile file;
  file.embeddings = std::move(list.rows);
  file.paths = std::move(list.paths);
  make_valid_utf8(file.paths);
  file.notes = std::move(list.notes);
  if (list.labels.rows() > 0) take_labels_of_list(file, std::move(list.labels));
  make_valid_utf8(file.class_names);
  return file;
}

/// A column of somebody else's file: any whole numbers, negative ones too.
std::vector<std::int64_t> column_from_list(const Hdf5File& file, const std::string& name,
                                           Index rows) {
  if (!file.is_dataset(name)) {
    fail(ErrorKind::data, fmt::format("{} is missing", file.where(name)));
  }
  std::vector<std::int64_t> values = read_whole_numbers(file, name);
  check_count(values.size(), rows, file.where(name));
  return values;
}

void read_labels(const Hdf5File& file, const std::string& name, EmbeddingFile& result) {
  if (name.ends_with(".npy")) return take_npy_labels(result, name);
  if (!file.is_dataset(name)) {
    fail(ErrorKind::data, fmt::format("{} is missing", file.where(name)));
  }
  const std::vector<Index> shape = file.shape(name);
  const Index rows = result.embeddings.rows();
  if (!shape.empty()) check_count(static_cast<std::size_t>(shape[0]), rows, file.where(name));
  take_labels_of_list(result, read_label_values(file, name, rows));
}

/// The splits of the rows, where /split is theirs: a file of several data sets may have one that is
/// another's.
std::vector<std::uint8_t> read_split(const Hdf5File& file, Index rows) {
  if (!file.is_dataset("split") || file.shape("split") != std::vector<Index>{rows}) return {};
  std::vector<std::uint8_t> split;
  for (const std::int64_t value : read_whole_numbers(file, "split")) {
    if (value < 0 || value > 2) {
      fail(ErrorKind::data,
           fmt::format("{} holds {}; expected 0 (train), 1 (validation) or 2 (test)",
                       file.where("split"), value));
    }
    split.push_back(static_cast<std::uint8_t>(value));
  }
  return split;
}

EmbeddingFile read_named(const EmbeddingSource& source) {
  const Hdf5File file = Hdf5File::open(source.path);
  EmbeddingFile result;
  result.embeddings = read_rows(file, source.dataset);
  const Index rows = result.embeddings.rows();
  if (!source.labels.empty()) {
    read_labels(file, source.labels, result);
  } else if (file.is_dataset("labels")) {
    read_labels(file, "labels", result);
  }
  if (!source.groups.empty()) result.groups = column_from_list(file, source.groups, rows);
  result.split = read_split(file, rows);
  if (file.has_attribute("", "fingerprint")) {
    result.fingerprint = file.attribute_text("", "fingerprint");
  }
  return result;
}

}  // namespace

EmbeddingFile read_embeddings(const EmbeddingSource& source) {
  if (is_vector_list(source.path)) return embeddings_from_list(source);
  const bool group = source.path.find(":/") != source.path.npos;
  if (!group && holds_arrays(source.path)) {
    return beginning_of_file(source.path, 2) == "PK" ? read_npz(source) : read_npy(source);
  }
  if (source.path.ends_with(".npy")) return read_npy(source);  // which says what is wrong
  if (!source.dataset.empty()) return read_named(source);
  EmbeddingFile file = read_embedding_file(source.path);
  if (source.labels.empty() && source.groups.empty()) return file;
  const Hdf5File others = Hdf5File::open(source.path);
  const Index rows = file.embeddings.rows();
  if (!source.labels.empty()) read_labels(others, source.labels, file);
  if (!source.groups.empty()) file.groups = column_from_list(others, source.groups, rows);
  return file;
}

EmbeddingPart read_embedding_part(const EmbeddingSource& source, Index part, Index parts) {
  EmbeddingPart result;
  const bool is_hdf5 = !is_vector_list(source.path) && !source.path.ends_with(".npy") &&
                       (source.path.find(":/") != source.path.npos || !holds_arrays(source.path));
  if (is_hdf5) {
    const std::string name = source.dataset.empty() ? "embeddings" : source.dataset;
    const Hdf5File file = Hdf5File::open(source.path);
    result.embeddings = read_part_of_rows(file, name, part, parts);
    result.rows = file.shape(name)[0];
    if (file.has_attribute("", "fingerprint")) {
      result.fingerprint = file.attribute_text("", "fingerprint");
    }
  } else {
    const EmbeddingFile whole = read_embeddings(source);
    result.rows = whole.embeddings.rows();
    result.fingerprint = whole.fingerprint;
    const Index begin = begin_of_part(result.rows, part, parts);
    const Index end = begin_of_part(result.rows, part + 1, parts);
    result.embeddings = Matrix(end - begin, whole.embeddings.cols());
    for (Index i = begin; i < end; ++i) {
      std::copy_n(whole.embeddings.row(i), whole.embeddings.cols(),
                  result.embeddings.row(i - begin));
    }
  }
  result.first = begin_of_part(result.rows, part, parts);
  return result;
}

}  // namespace kindred
