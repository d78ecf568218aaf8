#include "bindings.h"

namespace kindred::python {

void bind_model(py::module_&) {}

}  // namespace kindred::python
