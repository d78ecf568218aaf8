#include "train/exchange/tidy.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "kindred/core/error.h"
#include "train/exchange/patterns.h"

namespace kindred {
namespace {

bool is_weighted(const Piece& piece) {
  return piece.kind == "convolution" || piece.kind == "linear";
}

void set(Piece& piece, const std::string& key, double value) {
  const auto found = std::ranges::find(piece.settings, key, &std::pair<std::string, double>::first);
  if (found == piece.settings.end()) {
    piece.settings.emplace_back(key, value);
  } else {
    found->second = value;
  }
}

/// y = a x + b behind weights: both take part in it.
void fold_behind(Piece& weighted, const Affine& affine) {
  std::vector<float>& weights = weighted.array("weights")->values;
  const std::size_t channels = affine.factor.size();
  const std::size_t each = weights.size() / channels;
  for (std::size_t i = 0; i < weights.size(); ++i) {
    weights[i] = static_cast<float>(static_cast<double>(weights[i]) * affine.factor[i / each]);
  }
  if (weighted.array("bias") == nullptr) {
    if (std::ranges::all_of(affine.summand, [](double value) { return value == 0; })) return;
    weighted.arrays.push_back(
        {"bias", {static_cast<Index>(channels)}, std::vector<float>(channels)});
    set(weighted, "bias", 1);
  }
  std::vector<float>& bias = weighted.array("bias")->values;
  for (std::size_t c = 0; c < channels; ++c) {
    bias[c] =
        static_cast<float>(static_cast<double>(bias[c]) * affine.factor[c] + affine.summand[c]);
  }
}

/// Constants behind weights become part of them, until something else comes.
void fold_constants(Pieces& pieces) {
  Pieces kept;
  for (Piece& piece : pieces) {
    if (piece.kind == "(affine)" && !kept.empty() && is_weighted(kept.back())) {
      Affine affine(piece.arrays[0].values.size());
      affine.then(piece);
      fold_behind(kept.back(), affine);
    } else {
      kept.push_back(std::move(piece));
    }
  }
  pieces = std::move(kept);
}

/// What of the chain's beginning only scales; it is taken away.
ForeignScaling take_scaling(Pieces& pieces, Index channels) {
  ForeignScaling scaling;
  const auto size = static_cast<std::size_t>(channels);
  std::vector<double> mean(size, 0);
  std::vector<double> scale(size, 1);
  std::size_t taken = 0;
  for (; taken < pieces.size() && pieces[taken].kind == "(affine)"; ++taken) {
    Piece& piece = pieces[taken];
    Affine affine(size);
    affine.then(piece);
    for (std::size_t c = 0; c < size; ++c) {
      if (affine.factor[c] == 0) refuse(piece, "multiplies the input with 0");
      // (x - mean) * scale * factor + summand
      mean[c] -= affine.summand[c] / affine.factor[c] / scale[c];
      scale[c] *= affine.factor[c];
    }
  }
  for (std::size_t c = 0; c < size; ++c) {
    scaling.mean.push_back(static_cast<float>(mean[c]));
    scaling.scale.push_back(static_cast<float>(scale[c]));
    if (!std::isfinite(scaling.mean[c]) || !std::isfinite(scaling.scale[c]) ||
        scaling.scale[c] == 0) {
      refuse(pieces[0], "scales the input by numbers that are no float32");
    }
  }
  pieces.erase(pieces.begin(), pieces.begin() + static_cast<std::ptrdiff_t>(taken));
  return scaling;
}

/// Sums get the ReLU behind them.
void join_relus(Pieces& pieces) {
  Pieces kept;
  for (Piece& piece : pieces) {
    if (piece.kind == "residual") set(piece, "relu", 0);
    if (piece.kind == "relu" && !kept.empty() && kept.back().kind == "residual" &&
        kept.back().setting("relu") == 0) {
      set(kept.back(), "relu", 1);
      kept.back().name = piece.name;
    } else {
      kept.push_back(std::move(piece));
    }
  }
  pieces = std::move(kept);
}

void tidy_chain(Pieces& pieces) {
  for (Piece& piece : pieces) {
    for (Pieces& branch : piece.branches) tidy_chain(branch);
  }
  name_patterns(pieces);
  fold_constants(pieces);
  join_relus(pieces);
}

/// Branches of products and quotients are none any more: what is left of them is an error.
void check_layers(const Pieces& pieces) {
  for (const Piece& piece : pieces) {
    if (piece.kind.starts_with('(')) refuse(piece, why_no_layer(piece));
    if (piece.kind == "residual" && piece.branches[0].empty()) {
      refuse(piece, "adds a tensor to itself; no layer of ours does this");
    }
    for (const Pieces& branch : piece.branches) check_layers(branch);
  }
}

}  // namespace

Affine::Affine(std::size_t channels) : factor(channels, 1), summand(channels, 0) {}

void Affine::then(Piece& piece) {
  for (std::size_t c = 0; c < factor.size(); ++c) {
    if (const PieceArray* divisor = piece.array("divisor")) {
      factor[c] /= static_cast<double>(divisor->values[c]);
      summand[c] /= static_cast<double>(divisor->values[c]);
      continue;
    }
    const auto by = static_cast<double>(piece.array("factor")->values[c]);
    factor[c] *= by;
    summand[c] = summand[c] * by + static_cast<double>(piece.array("summand")->values[c]);
  }
}

ForeignScaling tidy(Pieces& pieces, Index channels) {
  ForeignScaling scaling = take_scaling(pieces, channels);
  tidy_chain(pieces);
  check_layers(pieces);
  return scaling;
}

}  // namespace kindred
