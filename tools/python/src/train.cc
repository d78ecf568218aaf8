#include "bindings.h"

namespace kindred::python {

void bind_train(py::module_&) {}

}  // namespace kindred::python
