#include "data/hdf5/hdf5_numbers.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>

#include "core/check_finite.h"
#include "kindred/core/error.h"
#include "kindred/core/process_group.h"

namespace kindred {

namespace {

// HDF5 would clip what int64 does not hold.
std::vector<std::int64_t> fitting(const Hdf5File& file, const std::string& name) {
  const std::vector<std::uint64_t> values = file.read<std::uint64_t>(name);
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (values[i] <= static_cast<std::uint64_t>(INT64_MAX)) continue;
    fail(ErrorKind::data, fmt::format("{} row {} is {}; numbers up to {} are read",
                                      file.where(name), i, values[i], INT64_MAX));
  }
  return {values.begin(), values.end()};
}

}  // namespace

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

LabelValues read_label_values(const Hdf5File& file, const std::string& name, Index rows) {
  const Hdf5Dataset data = file.dataset(name);
  const std::vector<Index>& shape = data.shape();
  LabelValues values{.where = file.where(name), .name = name};
  Index elements = 1;
  for (const Index extent : shape) elements *= extent;
  const bool row_vector = shape.size() == 2 && shape[0] == 1 && shape[1] == rows;  // MATLAB's
  const Index found = shape.empty() ? 1 : row_vector ? shape[1] : shape[0];
  if (shape.empty() || found != rows) {
    fail(ErrorKind::data, fmt::format("{} has shape [{}], but there are {} samples; one label a "
                                      "sample is expected",
                                      values.where, fmt::join(shape, ", "), rows));
  }
  if (rows == 0 || elements == 0) {
    fail(ErrorKind::data, fmt::format("{} has shape [{}]: it holds no labels", values.where,
                                      fmt::join(shape, ", ")));
  }
  values.columns = elements / rows;
  if (data.kind() == Hdf5Kind::text) {
    values.texts = file.read_strings(name);
  } else if (data.kind() == Hdf5Kind::real) {
    values.reals = file.read<double>(name);
  } else if (data.kind() == Hdf5Kind::integer && !data.is_signed() && data.element_bytes() == 8) {
    values.is_unsigned = true;
    const std::vector<std::uint64_t> bits = file.read<std::uint64_t>(name);
    values.whole.assign(bits.begin(), bits.end());
  } else if (data.kind() == Hdf5Kind::integer) {
    values.whole = file.read<std::int64_t>(name);
  } else {
    fail(ErrorKind::data, fmt::format("{}: holds neither numbers nor texts, so it is no column of "
                                      "labels",
                                      values.where));
  }
  return values;
}

std::vector<std::int64_t> read_whole_numbers(const Hdf5File& file, const std::string& name) {
  column_rows(file, name);
  const Hdf5Dataset data = file.dataset(name);
  if (data.kind() == Hdf5Kind::integer && !data.is_signed() && data.element_bytes() == 8) {
    return fitting(file, name);
  }
  if (data.kind() == Hdf5Kind::integer) return file.read<std::int64_t>(name);
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
  return read_part_of_rows(file, name, 0, 1);
}

Matrix read_part_of_rows(const Hdf5File& file, const std::string& name, Index part, Index parts) {
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
  const Index begin = begin_of_part(shape[0], part, parts);
  Matrix matrix(begin_of_part(shape[0], part + 1, parts) - begin, shape[1]);
  if (matrix.stride() == matrix.cols()) {
    if (matrix.rows() > 0) data.read_rows(begin, matrix.rows(), matrix.data());
    check_finite(matrix, where);
    return matrix;
  }
  std::vector<float> rows(
      static_cast<std::size_t>(std::min(kRowsAtOnce, matrix.rows()) * shape[1]));
  for (Index first = 0; first < matrix.rows(); first += kRowsAtOnce) {
    const Index count = std::min(kRowsAtOnce, matrix.rows() - first);
    data.read_rows(begin + first, count, rows.data());
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
