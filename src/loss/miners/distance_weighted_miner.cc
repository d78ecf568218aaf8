#include <algorithm>
#include <cmath>

#include "kindred/core/random.h"
#include "loss/bases/miner.h"

namespace kindred {
inline namespace KINDRED_SCALAR {
namespace {

constexpr auto kShortest = static_cast<Scalar>(0.5);  // nearer others count as that far
constexpr auto kLongest = static_cast<Scalar>(1.4);   // others farther have no weight

/// All kin, and for each of them one other drawn with a probability that makes all distances
/// alike likely on the unit sphere: log w = (2 − D) log d − (D − 3)/2 log(1 − d²/4). Where no other
/// has a weight, the nearest is taken. Draws are a function of (seed, step, anchor).
class DistanceWeighted : public Miner {
 public:
  void choose(const Anchor& anchor, LaneInt* kinds) const override {
    Index draws = 0;
    for (Index j = 0; j < anchor.references; ++j) draws += kinds[j] > 0 ? 1 : 0;
    const Index nearest = nearest_of_kind(anchor, kinds, kOther);
    if (nearest < 0) return;
    const Weights all(anchor, kinds, nearest);
    // Chosen others are marked by twice their kind until all are drawn.
    Random random(anchor.seed, Purpose::mining, static_cast<std::uint64_t>(anchor.step),
                  static_cast<std::uint64_t>(anchor.row));
    for (Index n = 0; n < draws; ++n) {
      const Index drawn = all.find(static_cast<double>(random.uniform()) * all.total);
      kinds[drawn < 0 ? nearest : drawn] = 2 * kOther;
    }
    for (Index j = 0; j < anchor.references; ++j) {
      if (kinds[j] < 0) kinds[j] = kinds[j] == 2 * kOther ? kOther : kUnused;
    }
  }

 private:
  /// The weights of an anchor's others. Computing them costs more than all else: once for the sums
  /// of kGroups groups of rows, and again for the group that a draw falls into.
  struct Weights {
    Weights(const Anchor& of, const LaneInt* with_kinds, Index nearest)
        : anchor(of),
          kinds(with_kinds),
          group(round_up(blocks_of(of.references, kGroups), kLanes)),
          greatest(greatest_weight(nearest)) {
      for (Index g = 0; g * group < anchor.references; ++g) {
        LaneSum sum;
        for (Index j = g * group; j < end_of(g); j += kLanes) sum.add(weights(j));
        sums[g] = sum.total();
        total += sums[g];
      }
    }

    /// The other at which the running sum of weights passes `at` < total; -1 where none has one.
    Index find(double at) const {
      double before = 0;
      Index last = -1;
      for (Index g = 0; g * group < anchor.references; ++g) {
        if (sums[g] == 0) continue;
        double sum = before;
        before += sums[g];
        if (before <= at) continue;
        for (Index j = g * group; j < end_of(g); j += kLanes) {
          const Lanes weight = weights(j);
          for (Index l = 0; l < kLanes; ++l) {
            sum += static_cast<double>(weight[l]);
            if (weight[l] > 0) last = j + l;
            if (sum > at) return last;
          }
        }
        return last;  // the group's sum in another order was greater by a rounding
      }
      return last;
    }

    Index end_of(Index g) const { return std::min(anchor.references, (g + 1) * group); }

    Lanes squared_distances(Index j) const {
      const Lanes value = load(anchor.values + j);
      if (anchor.measure == Measure::similarity) return 2 - 2 * value;
      if (anchor.measure == Measure::cosine) return 2 * value;
      return anchor.measure == Measure::euclidean ? value * value : value;
    }

    Lanes log_weights(const Lanes& squared) const {
      // Bounded on both sides: the logarithms stay finite.
      const Lanes bounded =
          min(max(squared, broadcast(kShortest * kShortest)), broadcast(kLongest * kLongest));
      const auto depth = static_cast<Scalar>(anchor.embedding);
      return (2 - depth) / 2 * log(bounded) - (depth - 3) / 2 * log(1 - bounded / 4);
    }

    /// Of all distances there may be: the weight falls from kShortest to kLongest for every D >= 2,
    /// so that it is the nearest other's.
    Scalar greatest_weight(Index nearest) const {
      if (anchor.embedding < 2) return log_weights(broadcast(kLongest * kLongest))[0];
      return log_weights(squared_distances(nearest / kLanes * kLanes))[nearest % kLanes];
    }

    Lanes weights(Index j) const {
      const Lanes squared = squared_distances(j);
      const IntLanes counts = (load(kinds + j) < 0) & (squared < kLongest * kLongest);
      if (!any(counts)) return Lanes{};
      return select(counts, exp(log_weights(squared) - greatest), Lanes{});
    }

    static constexpr Index kGroups = 64;
    const Anchor& anchor;
    const LaneInt* kinds;
    Index group;  // rows
    Scalar greatest;
    double sums[kGroups];
    double total = 0;
  };
};

}  // namespace

MinerEntry distance_weighted_miner() {
  return {"distance_weighted", "others drawn evenly over distances of unit rows (Wu et al. 2017)",
          [](Section) -> std::unique_ptr<Miner> { return std::make_unique<DistanceWeighted>(); }};
}

}  // namespace KINDRED_SCALAR
}  // namespace kindred
