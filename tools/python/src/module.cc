#include "bindings.h"

// Python's warnings of unused parameters are those of its macro.
PYBIND11_MODULE(_kindred, module) {
  using namespace kindred::python;
  module.doc() = "The compiled part of kindred: use `import kindred`.";
  module.attr("__version__") = KINDRED_VERSION;
  watch_forks();
  bind_errors(module);
  bind_arrays(module);
  bind_dataset(module);
  bind_model(module);
  bind_train(module);
  bind_losses(module);
  bind_eval(module);
  bind_neighbors(module);
}
