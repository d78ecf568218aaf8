#include "bindings.h"

namespace kindred::python {

void bind_neighbors(py::module_&) {}

}  // namespace kindred::python
