#pragma once
#include <optional>
#include <span>

#include "kindred/core/matrix.h"
#include "kindred/core/parallel.h"
#include "kindred/data/dataset.h"

namespace kindred {

/// Different pairs that a model's own threshold calls the same, as a share.
constexpr double kThresholdFar = 0.01;

/// The cosine above which a share of kThresholdFar of the pairs of different classes lies; from all
/// pairs among at most 4,096 of the samples, evenly chosen. `rows` are their embeddings. Nothing
/// where there are too few pairs of either kind to say so, or the threshold is no cosine: every
/// pair would be accepted.
std::optional<double> own_threshold(ConstMatrixView rows, const Dataset& dataset,
                                    std::span<const Index> samples, const Workers& workers);

}  // namespace kindred
