#include "data/sample_columns.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "core/check_finite.h"
#include "kindred/core/error.h"

namespace kindred {
namespace {

// The rows of a column [N] or [N, 1].
Index column_rows(const Hdf5File& file, const std::string& name) {
  const std::vector<Index> shape = file.shape(name);
  const bool flat = !shape.empty() && std::all_of(shape.begin() + 1, shape.end(),
                                                  [](Index extent) { return extent == 1; });
  if (!flat) {
    fail(ErrorKind::data, fmt::format("{} has shape [{}]; one value a sample is expected",
                                      file.where(name), fmt::join(shape, ", ")));
  }
  return shape[0];
}

// True where the column is there; its count is checked then.
bool has_column(const Hdf5File& file, const std::string& name, Index rows,
                const std::string& counted, const std::string& need) {
  if (!file.exists(name)) return false;
  const Index found = column_rows(file, name);
  if (found != rows) {
    fail(ErrorKind::data, fmt::format("{} has {} rows but /{} has {}; {}", file.where(name), found,
                                      counted, rows, need));
  }
  return true;
}

// Read wide, checked, then narrowed: HDF5 would clip what does not fit without a word.
template <typename T>
std::vector<T> read_in_range(const Hdf5File& file, const std::string& name, std::int64_t low,
                             std::int64_t high, const std::string& expected) {
  const std::vector<std::int64_t> values = read_whole_numbers(file, name);
  std::vector<T> narrow(values.size());
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (values[i] < low || values[i] > high) {
      fail(ErrorKind::data,
           fmt::format("{} row {} is {}; expected {}", file.where(name), i, values[i], expected));
    }
    narrow[i] = static_cast<T>(values[i]);
  }
  return narrow;
}

void check_labels(const Hdf5File& file, const std::string& name, const SampleColumns& columns) {
  const auto names = static_cast<std::int64_t>(columns.class_names.size());
  for (std::size_t i = 0; i < columns.labels.size(); ++i) {
    const std::int64_t label = columns.labels[i];
    if (label < 0) {
      fail(ErrorKind::data,
           fmt::format("{} row {} is {}; labels count from 0", file.where(name), i, label));
    }
    if (names > 0 && label >= names) {
      fail(ErrorKind::data,
           fmt::format("{} row {} is {}, but /class_names has {} names (labels 0 to {})",
                       file.where(name), i, label, names, names - 1));
    }
    if (label == INT64_MAX) {
      fail(ErrorKind::data,
           fmt::format("{} row {} is {}, which is too large", file.where(name), i, label));
    }
  }
}

}  // namespace

SampleColumns read_sample_columns(const Hdf5File& file, Index rows, const std::string& counted,
                                  const std::string& noun, const std::string& prefix,
                                  bool with_paths) {
  SampleColumns columns;
  const auto has = [&](const char* name) {
    return has_column(file, prefix + name, rows, counted, "both need one row per sample");
  };
  if (file.exists("class_names")) columns.class_names = file.read_strings("class_names");
  if (has_column(file, prefix + "labels", rows, counted,
                 fmt::format("each {} needs one label", noun))) {
    columns.labels = read_whole_numbers(file, prefix + "labels");
    check_labels(file, prefix + "labels", columns);
  }
  if (has("split")) {
    columns.split = read_in_range<std::uint8_t>(file, prefix + "split", 0, 2,
                                                "0 (train), 1 (validation) or 2 (test)");
  }
  if (has("paths") && with_paths) columns.paths = file.read_strings(prefix + "paths");
  if (has("groups")) columns.groups = read_whole_numbers(file, prefix + "groups");
  if (has("episode")) {
    columns.episode = read_in_range<std::int32_t>(file, prefix + "episode", 0, INT32_MAX,
                                                  "an episode number, 0 or more");
  }
  if (has("role")) {
    columns.role = read_in_range<std::uint8_t>(file, prefix + "role", 0, 1,
                                               "0 (training image) or 1 (test image)");
  }
  return columns;
}

