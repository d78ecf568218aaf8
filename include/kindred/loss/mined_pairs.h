#pragma once
#include <string>
#include <vector>

#include "kindred/core/export.h"
#include "kindred/loss/loss.h"

namespace KINDRED_API kindred {
inline namespace KINDRED_SCALAR {

/// Row numbers of the pairs of a batch that a miner chose, by anchor and then by the other row:
/// (anchors[i], kin[i]) are of one class, (other_anchors[i], others[i]) of two.
struct MinedPairs {
  std::vector<Index> anchors;
  std::vector<Index> kin;
  std::vector<Index> other_anchors;
  std::vector<Index> others;
};

/// What a miner looks at.
struct MiningOptions {
  std::string distance = "euclidean";  ///< or squared_euclidean, cosine (1 - cosine), similarity
  bool normalize = true;               ///< unit rows; always so for cosine and similarity
};

/// The pairs that the miner of that name and these settings chooses, as it does for a loss. Of
/// `input` embeddings [B, D], labels [B] (from 0 to 2^31 - 1), step and seed count. The same for
/// any number of threads. Fails with recipe on a miner or settings that there are not, with usage
/// on such a distance, and with data where labels are missing.
MinedPairs mine_pairs(const Workers& workers, const NamedSettings& miner,
                      const MiningOptions& options, const LossInput& input);

}  // namespace KINDRED_SCALAR
}  // namespace kindred
