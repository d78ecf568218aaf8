#pragma once
#include <pybind11/pybind11.h>

#include <string>
#include <vector>

#include "kindred/core/parallel.h"
#include "kindred/eval/metric.h"
#include "kindred/eval/row_summary.h"

namespace kindred::python {

namespace py = pybind11;

/// "cosine", "inner_product" or "euclidean"; others fail with usage.
Similarity similarity_named(const std::string& name);

/// "zero_vectors" and "constant_embeddings", where scores of the rows are a matter of chance: what
/// the command line says of them.
void add_summary(const RowSummary& summary, Similarity similarity, py::dict& numbers);

/// name -> value, in their order.
void add_metrics(const std::vector<MetricValue>& metrics, py::dict& numbers);

/// Scores of pairs: verification, all pairs, the ROC curve.
void bind_pairs(py::module_& module);

}  // namespace kindred::python
