#include <string>

#include "bindings.h"
#include "kindred/core/error.h"

namespace kindred::python {
namespace {

struct ErrorClass {
  ErrorKind kind;
  const char* name;
  PyObject* const* built_in;  // the class of Python's that it is, too
  const char* doc;
};

// By ErrorKind; the texts are those of kindred/core/error.h.
const ErrorClass kErrorClasses[] = {
    {ErrorKind::usage, "UsageError", &PyExc_ValueError, "The call itself is wrong."},
    {ErrorKind::data, "DataError", &PyExc_ValueError,
     "An input exists, but its content is wrong: shapes, types, values."},
    {ErrorKind::no_input, "NoInputError", &PyExc_FileNotFoundError,
     "An input is missing or cannot be opened."},
    {ErrorKind::diverged, "DivergedError", &PyExc_ArithmeticError,
     "Training lost its way: a loss or a gradient is no finite number."},
    {ErrorKind::internal, "InternalError", &PyExc_RuntimeError, "A mistake of Kindred's own."},
    {ErrorKind::system, "SystemLimitError", &PyExc_RuntimeError,
     "The system refuses threads, processes or memory."},
    {ErrorKind::cannot_create, "CannotCreateError", &PyExc_OSError,
     "An output cannot be created, or another process holds it."},
    {ErrorKind::io, "IoError", &PyExc_OSError,
     "Reading or writing failed on the way (disk full, device error)."},
    {ErrorKind::recipe, "RecipeError", &PyExc_ValueError,
     "A recipe asks for something that is wrong or unknown."},
};
constexpr std::size_t kErrorCount = sizeof(kErrorClasses) / sizeof(kErrorClasses[0]);

PyObject* error_classes[kErrorCount];  // alive as long as the process

PyObject* class_of(ErrorKind kind) {
  for (std::size_t i = 0; i < kErrorCount; ++i) {
    if (kErrorClasses[i].kind == kind) return error_classes[i];
  }
  return PyExc_RuntimeError;
}

void translate(std::exception_ptr pointer) {
  try {
    if (pointer) std::rethrow_exception(pointer);
  } catch (const py::cast_error&) {
    PyErr_SetString(
        class_of(ErrorKind::usage),
        "an argument is of a type that is not taken; help() of the function says which");
  } catch (const Error& error) {
    PyErr_SetString(class_of(error.kind()), error.what());
  }
}

}  // namespace

void bind_errors(py::module_& module) {
  const auto make = [&](const char* name, const char* doc, py::handle bases, int exit_code) {
    py::dict members;
    members["exit_code"] = exit_code;
    PyObject* made = PyErr_NewExceptionWithDoc((std::string("kindred.") + name).c_str(), doc,
                                               bases.ptr(), members.ptr());
    if (made == nullptr) throw py::error_already_set();
    module.attr(name) = py::handle(made);
    return made;
  };
  PyObject* base =
      make("Error",
           "Whatever Kindred refuses or fails at. `exit_code` is what the command line "
           "ends with.",
           py::handle(PyExc_Exception), 1);
  for (std::size_t i = 0; i < kErrorCount; ++i) {
    const ErrorClass& of = kErrorClasses[i];
    error_classes[i] =
        make(of.name, of.doc, py::make_tuple(py::handle(base), py::handle(*of.built_in)),
             static_cast<int>(of.kind));
  }
  py::register_exception_translator(&translate);
}

}  // namespace kindred::python
