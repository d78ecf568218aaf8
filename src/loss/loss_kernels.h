#pragma once
#include <span>

#include "core/kernels.h"
#include "kindred/core/parallel.h"
#include "kindred/loss/loss.h"
#include "kindred/loss/mined_pairs.h"
#include "kindred/loss/miner.h"

namespace kindred {
inline namespace KINDRED_SCALAR {

/// What of this folder is compiled for each level: losses and miners as they are, with the classes
/// they build on. Only what they are made by is seen outside (`make` of the entries).
struct LossKernels {
#if defined(KINDRED_DOUBLE) || defined(KINDRED_LOSSES_ONCE)
  static constexpr Isa kHighest = Isa::v2;  // of tests: compiled once
#else
  static constexpr Isa kHighest = Isa::v4;
#endif
  std::span<const LossEntry> (*losses)();
  std::span<const MinerEntry> (*miners)();
  /// As in unit_rows.h.
  void (*unit_rows)(const Workers& workers, ConstScalarView src, ScalarView dst,
                    std::span<Scalar> lengths, std::span<const Index> rows);
  void (*unit_rows_backward)(const Workers& workers, ConstScalarView unit,
                             std::span<const Scalar> lengths, ConstScalarView diff_unit,
                             ScalarView diff_src, bool overwrite, std::span<const Index> rows);
  /// As mine_pairs (kindred/loss/mined_pairs.h), which has checked; `input.unit` stands.
  MinedPairs (*mine)(const Workers& workers, const NamedSettings& miner,
                     const MiningOptions& options, const LossInput& input);
};

/// All miners, compiled for the level of whoever asks (bases/miner.cc).
std::span<const MinerEntry> miners();

/// Likewise, the pairs of a batch that a miner chooses (bases/mining.cc).
MinedPairs mine(const Workers& workers, const NamedSettings& settings, const MiningOptions& options,
                const LossInput& input);

}  // namespace KINDRED_SCALAR
}  // namespace kindred
