#include "loss/bases/miner.h"

namespace kindred {
inline namespace KINDRED_SCALAR {
namespace {

/// The farthest kin and the nearest other of each anchor.
class Hard : public Miner {
 public:
  void choose(const Anchor& anchor, LaneInt* kinds) const override {
    keep_pair(anchor, farthest_of_kind(anchor, kinds, kKin), nearest_of_kind(anchor, kinds, kOther),
              kinds);
  }
};

}  // namespace

MinerEntry hard_miner() {
  return {"hard", "the farthest kin and the nearest other of each anchor (Hermans et al. 2017)",
          [](Section) -> std::unique_ptr<Miner> { return std::make_unique<Hard>(); }};
}

}  // namespace KINDRED_SCALAR
}  // namespace kindred
