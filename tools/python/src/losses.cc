#include "bindings.h"

namespace kindred::python {

void bind_losses(py::module_&) {}

}  // namespace kindred::python
