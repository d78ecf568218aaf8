#include <fmt/format.h>
#include <pybind11/stl.h>

#include "arrays.h"
#include "conversions.h"
#include "eval_parts.h"
#include "foreign_array.h"
#include "kindred/core/error.h"
#include "kindred/eval/all_pairs.h"
#include "kindred/eval/verification.h"
#include "shared_workers.h"

namespace kindred::python {
namespace {

constexpr Index kHistogramBins = 100;  // as the command line has

bool is_of_one_kind(const FoldResult& fold) { return fold.same == 0 || fold.same == fold.pairs; }

py::dict verification_numbers(const VerificationResult& result) {
  py::dict numbers;
  add_metrics(result.metrics, numbers);
  add_metrics(result.thresholds, numbers);
  numbers["positives"] = result.positives;
  numbers["negatives"] = result.negatives;
  if (!result.far_unsupported.empty()) numbers["far_unsupported"] = result.far_unsupported;
  py::list folds;
  py::list of_one_kind;
  for (const FoldResult& fold : result.folds) {
    py::dict entry;
    entry["fold"] = fold.fold;
    entry["threshold"] = fold.threshold;
    entry["accuracy"] = fold.accuracy;
    entry["pairs"] = fold.pairs;
    entry["same"] = fold.same;
    folds.append(entry);
    if (is_of_one_kind(fold)) of_one_kind.append(fold.fold);
  }
  if (!folds.empty()) numbers["folds"] = folds;
  if (!of_one_kind.empty()) numbers["folds_of_one_kind"] = of_one_kind;
  return numbers;
}

py::dict histogram_dict(const ScoreHistogram& histogram) {
  py::dict numbers;
  numbers["low"] = histogram.low;
  numbers["high"] = histogram.high;
  numbers["same"] = histogram.same;
  numbers["different"] = histogram.different;
  return numbers;
}

py::list pairs_named(const std::vector<Index>& which, const std::vector<double>& scores) {
  py::list pairs;
  for (const Index pair : which) {
    py::dict entry;
    entry["pair"] = pair;
    entry["score"] = scores[static_cast<std::size_t>(pair)];
    pairs.append(entry);
  }
  return pairs;
}

/// (what the command line's JSON has, scores [N])
py::tuple verification(py::handle first, py::handle second, py::handle same, py::handle fold,
                       const std::vector<double>& far, const std::string& similarity, Index hardest,
                       int threads) {
  const FloatRows a = float_rows(first, "first");
  const FloatRows b = float_rows(second, "second");
  const Index count = a.view.rows();
  const std::vector<std::uint8_t> marks = flags_of(same, "same", count);
  std::vector<std::int64_t> folds;
  if (!fold.is_none()) folds = integers_of(fold, "fold", count);
  if (hardest < 0) {
    fail(ErrorKind::usage, fmt::format("hardest = {}; expected 0 or more", hardest));
  }
  const Similarity by = similarity_named(similarity);
  const Workers& workers = shared_workers(threads);
  std::vector<double> scores;
  VerificationResult result;
  HardestPairs mistakes;
  ScoreHistogram histogram;
  {
    const py::gil_scoped_release released;
    scores = score_pairs(workers, a.view, b.view, by);
    result = evaluate_verification(scores, marks, folds, {far});
    mistakes = hardest_pairs(scores, marks, hardest);
    histogram = histogram_of(scores, marks, kHistogramBins);
  }
  py::dict numbers = verification_numbers(result);
  numbers["hardest_false_accepts"] = pairs_named(mistakes.false_accepts, scores);
  numbers["hardest_false_rejects"] = pairs_named(mistakes.false_rejects, scores);
  numbers["histogram"] = histogram_dict(histogram);
  return py::make_tuple(numbers, numpy_array(std::move(scores), {count}));
}

py::dict all_pairs(py::handle embeddings, py::handle labels, const std::vector<double>& far,
                   const std::string& similarity, int threads) {
  const FloatRows rows = float_rows(embeddings, "embeddings");
  const std::vector<std::int64_t> classes = labels_of(labels, "labels", rows.view.rows()).values;
  const AllPairsOptions how{similarity_named(similarity), far};
  const Workers& workers = shared_workers(threads);
  AllPairsResult result;
  RowSummary summary;
  {
    const py::gil_scoped_release released;
    result = verify_all_pairs(workers, rows.view, classes, how);
    summary = summarise_rows(workers, rows.view);
  }
  py::dict numbers = verification_numbers(result.verification);
  add_summary(summary, how.similarity, numbers);
  numbers["auc_uncertainty"] = result.uncertainty;
  numbers["histogram"] = histogram_dict(result.histogram);
  return numbers;
}

std::vector<double> doubles_of(py::handle object, const std::string& name) {
  const ForeignArray array = foreign_array(object, name);
  std::vector<double> values(static_cast<std::size_t>(array.size()));
  if (array.shape.size() != 1 || !convert(array, values.data())) {
    fail(ErrorKind::data, fmt::format("{} is {}; expected numbers [N]", name, array.described()));
  }
  return values;
}

/// (false accept rates, true accept rates, thresholds), each [points]
py::tuple roc(py::handle scores, py::handle same) {
  const std::vector<double> values = doubles_of(scores, "scores");
  const std::vector<std::uint8_t> marks = flags_of(same, "same", static_cast<Index>(values.size()));
  std::vector<RocPoint> curve;
  {
    const py::gil_scoped_release released;
    curve = roc_curve(values, marks);
  }
  std::vector<double> false_accepts;
  std::vector<double> true_accepts;
  std::vector<double> thresholds;
  for (const RocPoint& point : curve) {
    false_accepts.push_back(point.false_accept_rate);
    true_accepts.push_back(point.true_accept_rate);
    thresholds.push_back(point.threshold);
  }
  const auto points = static_cast<Index>(curve.size());
  return py::make_tuple(numpy_array(std::move(false_accepts), {points}),
                        numpy_array(std::move(true_accepts), {points}),
                        numpy_array(std::move(thresholds), {points}));
}

py::dict rates(py::handle scores, py::handle same, py::handle fold,
               const std::vector<double>& far) {
  const std::vector<double> values = doubles_of(scores, "scores");
  const auto count = static_cast<Index>(values.size());
  const std::vector<std::uint8_t> marks = flags_of(same, "same", count);
  std::vector<std::int64_t> folds;
  if (!fold.is_none()) folds = integers_of(fold, "fold", count);
  VerificationResult result;
  {
    const py::gil_scoped_release released;
    result = evaluate_verification(values, marks, folds, {far});
  }
  return verification_numbers(result);
}

}  // namespace

void bind_pairs(py::module_& module) {
  module.def("verification", &verification, py::arg("first"), py::arg("second"), py::arg("same"),
             py::arg("fold"), py::arg("far"), py::arg("similarity"), py::arg("hardest"),
             py::arg("threads"));
  module.def("all_pairs", &all_pairs, py::arg("embeddings"), py::arg("labels"), py::arg("far"),
             py::arg("similarity"), py::arg("threads"));
  module.def("roc_curve", &roc, py::arg("scores"), py::arg("same"));
  module.def("rates", &rates, py::arg("scores"), py::arg("same"), py::arg("fold"), py::arg("far"));
}

}  // namespace kindred::python
