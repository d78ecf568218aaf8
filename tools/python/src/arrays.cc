#include "arrays.h"

#include <fmt/format.h>
#include <pybind11/stl.h>

#include <algorithm>
#include <cstring>
#include <span>
#include <utility>

#include "bindings.h"
#include "conversions.h"
#include "core/check_finite.h"
#include "foreign_array.h"
#include "kindred/core/buffer.h"
#include "kindred/core/error.h"

namespace kindred::python {
namespace {

/// What a result lies in: NumPy's array of it keeps it alive, and frees it.
struct Result {
  std::shared_ptr<void> owner;
  void* data;
  Index bytes;  // of an element
  const char* format;
  std::vector<Index> shape;
};

[[noreturn]] void refuse(const ForeignArray& array, const std::string& expected) {
  fail(ErrorKind::data,
       fmt::format("{} is {}; expected {}", array.name, array.described(), expected));
}

void check_shape(const ForeignArray& array, Index dimensions, const std::string& expected) {
  if (dimensions >= 0 && static_cast<Index>(array.shape.size()) != dimensions) {
    refuse(array, expected);
  }
  if (array.size() == 0) refuse(array, expected + ", not empty");
}

std::string expected_floats(Index dimensions) {
  return dimensions < 0
             ? std::string("numbers")
             : fmt::format("float32 with {} dimension{}", dimensions, dimensions == 1 ? "" : "s");
}

bool is_float32(const ForeignArray& array) {
  return array.kind == Kind::real && array.bytes == 4 && !array.swapped;
}

Values<float> values_of(const ForeignArray& array, const std::string& expected) {
  if (is_float32(array) && array.contiguous()) {
    return {.data = reinterpret_cast<const float*>(array.data),
            .shape = array.shape,
            .owner = array.owner};
  }
  const py::gil_scoped_release released;
  const auto copy = std::make_shared<Buffer<float>>(array.size());
  if (!convert(array, copy->data())) refuse(array, expected);
  return {.data = copy->data(), .shape = array.shape, .owner = copy, .copied = true};
}

/// Rows that lie together, one anywhere after another: a view reads them as they are.
bool has_plain_rows(const ForeignArray& array) {
  const Index row = array.shape[1] * array.bytes;
  const bool aligned = reinterpret_cast<std::uintptr_t>(array.data) % alignof(float) == 0;
  return is_float32(array) && aligned && (array.shape[1] == 1 || array.strides[1] == array.bytes) &&
         (array.shape[0] == 1 || (array.strides[0] >= row && array.strides[0] % array.bytes == 0));
}

template <typename T>
py::object numpy_of_vector(std::vector<T> values, std::vector<Index> shape, const char* format) {
  const auto owner = std::make_shared<std::vector<T>>(std::move(values));
  owner->reserve(1);  // an address, where there is no value
  return py::module_::import("numpy").attr("asarray")(
      Result{owner, owner->data(), static_cast<Index>(sizeof(T)), format, std::move(shape)});
}

template <typename T>
py::tuple crossing_of(const T* data, bool copied, std::vector<T> numbers,
                      std::vector<Index> shape) {
  return py::make_tuple(reinterpret_cast<std::uintptr_t>(data), copied,
                        numpy_array(std::move(numbers), std::move(shape)));
}

/// How an array crosses: where its numbers are read, whether they were copied, and the numbers.
py::tuple crossing(py::handle array, const std::string& as, const std::string& name) {
  if (as == "bytes") {
    const Values<std::uint8_t> values = byte_values(array, name, -1);
    return crossing_of(values.data, values.copied, {values.data, values.data + values.size()},
                       values.shape);
  }
  if (as == "values") {
    const Values<float> values = float_values(array, name, -1);
    return crossing_of(values.data, values.copied, {values.data, values.data + values.size()},
                       values.shape);
  }
  const FloatRows rows = float_rows(array, name);
  std::vector<float> numbers;
  for (Index i = 0; i < rows.view.rows(); ++i) {
    numbers.insert(numbers.end(), rows.view.row(i), rows.view.row(i) + rows.view.cols());
  }
  return crossing_of(static_cast<const float*>(rows.view.data()), rows.copied, std::move(numbers),
                     {rows.view.rows(), rows.view.cols()});
}

}  // namespace

FloatRows float_rows(py::handle object, const std::string& name) {
  const ForeignArray array = foreign_array(object, name);
  const std::string expected = "float32 [N, D]";
  check_shape(array, 2, expected);
  FloatRows rows;
  if (has_plain_rows(array)) {
    const Index stride = array.shape[0] == 1 ? array.shape[1] : array.strides[0] / array.bytes;
    rows = {.view = {reinterpret_cast<const float*>(array.data), array.shape[0], array.shape[1],
                     stride},
            .owner = array.owner};
  } else {
    Values<float> values = values_of(array, expected);
    rows = {.view = {values.data, array.shape[0], array.shape[1]},
            .owner = std::move(values.owner),
            .copied = true};
  }
  const py::gil_scoped_release released;
  check_finite(rows.view, name);
  return rows;
}

Values<float> float_values(py::handle object, const std::string& name, Index dimensions) {
  const ForeignArray array = foreign_array(object, name);
  check_shape(array, dimensions, expected_floats(dimensions));
  Values<float> values = values_of(array, expected_floats(dimensions));
  const py::gil_scoped_release released;
  const Index row = array.shape.empty() ? 1 : array.shape.back();
  check_finite({values.data, values.size() / row, row}, name);
  return values;
}

Values<std::uint8_t> byte_values(py::handle object, const std::string& name, Index dimensions) {
  const ForeignArray array = foreign_array(object, name);
  const std::string expected = dimensions == 4
                                   ? std::string("uint8 [N, height, width, channels]")
                                   : fmt::format("uint8 with {} dimensions", dimensions);
  check_shape(array, dimensions, expected);
  if (array.kind != Kind::natural || array.bytes != 1) {
    refuse(array, expected + ": pixels from 0 to 255, converted by whoever knows their range");
  }
  if (array.contiguous()) {
    return {.data = reinterpret_cast<const std::uint8_t*>(array.data),
            .shape = array.shape,
            .owner = array.owner};
  }
  const py::gil_scoped_release released;
  const auto copy = std::make_shared<Buffer<std::uint8_t>>(array.size());
  convert(array, copy->data());
  return {.data = copy->data(), .shape = array.shape, .owner = copy, .copied = true};
}

py::object numpy_array(Matrix matrix) {
  const std::vector<Index> shape = {matrix.rows(), matrix.cols()};
  if (matrix.stride() != matrix.cols()) {
    std::vector<float> packed(static_cast<std::size_t>(matrix.rows() * matrix.cols()));
    for (Index i = 0; i < matrix.rows(); ++i) {
      std::copy_n(matrix.row(i), matrix.cols(), packed.data() + i * matrix.cols());
    }
    return numpy_array(std::move(packed), shape);
  }
  const auto owner = std::make_shared<Matrix>(std::move(matrix));
  return py::module_::import("numpy").attr("asarray")(
      Result{owner, owner->data(), static_cast<Index>(sizeof(float)), "f", shape});
}

py::object numpy_array(std::vector<float> values, std::vector<Index> shape) {
  return numpy_of_vector(std::move(values), std::move(shape), "f");
}
py::object numpy_array(std::vector<double> values, std::vector<Index> shape) {
  return numpy_of_vector(std::move(values), std::move(shape), "d");
}
py::object numpy_array(std::vector<std::int64_t> values, std::vector<Index> shape) {
  return numpy_of_vector(std::move(values), std::move(shape), "l");
}
py::object numpy_array(std::vector<std::int32_t> values, std::vector<Index> shape) {
  return numpy_of_vector(std::move(values), std::move(shape), "i");
}
py::object numpy_array(std::vector<std::uint8_t> values, std::vector<Index> shape) {
  return numpy_of_vector(std::move(values), std::move(shape), "B");
}

std::string text_of_shape(const std::vector<Index>& shape) {
  return fmt::format("[{}]", fmt::join(shape, ", "));
}

void bind_arrays(py::module_& module) {
  using namespace py::literals;
  module.def("_crossing", &crossing, "array"_a, "as_"_a, "name"_a = "array");
  module.def(
      "_labels",
      [](py::handle labels) {
        Labels read = labels_of(labels, "labels");
        return py::make_tuple(std::move(read.values), std::move(read.names));
      },
      "labels"_a);
  py::class_<Result>(module, "Result", py::buffer_protocol(),
                     "Memory of a result, until NumPy's array of it is gone.")
      .def_buffer([](Result& result) {
        std::vector<py::ssize_t> strides(result.shape.size());
        Index next = result.bytes;
        for (std::size_t i = strides.size(); i-- > 0;) {
          strides[i] = next;
          next *= result.shape[i];
        }
        return py::buffer_info(result.data, result.bytes, result.format,
                               static_cast<py::ssize_t>(result.shape.size()), result.shape,
                               std::move(strides));
      });
}

}  // namespace kindred::python
