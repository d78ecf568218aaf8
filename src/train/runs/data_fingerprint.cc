#include "train/runs/data_fingerprint.h"

#include <fmt/format.h>

#include <cstddef>

#include <span>
#include <vector>

#include "core/texts/json_text.h"
#include "kindred/core/error.h"
#include "kindred/core/file.h"

namespace kindred {
namespace {

template <typename T>
std::string digest(std::span<const T> values) {
  return hex(checksum(std::as_bytes(values)));
}

std::string digest(const std::vector<std::string>& texts) {
  std::uint64_t sum = checksum(std::span<const std::byte>(), texts.size());
  for (const std::string& text : texts) {
    // Its length first: "a", "bc" is not "ab", "c".
    sum = checksum(std::as_bytes(std::span(text)), checksum({}, sum ^ text.size()));
  }
  return hex(sum);
}

std::string digest(ConstMatrixView rows) {
  std::uint64_t sum = 0;
  for (Index i = 0; i < rows.rows(); ++i) {
    const std::span<const float> row(rows.row(i), static_cast<std::size_t>(rows.cols()));
    sum = checksum(std::as_bytes(row), sum);
  }
  return hex(sum);
}

std::string shape_of_data(const Dataset& data) {
  const Shape& shape = data.shape();
  return fmt::format("{} x {} x {} x {} {}, targets {}", data.size(), shape.height, shape.width,
                     shape.channels, data.element() == Element::u8 ? "u8" : "f32",
                     data.targets().cols());
}

}  // namespace

std::string fingerprint_of_data(const Setup& setup) {
  const Dataset& data = *setup.dataset;
  Json parts;
  parts["shape"] = shape_of_data(data);
  parts["labels"] = digest(data.labels());
  parts["class names"] = digest(data.class_names());
  parts["split"] = digest(data.split());
  parts["targets"] = digest(data.targets());
  if (data.element() == Element::u8) parts["training samples"] = hex(setup.training_rows);
  if (const auto all = data.checksum()) parts["samples"] = hex(*all);
  return dump_json(parts);
}

std::string changed_data(const std::string& saved, const std::string& now,
                         const std::string& where) {
  constexpr std::size_t kMost = 4096;  // ours take a few hundred bytes
  const Json before = saved.size() > kMost ? Json() : parse_json(saved, where);
  const Json after = parse_json(now, where);
  if (!before.is_object()) {
    fail(ErrorKind::data, where + ": its fingerprint of the data cannot be read");
  }
  for (const auto& [part, value] : after.items()) {
    const auto other = before.find(part);
    if (other == before.end() || *other == value) continue;
    return part == "shape"
               ? fmt::format("shape (was {}, is {})", dump_json(*other), dump_json(value))
               : part;
  }
  return {};
}

}  // namespace kindred
