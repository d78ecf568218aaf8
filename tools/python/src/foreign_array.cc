#include "foreign_array.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <memory>
#include <optional>

#include "arrays.h"
#include "dlpack.h"
#include "kindred/core/error.h"

namespace kindred::python {
namespace {

static_assert(std::endian::native == std::endian::little);

void set_type(ForeignArray& array, Kind kind, Index bytes) {
  array.kind = kind;
  array.bytes = bytes;
  const char* const name = kind == Kind::integer   ? "int"
                           : kind == Kind::natural ? "uint"
                           : kind == Kind::brain   ? "bfloat"
                                                   : "float";
  array.type = kind == Kind::boolean
                   ? "bool"
                   : fmt::format("{}{}{}", array.swapped ? "big-endian " : "", name, 8 * bytes);
}

/// By a format of Python's struct module, as the buffer protocol has them.
void read_format(ForeignArray& array, std::string_view format, Index bytes) {
  array.bytes = bytes;
  const char order = format.empty() ? '@' : format[0];
  if (std::string_view("@=<>!").find(order) != std::string_view::npos) format.remove_prefix(1);
  array.swapped = (order == '>' || order == '!') && bytes > 1;
  const char letter = format.size() == 1 ? format[0] : '\0';
  const bool whole = bytes == 1 || bytes == 2 || bytes == 4 || bytes == 8;
  const auto is_one_of = [&](std::string_view letters) {
    return letter != '\0' && letters.find(letter) != std::string_view::npos;
  };
  if (is_one_of("?") && bytes == 1) return set_type(array, Kind::boolean, bytes);
  if (is_one_of("bhilqn") && whole) return set_type(array, Kind::integer, bytes);
  if (is_one_of("BHILQN") && whole) return set_type(array, Kind::natural, bytes);
  if (is_one_of("efd") && whole && bytes > 1) return set_type(array, Kind::real, bytes);
  array.kind = Kind::other;
  const char last = format.empty() ? '\0' : format.back();
  array.type = last == 'w' || last == 's' ? "text"
               : last == 'O'              ? "object"
               : format.starts_with("Z")  ? "complex"
               : last == 'g'              ? "longdouble"
                                          : fmt::format("'{}'", format);
}

std::optional<ForeignArray> by_buffer(py::handle object, const std::string& name) {
  if (PyObject_CheckBuffer(object.ptr()) == 0) return std::nullopt;
  const auto release = [](Py_buffer* held) {
    const py::gil_scoped_acquire gil;
    PyBuffer_Release(held);
    delete held;
  };
  auto view = std::make_unique<Py_buffer>();
  if (PyObject_GetBuffer(object.ptr(), view.get(), PyBUF_RECORDS_RO) != 0) {
    PyErr_Clear();  // types that the protocol does not know
    return std::nullopt;
  }
  const std::shared_ptr<Py_buffer> held(view.release(), release);
  ForeignArray array{.name = name, .data = static_cast<const std::byte*>(held->buf)};
  read_format(array, held->format == nullptr ? "B" : held->format, held->itemsize);
  array.shape.assign(held->shape, held->shape + held->ndim);
  array.strides.assign(held->strides, held->strides + held->ndim);
  array.owner = held;
  return array;
}

std::string message_of(const py::error_already_set& error) {
  return py::str(error.value()).cast<std::string>();
}

std::optional<ForeignArray> by_dlpack(py::handle object, const std::string& name) {
  if (!py::hasattr(object, "__dlpack__") || !py::hasattr(object, "__dlpack_device__")) {
    return std::nullopt;
  }
  const auto device = object.attr("__dlpack_device__")().cast<py::tuple>();
  const int place = device[0].cast<int>();
  if (place != kDLCPU && place != kDLCUDAHost) {
    fail(ErrorKind::data,
         fmt::format("{} lies on a device (DLPack's type {}); expected memory of the CPU: copy it "
                     "there first, for instance by .cpu()",
                     name, place));
  }
  py::object capsule;
  try {
    capsule = object.attr("__dlpack__")();
  } catch (const py::error_already_set& error) {
    fail(ErrorKind::data, fmt::format("{} cannot be shared: {}", name, message_of(error)));
  }
  auto* const managed =
      static_cast<DLManagedTensor*>(PyCapsule_GetPointer(capsule.ptr(), "dltensor"));
  if (managed == nullptr) throw py::error_already_set();
  PyCapsule_SetName(capsule.ptr(), "used_dltensor");  // ours to delete from now on
  const std::shared_ptr<DLManagedTensor> held(managed, [](DLManagedTensor* tensor) {
    const py::gil_scoped_acquire gil;
    if (tensor->deleter != nullptr) tensor->deleter(tensor);
  });
  const DLTensor& tensor = managed->dl_tensor;
  ForeignArray array{
      .name = name,
      .data = static_cast<const std::byte*>(tensor.data) + tensor.byte_offset,
      .bytes = tensor.dtype.bits / 8,
  };
  const auto bits = tensor.dtype.bits;
  const bool known =
      tensor.dtype.lanes == 1 && (bits == 8 || bits == 16 || bits == 32 || bits == 64);
  array.type = fmt::format("DLPack's type {} of {} bits", tensor.dtype.code, bits);
  if (known && tensor.dtype.code == kDLInt) set_type(array, Kind::integer, bits / 8);
  if (known && tensor.dtype.code == kDLUInt) set_type(array, Kind::natural, bits / 8);
  if (known && tensor.dtype.code == kDLFloat && bits > 8) set_type(array, Kind::real, bits / 8);
  if (known && tensor.dtype.code == kDLBfloat && bits == 16) set_type(array, Kind::brain, 2);
  if (known && tensor.dtype.code == kDLBool && bits == 8) set_type(array, Kind::boolean, 1);
  array.shape.assign(tensor.shape, tensor.shape + tensor.ndim);
  array.strides.resize(array.shape.size());
  Index next = array.bytes;
  for (std::size_t i = array.shape.size(); i-- > 0;) {
    array.strides[i] = tensor.strides == nullptr ? next : tensor.strides[i] * array.bytes;
    next *= array.shape[i];
  }
  array.owner = held;
  return array;
}

}  // namespace

Index ForeignArray::size() const {
  Index product = 1;
  for (const Index extent : shape) product *= extent;
  return product;
}

bool ForeignArray::contiguous() const {
  if (reinterpret_cast<std::uintptr_t>(data) % static_cast<std::uintptr_t>(bytes) != 0) {
    return false;
  }
  Index expected = bytes;
  for (std::size_t i = shape.size(); i-- > 0;) {
    if (shape[i] != 1 && strides[i] != expected) return false;
    expected *= shape[i];
  }
  return true;
}

std::string ForeignArray::described() const { return type + " " + text_of_shape(shape); }

ForeignArray foreign_array(py::handle object, const std::string& name) {
  if (auto array = by_buffer(object, name)) return std::move(*array);
  const std::string found =
      py::str(py::type::handle_of(object).attr("__name__")).cast<std::string>();
  const bool plain = PyUnicode_Check(object.ptr()) || object.is_none() ||
                     PyDict_Check(object.ptr()) || PyNumber_Check(object.ptr());
  const bool array_like = py::hasattr(object, "__array__");
  if (plain && !array_like && !py::hasattr(object, "__dlpack__")) {
    fail(ErrorKind::data, fmt::format("{} is of type {}; expected an array", name, found));
  }
  // An array whose type the buffer protocol does not know says it in words.
  const bool is_numpy = array_like && py::hasattr(object, "__array_interface__");
  if (!is_numpy) {
    if (auto array = by_dlpack(object, name)) return std::move(*array);
  }
  py::object made;
  try {
    made = py::module_::import("numpy").attr("asarray")(object);
  } catch (const py::error_already_set& error) {
    if (error.matches(PyExc_ImportError)) {
      fail(ErrorKind::data, fmt::format("{} is of type {}, which takes NumPy to read: {}", name,
                                        found, message_of(error)));
    }
    fail(ErrorKind::data,
         fmt::format("{} is of type {}, and no array: {}", name, found, message_of(error)));
  }
  if (auto array = by_buffer(made, name)) return std::move(*array);
  fail(ErrorKind::data, fmt::format("{} is an array of {}; expected numbers", name,
                                    py::str(made.attr("dtype")).cast<std::string>()));
}

}  // namespace kindred::python
