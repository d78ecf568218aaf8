#include "train/exchange/patterns.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <initializer_list>
#include <limits>

namespace kindred {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

bool near(double a, double b) { return std::abs(a - b) <= 1e-6 * std::abs(b); }

/// True where every channel of an (affine) piece computes x * factor + summand.
bool is_affine(Piece& piece, double factor, double summand) {
  if (piece.kind != "(affine)") return false;
  const PieceArray& first = piece.arrays[0];
  Affine affine(first.values.size());
  affine.then(piece);
  return std::ranges::all_of(affine.factor, [&](double each) { return near(each, factor); }) &&
         std::ranges::all_of(affine.summand, [&](double each) {
           return summand == 0 ? each == 0 : near(each, summand);
         });
}

bool has_kinds(const Pieces& pieces, std::size_t begin,
               std::initializer_list<std::string_view> kinds) {
  return pieces.size() - begin >= kinds.size() &&
         std::equal(kinds.begin(), kinds.end(), pieces.begin() + static_cast<std::ptrdiff_t>(begin),
                    [](std::string_view kind, const Piece& piece) { return piece.kind == kind; });
}

bool are_kinds(const Pieces& pieces, std::initializer_list<std::string_view> kinds) {
  return pieces.size() == kinds.size() && has_kinds(pieces, 0, kinds);
}

/// The pieces from `begin` on, `count` of them, become one of this kind.
Piece& replace(Pieces& pieces, std::size_t begin, std::size_t count, std::string kind) {
  Piece whole = pieces[begin + count - 1];
  whole.kind = std::move(kind);
  whole.settings.clear();
  whole.arrays.clear();
  whole.branches.clear();
  const auto first = pieces.begin() + static_cast<std::ptrdiff_t>(begin);
  *first = std::move(whole);
  pieces.erase(first + 1, first + static_cast<std::ptrdiff_t>(count));
  return pieces[begin];
}

void name_clip(Piece& piece) {
  if (piece.kind != "(clip)" || piece.setting("low") != 0) return;
  const double high = piece.setting("high");
  if (high != kInfinity && high != 6) return;
  piece.kind = high == 6 ? "relu6" : "relu";
  piece.settings.clear();
}

/// relu6(x + 3) / 6, as one piece.
void name_hard_sigmoid(Pieces& pieces, std::size_t at) {
  if (!has_kinds(pieces, at, {"(affine)", "relu6", "(affine)"}) || !is_affine(pieces[at], 1, 3) ||
      !is_affine(pieces[at + 2], 1.0 / 6, 0)) {
    return;
  }
  replace(pieces, at, 3, "(hard_sigmoid)").settings = {{"alpha", 1.0 / 6}, {"beta", 0.5}};
}

bool is_hard_sigmoid(const Piece& piece) {
  return piece.kind == "(hard_sigmoid)" && near(piece.setting("alpha"), 1.0 / 6) &&
         near(piece.setting("beta"), 0.5);
}

/// A layer of weights over one pixel, as squeeze_excite has two.
void move_weights(Piece& from, const std::string& part, Piece& to) {
  PieceArray weights = *from.array("weights");
  weights.shape.resize(2);  // of a convolution: its kernel is one pixel
  const Index channels = weights.shape[0];
  weights.part = part + ".weights";
  PieceArray bias{part + ".bias", {channels}, {}};
  bias.values.resize(static_cast<std::size_t>(channels));
  if (const PieceArray* given = from.array("bias")) bias.values = given->values;
  to.arrays.push_back(std::move(weights));
  to.arrays.push_back(std::move(bias));
}

bool is_pixel_product(const Piece& piece) {
  if (piece.kind == "linear") return true;
  return piece.kind == "convolution" && piece.setting("kernel") == 1 &&
         piece.setting("stride") == 1 && piece.setting("padding") == 0 &&
         piece.setting("groups") == 1;
}

/// Gates of squeeze_excite: means, weights, ReLU, weights, sigmoid. False where it is none.
bool name_squeeze_excite(Piece& product, Pieces& gate) {
  if (gate.size() != 5 || gate[0].kind != "global_average_pool" || !is_pixel_product(gate[1]) ||
      gate[2].kind != "relu" || !is_pixel_product(gate[3])) {
    return false;
  }
  const bool hard = is_hard_sigmoid(gate[4]);
  if (!hard && gate[4].kind != "(sigmoid)") return false;
  Piece layer{"squeeze_excite", product.name, product.node};
  layer.settings = {{"channels", static_cast<double>(gate[1].array("weights")->shape[0])},
                    {"hard", hard ? 1.0 : 0.0}};
  move_weights(gate[1], "squeeze", layer);
  move_weights(gate[3], "excite", layer);
  product = std::move(layer);
  return true;
}

/// x times what a branch makes of x.
void name_product(Pieces& pieces, std::size_t at) {
  Piece& product = pieces[at];
  if (product.kind != "(product)" || product.branches.size() != 2) return;
  if (!product.branches[0].empty()) std::swap(product.branches[0], product.branches[1]);
  if (!product.branches[0].empty()) return;
  Pieces& gate = product.branches[1];
  if (are_kinds(gate, {"(sigmoid)"})) {
    replace(pieces, at, 1, "swish");
  } else if (gate.size() == 1 && is_hard_sigmoid(gate[0])) {
    replace(pieces, at, 1, "hard_swish");
  } else if (are_kinds(gate, {"(affine)", "relu6"}) && is_affine(gate[0], 1, 3) &&
             at + 1 < pieces.size() && is_affine(pieces[at + 1], 1.0 / 6, 0)) {
    replace(pieces, at, 2, "hard_swish");
  } else {
    name_squeeze_excite(product, gate);
  }
}

/// x divided by its length, which may have a least value.
void name_quotient(Piece& quotient) {
  if (quotient.kind != "(quotient)" || quotient.branches.size() != 2) return;
  const Pieces& length = quotient.branches[1];
  constexpr double kTiny = 1e-5;
  const bool least = are_kinds(length, {"(length)", "(clip)"}) && length[1].setting("low") >= 0 &&
                     length[1].setting("low") <= kTiny && length[1].setting("high") == kInfinity;
  if (!quotient.branches[0].empty() || !(least || are_kinds(length, {"(length)"}))) return;
  quotient.kind = "l2_normalize";
  quotient.branches.clear();
}

/// The mean of the powers, and the root of it.
void name_generalised_mean(Pieces& pieces, std::size_t at) {
  if (!has_kinds(pieces, at, {"(clip)", "(power)", "global_average_pool", "(power)"})) return;
  const double low = pieces[at].setting("low");
  const double power = pieces[at + 1].setting("exponent");
  if (pieces[at].setting("high") != kInfinity || low <= 0 ||
      !near(pieces[at + 3].setting("exponent"), 1 / power)) {
    return;
  }
  Piece& pool = replace(pieces, at, 4, "gem_pool");
  pool.settings = {{"epsilon", low}};
  pool.arrays = {{"power", {1}, {static_cast<float>(power)}}};
}

}  // namespace

