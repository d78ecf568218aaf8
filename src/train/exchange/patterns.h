#pragma once
#include <string>
#include <vector>

#include "train/exchange/piece.h"

namespace kindred {

/// x * factor + summand by channels, in double.
struct Affine {
  explicit Affine(std::size_t channels);
  /// What an (affine) piece computes is done behind it. REQUIRES: as many channels.
  void then(Piece& piece);

  std::vector<double> factor;
  std::vector<double> summand;
};

/// Makes layers of what exporters write for them, in a chain whose branches are tidy already:
/// clips of ReLU and ReLU6, swish and its hard form, squeeze and excite, vectors divided by their
/// length, generalised means. What fits no pattern stays.
void name_patterns(Pieces& pieces);

/// What to say of a piece that is left.
std::string why_no_layer(const Piece& piece);

}  // namespace kindred
