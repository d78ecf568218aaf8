#include "bindings.h"

namespace kindred::python {

void bind_dataset(py::module_&) {}

}  // namespace kindred::python
