#include "model_header.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "core/texts/json_text.h"
#include "kindred/core/error.h"
#include "train/step_limit.h"

namespace kindred {
namespace {

constexpr Index kMostExtent = Index{1} << 20;
constexpr Index kMostValues = Index{1} << 28;  // of a sample, as in data sets
constexpr Index kMostSlice = 4096;

/// [height, width, channels] of a sample that a network can be made for.
Shape shape_of(const TensorFile& file) {
  const std::string where = file.path() + ": its src_shape";
  const Json extents = parse_json(file.text("src_shape"), where);
  const bool whole = extents.is_array() && extents.size() == 3 &&
                     std::ranges::all_of(extents, [](const Json& extent) {
                       return extent.is_number_unsigned() && extent.get<std::uint64_t>() >= 1 &&
                              extent.get<std::uint64_t>() <= kMostExtent;
                     });
  if (!whole) {
    fail(ErrorKind::data, fmt::format("{} is {}; three numbers from 1 to {} are expected", where,
                                      file.text("src_shape").substr(0, 80), kMostExtent));
  }
  const Shape shape{extents[2].get<Index>(), extents[0].get<Index>(), extents[1].get<Index>()};
  if (shape.size() > kMostValues) {  // at most 2^60: no product of these is too large for an Index
    fail(ErrorKind::data, fmt::format("{} is {} x {} x {}; a sample has at most {} values", where,
                                      shape.height, shape.width, shape.channels, kMostValues));
  }
  return shape;
}

std::vector<std::string> class_names_of(const TensorFile& file) {
  const std::string where = file.path() + ": its list of class names";
  const Json names = parse_json(file.text("class_names"), where);
  if (!names.is_array() ||
      !std::ranges::all_of(names, [](const Json& name) { return name.is_string(); })) {
    fail(ErrorKind::data, where + " is no list of texts");
  }
  return names.get<std::vector<std::string>>();
}

std::optional<Preparation> preparation_in(const TensorFile& file) {
  const auto found = file.metadata.find("preparation");
  if (found == file.metadata.end()) return std::nullopt;
  return preparation_of(found->second, file.path() + ": its preparation");
}

// A cosine.
std::optional<double> threshold_in(const TensorFile& file) {
  const auto found = file.metadata.find("threshold");
  if (found == file.metadata.end()) return std::nullopt;
  const std::string& text = found->second;
  double value = 0;
  const auto read = std::from_chars(text.data(), text.data() + text.size(), value);
  if (read.ec != std::errc() || read.ptr != text.data() + text.size() ||
      !(value >= -1 && value <= 1)) {
    fail(ErrorKind::data, fmt::format("{}: its threshold is '{}'; a cosine, -1 to 1, is expected",
                                      file.path(), text.substr(0, 80)));
  }
  return value;
}

}  // namespace

ModelHeader header_of_model(const TensorFile& file) {
  file.check_kind("kindred model", "a run's model is its model.kindred");
  ModelHeader header;
  header.recipe = file.text("recipe");
  header.src = shape_of(file);
  header.slice = file.number("slice", 1, kMostSlice);
  header.element = file.text("src_element") == "u8" ? Element::u8 : Element::f32;
  header.class_names = class_names_of(file);
  header.preparation = preparation_in(file);
  header.threshold = threshold_in(file);
  header.step = file.number("step", 0, kMostSteps);
  return header;
}

}  // namespace kindred
