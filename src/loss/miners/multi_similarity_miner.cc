#include "loss/bases/miner.h"

namespace kindred {
inline namespace KINDRED_SCALAR {
namespace {

/// Kin farther than the nearest other less epsilon, others nearer than the farthest kin plus
/// epsilon: pairs that are in the wrong order, or nearly.
class MultiSimilarity : public Miner {
 public:
  explicit MultiSimilarity(double epsilon) : epsilon_(static_cast<Scalar>(epsilon)) {}

  void choose(const Anchor& anchor, LaneInt* kinds) const override {
    const Index far_kin = farthest_of_kind(anchor, kinds, kKin);
    const Index near_other = nearest_of_kind(anchor, kinds, kOther);
    // Without one of the two, nothing is in the wrong order.
    constexpr Scalar kNone = std::numeric_limits<Scalar>::infinity();
    const Scalar farthest = far_kin < 0 ? -kNone : anchor.distance(far_kin);
    const Scalar nearest = near_other < 0 ? kNone : anchor.distance(near_other);
    for (Index j = 0; j < anchor.references; j += kLanes) {
      const IntLanes kind = load(kinds + j);
      const Lanes distance = anchor.distances(j);
      const IntLanes chosen = ((kind > 0) & (distance > nearest - epsilon_)) |
                              ((kind < 0) & (distance < farthest + epsilon_));
      store(kinds + j, kind & chosen);
    }
  }

 private:
  Scalar epsilon_;
};

}  // namespace

MinerEntry multi_similarity_miner() {
  return {
      "multi_similarity", "pairs in the wrong order or nearly (Wang et al. 2019)",
      [](Section section) -> std::unique_ptr<Miner> {
        double epsilon = 0.1;
        section.read("epsilon", epsilon, "slack of mining, in the unit of the distance", {0, 1e3});
        return std::make_unique<MultiSimilarity>(epsilon);
      }};
}

}  // namespace KINDRED_SCALAR
}  // namespace kindred
