#include <fmt/format.h>

#include <limits>
#include <optional>

#include "arrays.h"
#include "conversions.h"
#include "data/labels/class_labels.h"
#include "foreign_array.h"
#include "kindred/core/error.h"

namespace kindred::python {
namespace {

constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max();

void check_rows(const std::string& name, Index found, Index expected) {
  if (found == 0) fail(ErrorKind::data, fmt::format("{} is empty; expected one value a row", name));
  if (expected < 0 || found == expected) return;
  fail(ErrorKind::data,
       fmt::format("{} has {} values; expected {}, one a row", name, found, expected));
}

/// One element of a sequence, which may be of any type.
void add_element(LabelValues& values, py::handle element, std::size_t place) {
  PyObject* const object = element.ptr();
  if (PyUnicode_Check(object) || PyBytes_Check(object)) {
    values.texts.push_back(element.cast<std::string>());
    return;
  }
  if (PyFloat_Check(object)) {
    values.reals.push_back(PyFloat_AsDouble(object));
    return;
  }
  if (PyIndex_Check(object) == 0) {
    fail(ErrorKind::data,
         fmt::format("{} row {} is of type {}; labels are whole numbers or texts", values.where,
                     place,
                     py::str(py::type::handle_of(element).attr("__name__")).cast<std::string>()));
  }
  const py::object number = py::reinterpret_steal<py::object>(PyNumber_Index(object));
  if (!number) throw py::error_already_set();
  int overflow = 0;
  const long long whole = PyLong_AsLongLongAndOverflow(number.ptr(), &overflow);
  if (overflow == 0) {
    values.whole.push_back(whole);
    return;
  }
  const unsigned long long large = overflow > 0 ? PyLong_AsUnsignedLongLong(number.ptr()) : 0;
  if (overflow < 0 || PyErr_Occurred() != nullptr) {
    PyErr_Clear();
    fail(ErrorKind::data,
         fmt::format("{} row {} has more than 64 bits; labels that large are given "
                     "as texts",
                     values.where, place));
  }
  values.is_unsigned = true;
  values.whole.push_back(static_cast<std::int64_t>(large));
}

LabelValues from_sequence(py::handle sequence, const std::string& name) {
  LabelValues values{.where = name, .name = name};
  bool negative = false;
  std::size_t place = 0;
  for (const py::handle element : py::iter(sequence)) {
    const bool unsigned_before = values.is_unsigned;
    add_element(values, element, place++);
    negative = negative || (!values.whole.empty() && values.whole.back() < 0 &&
                            values.is_unsigned == unsigned_before);
  }
  if (values.is_unsigned && negative) {
    fail(ErrorKind::data,
         fmt::format("{} holds negative numbers and such beyond 2^63; give them as "
                     "texts",
                     name));
  }
  if (!values.reals.empty() && !values.whole.empty()) {  // in the order of rows
    values.reals.clear();
    values.whole.clear();
    for (const py::handle element : py::iter(sequence)) {
      values.reals.push_back(py::float_(py::reinterpret_borrow<py::object>(element)));
    }
  }
  const std::size_t numbers = values.reals.size() + values.whole.size();
  if (numbers > 0 && !values.texts.empty()) {
    fail(ErrorKind::data, fmt::format("{} holds {} numbers and {} texts; one kind is expected",
                                      name, numbers, values.texts.size()));
  }
  return values;
}

bool is_sequence(py::handle object) {
  return PyList_Check(object.ptr()) || PyTuple_Check(object.ptr());
}

/// An array of texts or objects, NumPy's newest included, which the buffer protocol does not know.
bool holds_texts(py::handle object) {
  if (!py::hasattr(object, "tolist") || !py::hasattr(object, "dtype")) return false;
  const py::object type = object.attr("dtype");
  if (!py::hasattr(type, "kind") || !py::isinstance<py::str>(type.attr("kind"))) return false;
  const auto kind = type.attr("kind").cast<std::string>();
  return kind == "T" || kind == "U" || kind == "S" || kind == "O";
}

LabelValues label_values(py::handle object, const std::string& name) {
  if (is_sequence(object)) return from_sequence(object, name);
  if (holds_texts(object)) return from_sequence(object.attr("tolist")(), name);
  const ForeignArray array = foreign_array(object, name);
  if (array.kind == Kind::other) {
    fail(ErrorKind::data, fmt::format("{} is {}; expected one label a row: whole numbers or texts",
                                      name, array.described()));
  }
  if (array.shape.empty() || array.shape.size() > 2) {
    fail(ErrorKind::data, fmt::format("{} is {}; expected labels [N]", name, array.described()));
  }
  LabelValues values{.where = name,
                     .name = name,
                     .columns = array.shape.size() == 2 ? std::max<Index>(array.shape[1], 1) : 1};
  if (array.kind == Kind::real || array.kind == Kind::brain) {
    values.reals.resize(static_cast<std::size_t>(array.size()));
    convert(array, values.reals.data());
  } else {
    values.whole.resize(static_cast<std::size_t>(array.size()));
    values.is_unsigned = array.kind == Kind::natural && array.bytes == 8;
    convert(array, values.whole.data());
  }
  return values;
}

}  // namespace

Labels labels_of(py::handle object, const std::string& name, Index rows) {
  LabelValues values = label_values(object, name);
  check_rows(name, values.rows(), rows);
  const py::gil_scoped_release released;
  LabelReader reader;
  reader.add(std::move(values));
  ClassLabels labels = reader.finish();
  return {.values = std::move(labels.labels), .names = std::move(labels.class_names)};
}

std::vector<std::int64_t> integers_of(py::handle object, const std::string& name, Index rows) {
  LabelValues values = label_values(object, name);
  check_rows(name, values.rows(), rows);
  if (values.columns != 1 || !values.texts.empty() || !values.reals.empty()) {
    fail(ErrorKind::data, fmt::format("{} holds {}; expected whole numbers [N]", name,
                                      values.columns != 1    ? "rows of several values"
                                      : values.reals.empty() ? "texts"
                                                             : "reals"));
  }
  for (const std::int64_t value : values.whole) {
    if (values.is_unsigned && value < 0) {
      fail(ErrorKind::data, fmt::format("{} holds a number beyond {}", name, kMost));
    }
  }
  return std::move(values.whole);
}

std::vector<std::uint8_t> flags_of(py::handle object, const std::string& name, Index rows) {
  std::vector<std::uint8_t> flags;
  for (const std::int64_t value : integers_of(object, name, rows)) {
    if (value != 0 && value != 1) {
      fail(ErrorKind::data, fmt::format("{} row {} is {}; expected true or false, or 1 or 0", name,
                                        flags.size(), value));
    }
    flags.push_back(static_cast<std::uint8_t>(value));
  }
  return flags;
}

}  // namespace kindred::python
