#pragma once
#include <cstdint>
#include <span>

#include "kindred/core/parallel.h"
#include "kindred/core/random.h"
#include "kindred/eval/report.h"
#include "kindred/eval/retrieval.h"

namespace kindred {

/// Histograms, rates by threshold and the metrics of scored pairs; without the hardest ones, the
/// examples and the note. One kind of pairs may be missing: then there are no metrics.
ReportPairs summarise_pairs(std::span<const double> scores, std::span<const std::uint8_t> same);

/// Places of pairs of one kind, spread over all scores, by falling score; no sample in many.
std::vector<Index> example_pairs(std::span<const double> scores, std::span<const std::uint8_t> same,
                                 std::span<const Index> first, std::span<const Index> second,
                                 bool of_same, double low, double high);

/// The threshold at which both error rates are nearest, of rates that are not empty.
double equal_error_threshold(const ReportPairs& pairs);

/// Pairs of rows with labels: all of one class and all of two where they are few, else drawn.
struct LabelPairs {
  std::vector<Index> first, second;
  std::vector<std::uint8_t> same;
  Index same_total = 0, different_total = 0;  ///< that there are
};
LabelPairs draw_pairs(std::span<const std::int64_t> labels, Index most_of_a_kind, Random random);

}  // namespace kindred
