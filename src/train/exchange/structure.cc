#include "train/exchange/structure.h"

#include <algorithm>

#include "kindred/core/error.h"

namespace kindred {
namespace {

constexpr int kMostNested = 6;

const char* kind_of_node(Join join) {
  switch (join) {
    case Join::add: return "residual";
    case Join::concatenate: return "concatenate";
    case Join::multiply: return "(product)";
    default: return "(quotient)";
  }
}

class Structure {
 public:
  explicit Structure(const ForeignGraph& graph)
      : steps_(graph.steps()), taken_(graph.steps().size()) {}

  /// What lies between two steps, of which `from` dominates `to`.
  Pieces between(int from, int to, int nested) {
    Pieces pieces;
    while (to != from) {
      const Step& step = steps_[static_cast<std::size_t>(to)];
      if (step.join != Join::none) {
        take(to, step.made_by);
        pieces.push_back(join(step, nested));
      } else if (step.piece) {
        take(to, *step.piece);
        pieces.push_back(*step.piece);
      }
      to = step.dominator;
    }
    std::ranges::reverse(pieces);
    return pieces;
  }

 private:
  Piece join(const Step& step, int nested) {
    if (nested == kMostNested) refuse(step.made_by, "lies too deep inside of others");
    Piece piece = step.made_by;
    piece.kind = kind_of_node(step.join);
    for (const int source : step.sources) {
      piece.branches.push_back(between(step.dominator, source, nested + 1));
    }
    // The body is what has weights.
    if (step.join == Join::add && piece.branches[0].empty()) {
      std::swap(piece.branches[0], piece.branches[1]);
    }
    return piece;
  }

  void take(int step, const Piece& piece) {
    if (taken_[static_cast<std::size_t>(step)]) {
      refuse(piece,
             "is used in two places that do not begin there; a residual or concatenate layer joins "
             "branches of one tensor");
    }
    taken_[static_cast<std::size_t>(step)] = true;
  }

  const std::vector<Step>& steps_;
  std::vector<bool> taken_;
};

}  // namespace

Pieces structure_of(const ForeignGraph& graph) {
  return Structure(graph).between(0, graph.embedding(), 0);
}

}  // namespace kindred
