#pragma once
#include <string>
#include <vector>

#include "kindred/core/export.h"
#include "kindred/core/shape.h"
#include "kindred/nn/architecture.h"

namespace KINDRED_API kindred {

/// One layer of a network that is drawn, not compiled.
struct OutlineRow {
  std::string name;
  std::string kind;
  std::string settings;  ///< what matters of them: "3x3, stride 2, 64 groups"
  Index depth = 0;       ///< 1 inside a residual block, and so on
  Shape dst;
  double parameters = 0;  ///< trained numbers
  double flops = 0;       ///< of one sample forward: two for each multiply-add of a product
};

/// A network as it is drawn: reckoned from its layers, without compiling it.
struct Outline {
  Shape src;
  std::vector<OutlineRow> rows;  ///< in the order they run, those inside a block behind it
  double parameters = 0;
  double flops = 0;  ///< of one sample forward; backward is twice that

  /// About what training takes in a step of `batch` samples in slices of `slice`, in bytes: layers'
  /// results, weights, gradient rows and Adam's moments; no data, no losses.
  double training_bytes(Index batch, Index slice) const;

  double kept = 0;  ///< bytes of one sample that training keeps until backward
};

Outline outline_of(const Architecture& architecture);

/// The same of every architecture by its name with its defaults, on the input that it is mostly
/// used with. Thread-safe.
struct ArchitectureOutline {
  std::string name;
  Outline outline;
};
std::vector<ArchitectureOutline> outline_architectures();

}  // namespace kindred
