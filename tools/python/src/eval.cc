#include "bindings.h"

namespace kindred::python {

void bind_eval(py::module_&) {}

}  // namespace kindred::python
