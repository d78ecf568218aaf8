#pragma once
#include <cstdint>

#include "kindred/core/export.h"
#include "kindred/core/matrix.h"
#include "kindred/core/parallel.h"
#include "kindred/eval/metric.h"

namespace KINDRED_API kindred {

struct PcaProjection {
  Matrix points;             ///< [N, 2]: along the first and the second component
  double variance_share[2];  ///< of each component in the whole variance; 0 where there is none
};

/// The plane in which the rows vary most. Each component points to where its largest coefficient
/// is positive, ties to the lower column. rows [N, D], N >= 1; D = 1 gives a second coordinate of
/// zeros. The same bits for any number of threads. Fails with data on rows that are not finite.
PcaProjection project_pca(const Workers& workers, ConstMatrixView rows);

struct TsneOptions {
  double perplexity = 30;  ///< about how many neighbours count; at most (N - 1) / 3 is used
  Index iterations = 400;
  Similarity similarity = Similarity::cosine;  ///< of neighbours: cosine or euclidean
  std::uint64_t seed = 1;
};

/// t-SNE by Barnes-Hut: the plane that keeps each row's nearest neighbours. Starts from the
/// principal components, so that the rough arrangement means something; equal rows are set
/// apart by the seed. rows [N, D], N >= 4. Time grows with N log N: some seconds for 15,000 rows on
/// two cores. The same bits for any number of threads. Fails with data on rows that are not finite,
/// with usage on fewer than 4 or inner products.
/// Source: van der Maaten 2014, "Accelerating t-SNE using tree-based algorithms"; step size N / 12
/// by Belkina et al. 2019.
Matrix project_tsne(const Workers& workers, ConstMatrixView rows, const TsneOptions& options = {});

}  // namespace kindred
