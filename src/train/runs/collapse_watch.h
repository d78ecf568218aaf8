#pragma once
#include <optional>
#include <span>
#include <string>

#include "kindred/loss/objective.h"

namespace kindred {

/// Notices when a triplet loss has pulled all embeddings to one point: the share of active triplets
/// stays at 1 while all distances agree.
class CollapseWatch {
 public:
  /// A warning the first time that the signs held for a number of steps in a row.
  std::optional<std::string> look(Index step, std::span<const LossReport> losses);

 private:
  Index in_a_row_ = 0;
  bool told_ = false;
};

}  // namespace kindred
