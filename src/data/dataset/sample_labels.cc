#include "data/dataset/sample_labels.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "kindred/core/error.h"

namespace kindred {
namespace {

constexpr std::size_t kMostCounted = 1 << 20;  // classes of numbers that are no labels

// One number a sample: a column, or the place of the 1.
std::vector<double> read_numbers(const Hdf5File& file, const LayoutPart& part, Index column) {
  const std::string where = file.where(part.labels);
  std::vector<double> values = file.read<double>(part.labels);
  const auto rows = static_cast<std::size_t>(file.shape(part.labels)[0] == 1 && part.count > 1
                                                 ? static_cast<Index>(values.size())  // MATLAB
                                                 : file.shape(part.labels)[0]);
  const std::size_t columns = rows == 0 ? 0 : values.size() / rows;
  if (columns == 1) return values;
  std::vector<double> numbers;
  if (column >= static_cast<Index>(columns)) {
    fail(ErrorKind::data, fmt::format("{} has {} columns, counted from 0; column {} is asked for",
                                      where, columns, column));
  }
  for (std::size_t i = 0; i < rows; ++i) {
    const double* const row = values.data() + i * columns;
    if (column >= 0) {
      numbers.push_back(row[column]);
      continue;
    }
    const double* const one = std::find(row, row + columns, 1.0);
    if (one == row + columns ||
        std::count(row, row + columns, 0.0) + 1 != static_cast<std::ptrdiff_t>(columns)) {
      fail(ErrorKind::data,
           fmt::format("{} has shape [{}], and row {} is not a single 1 among zeros; say which "
                       "column is the label: --labels {}:0",
                       where, fmt::join(file.shape(part.labels), ", "), i, part.labels));
    }
    numbers.push_back(static_cast<double>(one - row));
  }
  return numbers;
}

// Each value by its place among the different ones.
template <typename T>
std::vector<std::int64_t> count_off(const std::vector<T>& values, std::vector<T>& different) {
  different = values;
  std::sort(different.begin(), different.end());
  different.erase(std::unique(different.begin(), different.end()), different.end());
  std::vector<std::int64_t> labels;
  for (const T& value : values) {
    labels.push_back(std::lower_bound(different.begin(), different.end(), value) -
                     different.begin());
  }
  return labels;
}

// Fuel's parts are ranges of rows.
template <typename T>
void append(std::vector<T>& all, const std::vector<T>& values, const LayoutPart& part,
            const std::string& where) {
  if (part.first + part.count > static_cast<Index>(values.size())) {
    fail(ErrorKind::data, fmt::format("{} has {} rows but /{} has {}; each sample needs one label",
                                      where, values.size(), part.images, part.first + part.count));
  }
  all.insert(all.end(), values.begin() + part.first, values.begin() + part.first + part.count);
}

}  // namespace

SampleLabels read_sample_labels(const Hdf5Layout& layout) {
  SampleLabels result;
  std::vector<std::string> texts;
  std::vector<double> numbers;
  for (const LayoutPart& part : layout.parts) {
    if (part.labels.empty()) return {};
    const Hdf5File file = Hdf5File::open(part.labels_file);
    const std::string where = file.where(part.labels);
    if (file.kind(part.labels) == Hdf5Kind::text) {
      append(texts, file.read_strings(part.labels), part, where);
    } else {
      append(numbers, read_numbers(file, part, layout.label_column), part, where);
    }
  }
  if (!texts.empty() && !numbers.empty()) {
    fail(ErrorKind::data, fmt::format("{}: labels are texts in one part and numbers in another",
                                      layout.parts[0].file));
  }
  if (!texts.empty()) {
    result.labels = count_off(texts, result.class_names);
    return result;
  }
  const bool whole = std::all_of(numbers.begin(), numbers.end(), [](double value) {
    return value >= 0 && value < 0x1p53 && value == std::floor(value);
  });
  if (whole) {
    for (const double value : numbers) result.labels.push_back(static_cast<std::int64_t>(value));
    if (layout.class_names.empty()) return result;
    const Hdf5File file = Hdf5File::open(layout.parts[0].file);
    std::vector<std::string> names = file.read_strings(layout.class_names);
    const auto most = std::max_element(result.labels.begin(), result.labels.end());
    if (static_cast<std::int64_t>(names.size()) > *most) result.class_names = std::move(names);
    return result;
  }
  const auto odd = std::find_if_not(numbers.begin(), numbers.end(),
                                    [](double value) { return std::isfinite(value); });
  if (odd != numbers.end()) {
    fail(ErrorKind::data, fmt::format("{}: /{} holds {}, which is no label", layout.parts[0].file,
                                      layout.parts[0].labels, *odd));
  }
  std::vector<double> different;
  result.labels = count_off(numbers, different);
  if (different.size() > kMostCounted) {
    fail(ErrorKind::data,
         fmt::format("{}: /{} holds {} different numbers that are not whole; they are no labels",
                     layout.parts[0].file, layout.parts[0].labels, different.size()));
  }
  for (const double value : different) result.class_names.push_back(fmt::format("{}", value));
  return result;
}

}  // namespace kindred