void name_patterns(Pieces& pieces) {
  for (Piece& piece : pieces) {
    name_clip(piece);
    name_quotient(piece);
  }
  for (std::size_t i = 0; i < pieces.size(); ++i) {
    name_hard_sigmoid(pieces, i);
    name_product(pieces, i);
    name_generalised_mean(pieces, i);
  }
}

std::string why_no_layer(const Piece& piece) {
  if (piece.kind == "(affine)") {
    return "adds or multiplies constants where no weights are before it to take them in; this is "
           "read at the input and behind convolutions and linear layers";
  }
  if (piece.kind == "(product)" || piece.kind == "(quotient)") {
    return "multiplies or divides tensors in a way that no layer of ours does (swish, hard_swish, "
           "squeeze_excite and l2_normalize are read)";
  }
  if (piece.kind == "(clip)") {
    return fmt::format("limits numbers to [{}, {}]; relu and relu6 are read", piece.setting("low"),
                       piece.setting("high"));
  }
  if (piece.kind == "(hard_sigmoid)") {
    return fmt::format(
        "is a hard sigmoid of slope {:.4g}; no layer of ours does this, and that of "
        "squeeze_excite and hard_swish has 1/6",
        piece.setting("alpha"));
  }
  return "no layer of ours does this here";
}

}  // namespace kindred
