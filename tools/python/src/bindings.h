#pragma once
#include <pybind11/pybind11.h>

/// What the module _kindred is made of: each source adds its part.
namespace kindred::python {

namespace py = pybind11;

/// kindred.Error and those below it, one for each ErrorKind; the translator of kindred::Error.
void bind_errors(py::module_& module);
/// What results live in until NumPy has them.
void bind_arrays(py::module_& module);
void bind_dataset(py::module_& module);
void bind_model(py::module_& module);
void bind_train(py::module_& module);

/// Losses and miners of the registries.
void bind_losses(py::module_& module);
/// Metrics: retrieval, verification, clustering, one-shot.
void bind_eval(py::module_& module);
void bind_neighbors(py::module_& module);

/// How many threads a piece of work gets that was asked for `threads` (0: as many as the process
/// may use); for Workers. In a process that was forked after Kindred had computed with several
/// threads it is one: theirs did not come along. Results are the same. Fails with usage where it is
/// negative.
int threads_for(int threads);

/// Watches for forks; called when the module is imported. Starts no thread.
void watch_forks();

}  // namespace kindred::python
