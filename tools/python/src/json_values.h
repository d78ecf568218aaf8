#pragma once
#include <pybind11/pybind11.h>

#include "core/texts/json_text.h"

namespace kindred::python {

/// Dictionaries, lists, numbers and texts of the same. Wants the GIL.
pybind11::object python_of(const Json& json);

}  // namespace kindred::python
