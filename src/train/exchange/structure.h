#pragma once
#include "train/exchange/foreign_graph.h"

namespace kindred {

/// The steps from the graph's input to its embedding as a chain of pieces, with those between where
/// a graph parts and where it joins again as branches inside of one. A join becomes
///   an addition     residual: body and shortcut     a concatenation   concatenate
///   a product       (product)                       a quotient        (quotient)
/// Fails with data where parts of a graph cross, or are nested deeper than recipes are.
Pieces structure_of(const ForeignGraph& graph);

}  // namespace kindred
