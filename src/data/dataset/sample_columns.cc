#include "data/dataset/sample_columns.h"

#include <fmt/format.h>

#include "data/hdf5/hdf5_numbers.h"
#include "kindred/core/error.h"

namespace kindred {
namespace {

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

/// `where` is the labels' place: "train.h5: /labels".
void check_labels(const SampleColumns& columns, std::int64_t least, const std::string& where) {
  const auto names = static_cast<std::int64_t>(columns.class_names.size());
  for (std::size_t i = 0; i < columns.labels.size(); ++i) {
    const std::int64_t label = columns.labels[i];
    if (label < least) {
      fail(ErrorKind::data, fmt::format("{} row {} is {}; labels count from 0", where, i, label));
    }
    if (names > 0 && label >= names) {
      fail(ErrorKind::data,
           fmt::format("{} row {} is {}, but /class_names has {} names (labels 0 to {})", where, i,
                       label, names, names - 1));
    }
    if (label == INT64_MAX) {
      fail(ErrorKind::data, fmt::format("{} row {} is {}, which is too large", where, i, label));
    }
  }
}

}  // namespace

ReadColumns read_sample_columns(const Hdf5File& file, Index rows, const std::string& counted,
                                const std::string& noun, const std::string& prefix, bool with_paths,
                                NegativeLabels negative) {
  ReadColumns columns;
  const auto has = [&](const char* name) {
    return has_column(file, prefix + name, rows, counted, "both need one row per sample");
  };
  if (file.exists("class_names")) columns.class_names = file.read_strings("class_names");
  if (file.exists(prefix + "labels")) {
    const std::vector<Index> shape = file.shape(prefix + "labels");
    const bool row_vector = shape.size() == 2 && shape[0] == 1 && shape[1] == rows;
    if (!shape.empty() && shape[0] != rows && !row_vector) {
      fail(ErrorKind::data,
           fmt::format("{} has {} rows but /{} has {}; each {} needs one label",
                       file.where(prefix + "labels"), shape[0], counted, rows, noun));
    }
    LabelReader reader(negative);
    reader.add(read_label_values(file, prefix + "labels", rows));
    ClassLabels labels = reader.finish(columns.class_names);
    columns.labels = std::move(labels.labels);
    columns.left_out = labels.left_out;
    columns.notes = std::move(labels.notes);
    if (!labels.class_names.empty()) columns.class_names = std::move(labels.class_names);
    check_labels(columns, columns.left_out > 0 ? -1 : 0, file.where(prefix + "labels"));
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

void check_columns(const SampleColumns& columns, Index rows, const std::string& where) {
  const auto check = [&](const char* name, const auto& values, auto allowed, const char* expected) {
    if (!values.empty() && static_cast<Index>(values.size()) != rows) {
      fail(ErrorKind::data,
           fmt::format("{}: {} has {} rows but there are {} samples; both need one "
                       "row per sample",
                       where, name, values.size(), rows));
    }
    for (std::size_t i = 0; i < values.size(); ++i) {
      if (allowed(values[i])) continue;
      fail(ErrorKind::data,
           fmt::format("{}: {} row {} is {}; expected {}", where, name, i, values[i], expected));
    }
  };
  const auto any = [](const auto&) { return true; };
  check("labels", columns.labels, any, "");
  check_labels(columns, 0, where + ": labels");
  check(
      "split", columns.split, [](int value) { return value <= 2; },
      "0 (train), 1 (validation) or 2 (test)");
  check("paths", columns.paths, any, "");
  check("groups", columns.groups, any, "");
  check(
      "episode", columns.episode, [](std::int32_t value) { return value >= 0; },
      "an episode number, 0 or more");
  check(
      "role", columns.role, [](int value) { return value <= 1; },
      "0 (training image) or 1 (test image)");
}

SampleColumns SampleColumns::of(std::span<const Index> rows) const {
  const auto chosen = [&](const auto& values) {
    std::decay_t<decltype(values)> result;
    if (values.empty()) return result;
    result.reserve(rows.size());
    for (const Index row : rows) result.push_back(values[static_cast<std::size_t>(row)]);
    return result;
  };
  return {.labels = chosen(labels),
          .class_names = class_names,
          .split = chosen(split),
          .paths = chosen(paths),
          .groups = chosen(groups),
          .episode = chosen(episode),
          .role = chosen(role)};
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

}  // namespace kindred
