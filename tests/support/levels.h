#pragma once
#include <vector>

#include "kindred/core/cpu.h"

namespace kindred {

/// The levels that this machine computes at, whatever this process is capped to.
inline std::vector<Isa> levels_here() {
  std::vector<Isa> levels;
  for (const Isa level : kAllIsas) {
    if (level <= cpu_isa()) levels.push_back(level);
  }
  return levels;
}

}  // namespace kindred
