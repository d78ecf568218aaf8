#pragma once
#include <string>
#include <vector>

#include "kindred/core/export.h"
#include "kindred/core/index.h"
#include "kindred/core/shape.h"

namespace KINDRED_API kindred {

/// What is known of a compiled layer before it runs.
struct LayerSummary {
  std::string name;
  std::string kind;            ///< "convolution", "batch_norm + relu", ...
  std::string implementation;  ///< oneDNN's: forward / backward data / backward weights
  Index depth = 0;             ///< 1 inside a residual block, and so on
  Shape dst;
  bool multiplies = false;  ///< a convolution or a linear layer: a matter of operations, not bytes
  double flops = 0;         ///< of one sample forward, the layers inside included
  bool saves_operations = false;  ///< fewer are made than are counted: Winograd's algorithm
  double bytes = 0;               ///< of one sample's src and dst
};

/// Seconds in a layer, those in the layers inside of it included.
struct LayerTime {
  double forward = 0;
  double backward = 0;          ///< all of it
  double backward_weights = 0;  ///< the part of it that is for the gradient of weights
};

}  // namespace kindred