std::vector<std::string> read_paths(const Hdf5File& file, Index rows) {
  if (!has_column(file, "paths", rows, "images", "both need one row per sample")) return {};
  return file.read_strings("paths");
}

Index held_bytes(const SampleColumns& columns) {
  const auto bytes = [](const auto& values) {
    return static_cast<Index>(values.size() * sizeof(values[0]));
  };
  const auto texts = [&](const std::vector<std::string>& values) {
    Index sum = bytes(values);
    for (const std::string& value : values) {
      if (value.capacity() > std::string().capacity()) sum += static_cast<Index>(value.capacity());
    }
    return sum;
  };
  return bytes(columns.labels) + bytes(columns.split) + bytes(columns.groups) +
         bytes(columns.episode) + bytes(columns.role) + texts(columns.paths) +
         texts(columns.class_names);
}

std::vector<std::int64_t> read_whole_numbers(const Hdf5File& file, const std::string& name) {
  column_rows(file, name);
  if (file.kind(name) == Hdf5Kind::integer) return file.read<std::int64_t>(name);
  const std::vector<double> values = file.read<double>(name);  // as Caffe and MATLAB write them
  std::vector<std::int64_t> whole;
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (!(std::abs(values[i]) < 0x1p53) || values[i] != std::floor(values[i])) {
      fail(ErrorKind::data, fmt::format("{} row {} is {}; whole numbers are expected",
                                        file.where(name), i, values[i]));
    }
    whole.push_back(static_cast<std::int64_t>(values[i]));
  }
  return whole;
}

Matrix read_rows(const Hdf5File& file, const std::string& name) {
  constexpr Index kRowsAtOnce = 1024;
  const std::string where = file.where(name);
  if (!file.exists(name)) {
    fail(ErrorKind::data, fmt::format("{} is missing; embeddings are float32 [N, D]", where));
  }
  const Hdf5Dataset data = file.dataset(name);
  const std::vector<Index>& shape = data.shape();
  if (shape.size() != 2 || shape[0] == 0 || shape[1] == 0) {
    fail(ErrorKind::data, fmt::format("{} has shape [{}]; [N, D] with samples is expected", where,
                                      fmt::join(shape, ", ")));
  }
  Matrix matrix(shape[0], shape[1]);
  if (matrix.stride() == matrix.cols()) {
    data.read_rows(0, shape[0], matrix.data());
    check_finite(matrix, where);
    return matrix;
  }
  std::vector<float> rows(static_cast<std::size_t>(std::min(kRowsAtOnce, shape[0]) * shape[1]));
  for (Index first = 0; first < shape[0]; first += kRowsAtOnce) {
    const Index count = std::min(kRowsAtOnce, shape[0] - first);
    data.read_rows(first, count, rows.data());
    for (Index i = 0; i < count; ++i) {
      std::copy_n(rows.data() + i * shape[1], shape[1], matrix.row(first + i));
    }
  }
  check_finite(matrix, where);
  return matrix;
}

Matrix read_targets(const Hdf5File& file, const std::string& name, Index rows,
                    const std::string& counted) {
  if (!file.exists(name)) return {};
  const Hdf5Dataset data = file.dataset(name);
  const std::vector<Index>& shape = data.shape();
  if (shape.empty() || shape.size() > 2) {
    fail(ErrorKind::data, fmt::format("{} has shape [{}]; [N, T] is expected", file.where(name),
                                      fmt::join(shape, ", ")));
  }
  if (shape[0] != rows) {
    fail(ErrorKind::data, fmt::format("{} has {} rows but /{} has {}; both need one row per sample",
                                      file.where(name), shape[0], counted, rows));
  }
  const Index columns = shape.size() == 2 ? shape[1] : 1;
  const std::vector<float> values = file.read<float>(name);
  Matrix targets(rows, columns);
  for (Index i = 0; i < rows; ++i) {
    std::copy_n(values.data() + i * columns, columns, targets.row(i));
  }
  check_finite(targets, file.where(name));
  return targets;
}

}  // namespace kindred
