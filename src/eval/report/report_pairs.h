#pragma once
#include <cstdint>
#include <span>

#include "kindred/core/parallel.h"
#include "kindred/core/random.h"
#include "kindred/eval/report.h"
#include "kindred/eval/retrieval.h"

namespace kindred {

/// Histograms, rates and the curve of scored pairs; without the hardest ones and the note. One kind
/// of pairs may be missing: then there are no rates.
ReportPairs summarise_pairs(std::span<const double> scores, std::span<const std::uint8_t> same);

/// Pairs of rows with labels: all of one class and all of two where they are few, else drawn.
struct LabelPairs {
  std::vector<Index> first, second;
  std::vector<std::uint8_t> same;
  Index same_total = 0, different_total = 0;  ///< that there are
};
LabelPairs draw_pairs(std::span<const std::int64_t> labels, Index most_of_a_kind, Random random);

}  // namespace kindred
