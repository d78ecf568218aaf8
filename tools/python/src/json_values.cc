#include "json_values.h"

namespace kindred::python {

namespace py = pybind11;

py::object python_of(const Json& json) {
  switch (json.type()) {
    case Json::value_t::object: {
      py::dict values;
      for (const auto& [key, value] : json.items()) values[py::str(key)] = python_of(value);
      return values;
    }
    case Json::value_t::array: {
      py::list values;
      for (const Json& value : json) values.append(python_of(value));
      return values;
    }
    case Json::value_t::string: return py::str(json.get_ref<const std::string&>());
    case Json::value_t::boolean: return py::bool_(json.get<bool>());
    case Json::value_t::number_integer: return py::int_(json.get<std::int64_t>());
    case Json::value_t::number_unsigned: return py::int_(json.get<std::uint64_t>());
    case Json::value_t::number_float: return py::float_(json.get<double>());
    default: return py::none();
  }
}

}  // namespace kindred::python
