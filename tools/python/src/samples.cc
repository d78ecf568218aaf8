#include "samples.h"

#include <fmt/format.h>

#include "arrays.h"
#include "foreign_array.h"
#include "kindred/core/error.h"

namespace kindred::python {
namespace {

Shape shape_of_sample(const std::vector<Index>& shape) {
  if (shape.size() == 2) return {.channels = shape[1]};
  return {.channels = shape.size() == 4 ? shape[3] : 1, .height = shape[1], .width = shape[2]};
}

}  // namespace

Samples samples_of(py::handle object, const std::string& name) {
  const ForeignArray array = foreign_array(object, name);
  const auto dimensions = static_cast<Index>(array.shape.size());
  const bool bytes = array.kind == Kind::natural && array.bytes == 1;
  const bool fits = bytes ? dimensions == 3 || dimensions == 4
                          : dimensions == 2 || (dimensions == 4 && array.kind == Kind::real);
  if (!fits) {
    fail(ErrorKind::data,
         fmt::format("{} is {}; expected images uint8 [N, height, width, channels], "
                     "or vectors float32 [N, F]",
                     name, array.described()));
  }
  Samples samples;
  if (bytes) {
    Values<std::uint8_t> values = byte_values(object, name, dimensions);
    samples.data = reinterpret_cast<const std::byte*>(values.data);
    samples.owner = std::move(values.owner);
  } else {
    Values<float> values = float_values(object, name, dimensions);
    samples.data = reinterpret_cast<const std::byte*>(values.data);
    samples.owner = std::move(values.owner);
    samples.element = Element::f32;
  }
  samples.count = array.shape[0];
  samples.shape = shape_of_sample(array.shape);
  return samples;
}

std::string text_of_samples(const Shape& shape, Element element) {
  const char* const unit = element == Element::u8 ? "bytes" : "floats";
  if (element == Element::f32 && shape.height == 1 && shape.width == 1) {
    return fmt::format("{} {}", shape.channels, unit);
  }
  return fmt::format("{} x {} x {} {}", shape.height, shape.width, shape.channels, unit);
}

py::tuple tuple_of_shape(const Shape& shape, Element element) {
  if (element == Element::f32 && shape.height == 1 && shape.width == 1) {
    return py::make_tuple(shape.channels);
  }
  return py::make_tuple(shape.height, shape.width, shape.channels);
}

Split split_named(const std::string& name) {
  if (name == "train") return Split::train;
  if (name == "validation") return Split::validation;
  if (name == "test") return Split::test;
  if (name == "all") return Split::all;
  fail(ErrorKind::usage,
       fmt::format("split = '{}'; expected train, validation, test or all", name));
}

}  // namespace kindred::python
