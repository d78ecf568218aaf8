#include "kindred/eval/neighbors.h"

#include <fmt/format.h>

#include "arrays.h"
#include "bindings.h"
#include "eval_parts.h"
#include "kindred/core/error.h"
#include "shared_workers.h"

namespace kindred::python {
namespace {

template <typename T>
std::vector<T> packed(const BasicMatrix<T>& matrix) {
  std::vector<T> values;
  values.reserve(static_cast<std::size_t>(matrix.rows() * matrix.cols()));
  for (Index i = 0; i < matrix.rows(); ++i) {
    values.insert(values.end(), matrix.row(i), matrix.row(i) + matrix.cols());
  }
  return values;
}

/// (indices int64 [Q, k], scores float64 [Q, k]); without a gallery each row among the others.
py::tuple neighbors(py::handle queries, py::handle gallery, Index k, const std::string& similarity,
                    int threads) {
  const bool among_themselves = gallery.is_none();
  const FloatRows asked = float_rows(queries, "queries");
  const FloatRows searched = among_themselves ? asked : float_rows(gallery, "gallery");
  const Similarity by = similarity_named(similarity);
  if (k < 1) fail(ErrorKind::usage, fmt::format("k = {}; expected a number from 1 on", k));
  const Workers& workers = shared_workers(threads);
  std::vector<std::int64_t> index;
  std::vector<double> score;
  {
    const py::gil_scoped_release released;
    const Neighbors found =
        find_neighbors(workers, asked.view, searched.view, k, by, among_themselves);
    index = packed(found.index);
    score = packed(found.score);
  }
  const std::vector<Index> shape = {asked.view.rows(), k};
  return py::make_tuple(numpy_array(std::move(index), shape), numpy_array(std::move(score), shape));
}

}  // namespace

void bind_neighbors(py::module_& module) {
  module.def("neighbors", &neighbors, py::arg("queries"), py::arg("gallery"), py::arg("k"),
             py::arg("similarity"), py::arg("threads"));
}

}  // namespace kindred::python
