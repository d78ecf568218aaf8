#pragma once
#include <pybind11/pybind11.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "kindred/core/index.h"
#include "kindred/core/matrix.h"

/// The one place where arrays cross from Python and back. `name` is what messages call the
/// argument. Failures are of kind data: what was expected, what was found. All functions want the
/// GIL, and give it back while they convert; what they return may be used and destroyed without.
namespace kindred::python {

namespace py = pybind11;

/// Values one after the other: the caller's own where type and layout allow, else a copy.
template <typename T>
struct Values {
  const T* data = nullptr;
  std::vector<Index> shape = {};
  std::shared_ptr<const void> owner = {};  ///< keeps them
  bool copied = false;

  Index size() const {
    Index product = 1;
    for (const Index extent : shape) product *= extent;
    return product;
  }
};

/// float32 [N, D] by rows.
struct FloatRows {
  ConstMatrixView view = {};
  std::shared_ptr<const void> owner = {};
  bool copied = false;
};

/// Any real or whole numbers [N, D], N and D from 1 on, finite. No copy where they are float32 of
/// this machine and each row lies together. A sequence of rows will do.
FloatRows float_rows(py::handle array, const std::string& name);

/// The same of any shape with `dimensions` extents (-1: any number).
Values<float> float_values(py::handle array, const std::string& name, Index dimensions);

/// uint8 with `dimensions` extents, not empty. No copy where it is contiguous in C's order. Other
/// types are refused: a picture's bytes are not guessed.
Values<std::uint8_t> byte_values(py::handle array, const std::string& name, Index dimensions);

/// What one label each comes to: classes from 0 on by the library's one rule (whole numbers from 0
/// on stay as they are, others and texts are counted in their order).
struct Labels {
  std::vector<std::int64_t> values = {};
  std::vector<std::string> names = {};  ///< of classes, where they are not the numbers
};

/// Labels [N]: every type of integer, reals that are whole, texts; arrays or sequences. `rows`: so
/// many are expected (-1: any number).
Labels labels_of(py::handle array, const std::string& name, Index rows = -1);

/// Whole numbers [N] as they are, negative ones included.
std::vector<std::int64_t> integers_of(py::handle array, const std::string& name, Index rows = -1);

/// True or false [N]: booleans, or whole numbers that are 0 or 1.
std::vector<std::uint8_t> flags_of(py::handle array, const std::string& name, Index rows = -1);

/// A NumPy array that owns what was given. Without a copy, unless a matrix's rows are padded.
py::object numpy_array(Matrix matrix);
py::object numpy_array(std::vector<float> values, std::vector<Index> shape);
py::object numpy_array(std::vector<double> values, std::vector<Index> shape);
py::object numpy_array(std::vector<std::int64_t> values, std::vector<Index> shape);
py::object numpy_array(std::vector<std::int32_t> values, std::vector<Index> shape);
py::object numpy_array(std::vector<std::uint8_t> values, std::vector<Index> shape);

/// "[60, 28, 28, 1]"
std::string text_of_shape(const std::vector<Index>& shape);

}  // namespace kindred::python
