#include "kindred/loss/mined_pairs.h"

#include <fmt/format.h>

#include "kindred/core/error.h"
#include "loss/loss_kernels.h"

namespace kindred {
inline namespace KINDRED_SCALAR {

MinedPairs mine_pairs(const Workers& workers, const NamedSettings& miner,
                      const MiningOptions& options, const LossInput& input) {
  const std::string& distance = options.distance;
  if (distance != "euclidean" && distance != "squared_euclidean" && distance != "cosine" &&
      distance != "similarity") {
    fail(ErrorKind::usage, fmt::format("distance = '{}'; expected euclidean, squared_euclidean, "
                                       "cosine or similarity",
                                       distance));
  }
  if (static_cast<Index>(input.labels.size()) != input.embeddings.rows()) {
    fail(ErrorKind::data, fmt::format("{} labels for {} embeddings; each needs one",
                                      input.labels.size(), input.embeddings.rows()));
  }
  const ComputeScope scope;
  const LossKernels& table = kernels<LossKernels>();
  ScalarMatrix unit(input.embeddings.rows(), input.embeddings.cols());
  Buffer<Scalar> lengths(input.embeddings.rows());
  table.unit_rows(workers, input.embeddings, unit, lengths.span(), {});
  LossInput with_unit = input;
  with_unit.unit = unit;
  return table.mine(workers, miner, options, with_unit);
}

}  // namespace KINDRED_SCALAR
}  // namespace kindred
