#pragma once
#include <pybind11/pybind11.h>

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "kindred/core/index.h"

namespace kindred::python {

namespace py = pybind11;

/// What elements are.
enum class Kind { boolean, integer, natural, real, brain, other };  // brain: bfloat16

/// An array of a caller's as it lies in memory: by the buffer protocol (NumPy, bytes, array.array),
/// by DLPack (PyTorch, JAX on the CPU), or what numpy.asarray makes of it (lists, pandas). Held as
/// long as this lives: nobody frees or resizes it meanwhile. May be destroyed without the GIL.
struct ForeignArray {
  std::string name;  ///< as messages call it
  const std::byte* data = nullptr;
  Kind kind = Kind::other;
  Index bytes = 0;        ///< of an element
  bool swapped = false;   ///< their order is not this machine's
  std::string type = {};  ///< "float64", "big-endian int32"
  std::vector<Index> shape = {};
  std::vector<Index> strides = {};  ///< in bytes
  std::shared_ptr<const void> owner = {};

  Index size() const;
  /// The values lie one after the other, in C's order, where their type may lie.
  bool contiguous() const;
  /// "float64 [2, 3]"
  std::string described() const;
};

/// Takes `object`; fails with data where it is no array.
ForeignArray foreign_array(py::handle object, const std::string& name);

}  // namespace kindred::python
