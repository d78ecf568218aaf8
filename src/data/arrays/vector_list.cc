#include "data/arrays/vector_list.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>

#include "core/check_finite.h"
#include "data/text/list_columns.h"
#include "data/text/list_text.h"
#include "data/text/text_lines.h"
#include "kindred/core/error.h"
#include "kindred/core/file.h"

namespace kindred {
namespace {

constexpr Index kMostBytes = Index{1} << 33;

using Words = std::string_view;
constexpr std::array<Words, 8> kLabels{"label",  "labels", "class",  "classname",
                                       "target", "y",      "person", "identity"};
constexpr std::array<Words, 8> kPaths{"path",     "paths", "file", "filename",
                                      "filepath", "image", "name", "imagepath"};

/// Which columns are what.
struct Columns {
  bool header = false;
  std::optional<std::size_t> labels;
  std::optional<std::size_t> paths;
  std::vector<std::size_t> numbers;
};

std::optional<std::size_t> as_column(int column) {
  return column < 0 ? std::nullopt : std::optional(static_cast<std::size_t>(column));
}

Columns columns_of(const ListText& list, const std::string& asked) {
  Columns columns;
  list.expect_all_fields(list[0]);
  const std::span<const std::string_view> first = list[0].fields;
  const auto is_text = [&](std::size_t row, std::size_t k) {
    return k < list[row].fields.size() && !real_value(list[row][k]);
  };
  for (std::size_t k = 0; k < first.size(); ++k) {
    columns.header = columns.header || (is_text(0, k) && list.size() > 1 && !is_text(1, k));
  }
  const std::size_t sample = columns.header ? 1 : 0;
  if (columns.header) {
    const std::string key = column_key(asked);
    const std::array<Words, 1> word{key};
    columns.labels = as_column(find_column(
        first, asked.empty() ? std::span<const Words>(kLabels) : std::span<const Words>(word)));
    columns.paths = as_column(find_column(first, kPaths));
  }
  if (!asked.empty() && !columns.labels) {
    list.refuse(list[0], fmt::format("no column is called '{}'", asked));
  }
  for (std::size_t k = 0; k < list.columns(); ++k) {
    if (k == columns.labels || k == columns.paths) continue;
    if (!is_text(sample, k)) {
      columns.numbers.push_back(k);
    } else if (!columns.labels) {
      columns.labels = k;
    } else if (!columns.paths) {
      columns.paths = k;
    } else {
      list.refuse(list[sample], fmt::format("field {} is no number", k + 1));
    }
  }
  if (columns.numbers.empty()) {
    list.refuse(list[0],
                "holds no numbers; vectors are a row of numbers each, and perhaps a label "
                "and a path");
  }
  return columns;
}

LabelValues label_values_of(std::vector<std::string> texts, const std::string& where) {
  LabelValues values{.where = where, .name = "labels"};
  for (const std::string& text : texts) {
    const auto whole = whole_value(text);
    if (!whole) break;
    values.whole.push_back(*whole);
  }
  if (values.whole.size() == texts.size()) return values;
  values.whole.clear();
  values.texts = std::move(texts);
  return values;
}

}  // namespace

VectorList read_vector_list(const std::string& path, const std::string& labels) {
  const ListText list(read_file(path, kMostBytes), path);
  if (list.size() == 0) fail(ErrorKind::data, path + ": holds no vectors");
  const Columns columns = columns_of(list, labels);
  const std::size_t first = columns.header ? 1 : 0;
  VectorList found;
  found.rows =
      Matrix(static_cast<Index>(list.size() - first), static_cast<Index>(columns.numbers.size()));
  std::vector<std::string> texts;
  for (std::size_t i = first; i < list.size(); ++i) {
    const ListRow row = list[i];
    list.expect_all_fields(row);
    float* const dst = found.rows.row(static_cast<Index>(i - first));
    for (std::size_t k = 0; k < columns.numbers.size(); ++k) {
      const std::string_view field = row[columns.numbers[k]];
      const auto value = real_value(field);
      if (!value) list.refuse(row, fmt::format("'{}' is no number", field));
      dst[k] = static_cast<float>(*value);
    }
    if (columns.labels) texts.emplace_back(row[*columns.labels]);
    if (columns.paths) found.paths.emplace_back(row[*columns.paths]);
  }
  check_finite(found.rows, path);
  if (columns.labels) found.labels = label_values_of(std::move(texts), path);
  const auto name_of = [&](std::size_t k) {
    return columns.header ? fmt::format("'{}'", list[0][k]) : fmt::format("column {}", k + 1);
  };
  found.notes.push_back(
      fmt::format("{}: vectors of {} columns{}{}{}{}", path, columns.numbers.size(),
                  columns.labels ? ", labels are " + name_of(*columns.labels) : "",
                  columns.paths ? ", paths are " + name_of(*columns.paths) : "",
                  columns.header ? "; the first line names the columns" : "",
                  list.dialect().empty() ? "" : "; " + list.dialect()));
  return found;
}

bool is_vector_list(const std::string& path) {
  const std::string name = lower_case(path);
  return name.ends_with(".csv") || name.ends_with(".tsv");
}

}  // namespace kindred
