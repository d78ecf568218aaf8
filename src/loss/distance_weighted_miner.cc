#include <algorithm>
#include <cmath>

#include "kindred/core/random.h"
#include "loss/miner.h"

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
    const Scalar greatest = greatest_weight(anchor, kinds);
    double total = 0;
    for (Index j = 0; j < anchor.references; j += kLanes) {
      total += sum_of(weights(anchor, kinds, j, greatest));
    }
    // Chosen others are marked by twice their kind until all are drawn.
    Random random(anchor.seed, Purpose::mining, static_cast<std::uint64_t>(anchor.step),
                  static_cast<std::uint64_t>(anchor.row));
    for (Index n = 0; n < draws; ++n) {
      const double at = static_cast<double>(random.uniform()) * total;
      const Index drawn = total > 0 ? find(anchor, kinds, greatest, at) : nearest;
      kinds[drawn < 0 ? nearest : drawn] = 2 * kOther;
    }
    for (Index j = 0; j < anchor.references; ++j) {
      if (kinds[j] < 0) kinds[j] = kinds[j] == 2 * kOther ? kOther : kUnused;
    }
  }

 private:
  static IntLanes is_other(const LaneInt* kinds, Index j) { return load(kinds + j) < 0; }

  static Lanes log_weights(const Anchor& anchor, Index j) {
    const Lanes value = load(anchor.values + j);
    Lanes squared = value;
    if (anchor.measure == Measure::similarity) squared = 2 - 2 * value;
    if (anchor.measure == Measure::cosine) squared = 2 * value;
    if (anchor.measure == Measure::euclidean) squared = value * value;
    // Bounded on both sides: the logarithms stay finite.
    const Lanes bounded =
        min(max(squared, broadcast(kShortest * kShortest)), broadcast(kLongest * kLongest));
    const auto depth = static_cast<Scalar>(anchor.embedding);
    const Lanes weight = (2 - depth) / 2 * log(bounded) - (depth - 3) / 2 * log(1 - bounded / 4);
    return select(squared < kLongest * kLongest, weight,
                  broadcast(-std::numeric_limits<Scalar>::max()));
  }

  static Scalar greatest_weight(const Anchor& anchor, const LaneInt* kinds) {
    Lanes most = broadcast(-std::numeric_limits<Scalar>::max());
    for (Index j = 0; j < anchor.references; j += kLanes) {
      most = max(most, select(is_other(kinds, j), log_weights(anchor, j), most));
    }
    return largest(most);
  }

  static Lanes weights(const Anchor& anchor, const LaneInt* kinds, Index j, Scalar greatest) {
    const Lanes weight = log_weights(anchor, j);
    const IntLanes counts = is_other(kinds, j) & (weight > -std::numeric_limits<Scalar>::max());
    return select(counts, exp(weight - greatest), Lanes{});
  }

  static double sum_of(const Lanes& v) {
    double sum = 0;
    for (Index l = 0; l < kLanes; ++l) sum += static_cast<double>(v[l]);
    return sum;
  }

  /// The other at which the running sum of weights passes `at`; -1 when rounding keeps it below.
  static Index find(const Anchor& anchor, const LaneInt* kinds, Scalar greatest, double at) {
    double sum = 0;
    for (Index j = 0; j < anchor.references; j += kLanes) {
      const Lanes weight = weights(anchor, kinds, j, greatest);
      const double next = sum + sum_of(weight);
      if (next <= at) {
        sum = next;
        continue;
      }
      for (Index l = 0; l < kLanes; ++l) {
        sum += static_cast<double>(weight[l]);
        if (sum > at) return j + l;
      }
    }
    return -1;
  }
};

}  // namespace

MinerEntry distance_weighted_miner() {
  return {"distance_weighted", "others drawn evenly over distances of unit rows (Wu et al. 2017)",
          [](Section) -> std::unique_ptr<Miner> { return std::make_unique<DistanceWeighted>(); }};
}

}  // namespace KINDRED_SCALAR
}  // namespace kindred
