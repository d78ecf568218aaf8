#include "data/arrays/npy_images.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "core/check_finite.h"
#include "kindred/core/error.h"

namespace kindred {
namespace {

/// What the values of an array are like.
struct Values {
  double low = 0;
  double high = 0;
  bool whole = true;
};

Values look_at_array(const NpyArray& array) {
  Values values;
  for (Index i = 0; i < array.count(); ++i) {
    const double value = array.element(i);
    if (!std::isfinite(value)) values.low = -1;
    values.low = std::min(values.low, value);
    values.high = std::max(values.high, value);
    values.whole = values.whole && value == std::floor(value);
  }
  return values;
}

bool could_be_bytes(const NpyArray& array) {
  if (array.kind == 'u' && array.bytes == 1) return true;
  const Values values = look_at_array(array);
  return values.whole && values.low >= 0 && values.high > 1 && values.high <= 255;
}

}  // namespace

NpyRows rows_of(const NpyArray& array) {
  const std::vector<Index>& s = array.shape;
  const auto small = [](Index extent) { return extent == 1 || extent == 3; };
  if (array.is_text()) {
    fail(ErrorKind::data, fmt::format("{}: holds texts; numbers are expected", array.where));
  }
  if (s.size() == 3) return {.shape = {.channels = 1, .height = s[1], .width = s[2]}};
  if (s.size() == 4 && small(s[3])) {
    return {.shape = {.channels = s[3], .height = s[1], .width = s[2]}};
  }
  if (s.size() == 4 && small(s[1])) {
    return {.shape = {.channels = s[1], .height = s[2], .width = s[3]}, .planar = true};
  }
  if (s.size() != 2) {
    fail(ErrorKind::data,
         fmt::format("{}: has shape [{}]; images [N, H, W], [N, H, W, C] or [N, C, H, W] with 1 or "
                     "3 channels, or vectors [N, F], are expected",
                     array.where, fmt::join(s, ", ")));
  }
  for (const Index channels : {1, 3}) {
    const auto side = static_cast<Index>(
        std::lround(std::sqrt(static_cast<double>(s[1]) / static_cast<double>(channels))));
    if (side > 1 && side * side * channels == s[1] && could_be_bytes(array)) {
      return {.shape = {.channels = channels, .height = side, .width = side}, .planar = true};
    }
  }
  return {.shape = {.channels = s[1]}, .vectors = true};
}

std::vector<std::byte> image_bytes(const NpyArray& array) {
  const Values values = look_at_array(array);
  if (values.low < 0 || values.high > 255 || (!values.whole && values.high > 1)) {
    fail(ErrorKind::data,
         fmt::format("{}: holds values from {} to {}; bytes, whole numbers of 0 to 255 or numbers "
                     "of 0 to 1 are expected",
                     array.where, values.low, values.high));
  }
  const double scale = values.whole && array.kind != 'b' && values.high > 1 ? 1 : 255;
  const bool bytes = array.kind == 'u' && array.bytes == 1;
  std::vector<std::byte> result(static_cast<std::size_t>(array.count()));
  for (Index i = 0; i < array.count(); ++i) {
    const double value = array.element(array.place(i));
    result[static_cast<std::size_t>(i)] =
        static_cast<std::byte>(bytes ? std::lround(value) : std::lround(scale * value));
  }
  return result;
}

Matrix vectors_of(const NpyArray& array) {
  if (array.shape.size() != 2 || array.is_text()) {
    fail(ErrorKind::data, fmt::format("{}: has shape [{}]; [N, D] is expected", array.where,
                                      fmt::join(array.shape, ", ")));
  }
  Matrix rows(array.shape[0], array.shape[1]);
  for (Index i = 0; i < rows.rows(); ++i) {
    for (Index j = 0; j < rows.cols(); ++j) {
      rows(i, j) = static_cast<float>(array.element(array.place(i * rows.cols() + j)));
    }
  }
  check_finite(rows, array.where);
  return rows;
}

}  // namespace kindred
