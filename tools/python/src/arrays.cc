#include "arrays.h"

#include "bindings.h"

namespace kindred::python {

void bind_arrays(py::module_&) {}

}  // namespace kindred::python
