#include "loss/bases/miner.h"

namespace kindred {
inline namespace KINDRED_SCALAR {
namespace {

/// The pairs that take part in a triplet with 0 < d(a,n) − d(a,p) <= mining_margin.
class Semihard : public Miner {
 public:
  explicit Semihard(double margin) : margin_(static_cast<Scalar>(margin)) {}

  void choose(const Anchor& anchor, LaneInt* kinds) const override {
    // Chosen pairs are marked by twice their kind until all kin have been looked at.
    for (Index p = 0; p < anchor.references; ++p) {
      if (kinds[p] <= 0) continue;
      const Scalar to_kin = anchor.distance(p);
      IntLanes found{};
      for (Index j = 0; j < anchor.references; j += kLanes) {
        const IntLanes kind = load(kinds + j);
        const Lanes gap = anchor.distances(j) - to_kin;
        const IntLanes within = (kind < 0) & (gap > 0) & (gap <= margin_);
        found |= within;
        store(kinds + j, select(within, broadcast_int(2 * kOther), kind));
      }
      if (any(found)) kinds[p] = 2 * kKin;
    }
    for (Index j = 0; j < anchor.references; ++j) kinds[j] = static_cast<LaneInt>(kinds[j] / 2);
  }

 private:
  Scalar margin_;
};

}  // namespace

MinerEntry semihard_miner() {
  return {"semihard", "others farther than a kin, but by less than a margin (Schroff et al. 2015)",
          [](Section section) -> std::unique_ptr<Miner> {
            double margin = 0.2;
            section.read("mining_margin", margin, "in the unit of the distance", {0, 1e3});
            return std::make_unique<Semihard>(margin);
          }};
}

}  // namespace KINDRED_SCALAR
}  // namespace kindred
