#pragma once
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "kindred/core/index.h"

namespace kindred {

/// Numbers of a piece: what stands behind the layer's name in the array's ("weights"), or what is
/// computed with ("factor").
struct PieceArray {
  std::string part;
  std::vector<Index> shape;
  std::vector<float> values;
};

/// What of a network that others made is one layer of ours, or may become one together with its
/// neighbours: the kinds in brackets are no layers, and are gone once the network is tidied.
///   (affine) x * factor + summand, both [channels]     (sigmoid)     (clip) low, high
///   (hard_sigmoid) max(0, min(1, alpha x + beta))      (power) x to the `exponent`
///   (length) the euclidean length over the channels    (product), (quotient) of two branches
struct Piece {
  std::string kind;
  std::string name;  ///< the layer's, as far as the file says one
  std::string node;  ///< "node 'conv1' (Conv)": what messages call it
  std::vector<std::pair<std::string, double>> settings = {};
  std::vector<PieceArray> arrays = {};
  std::vector<std::vector<Piece>> branches = {};  ///< residual: body and shortcut; concatenate

  /// REQUIRES: there is one of that name.
  double setting(std::string_view key) const;
  /// nullptr where there is none of that name.
  PieceArray* array(std::string_view part);
};

using Pieces = std::vector<Piece>;

/// Fails with data: "node 'x' (Op): WHY".
[[noreturn]] void refuse(const Piece& piece, const std::string& why);

}  // namespace kindred
