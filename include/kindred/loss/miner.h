#pragma once
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "kindred/core/export.h"
#include "kindred/core/recipe.h"
#include "kindred/core/scalar.h"

namespace KINDRED_API kindred {
inline namespace KINDRED_SCALAR {

class Miner;

/// Registry row: which pairs of a batch a pair or triplet loss uses, by its setting `mining`.
struct MinerEntry {
  std::string_view name;
  std::string_view summary;                         ///< one line and the source paper
  std::unique_ptr<Miner> (*make)(Section section);  ///< reads the miner's settings
};
std::span<const MinerEntry> miner_registry();

/// Asks `section` for the settings of a miner, as its `make` does: for whoever lists them.
void read_miner_settings(const MinerEntry& entry, Section section);

}  // namespace KINDRED_SCALAR
}  // namespace kindred
