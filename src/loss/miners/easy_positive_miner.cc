#include "loss/bases/miner.h"

namespace kindred {
inline namespace KINDRED_SCALAR {
namespace {

/// The nearest kin and the nearest other of each anchor: a class may keep several clusters.
class EasyPositive : public Miner {
 public:
  void choose(const Anchor& anchor, LaneInt* kinds) const override {
    keep_pair(anchor, nearest_of_kind(anchor, kinds, kKin), nearest_of_kind(anchor, kinds, kOther),
              kinds);
  }
};

}  // namespace

MinerEntry easy_positive_miner() {
  return {"easy_positive",
          "the nearest kin and the nearest other of each anchor (Xuan et al. 2020)",
          [](Section) -> std::unique_ptr<Miner> { return std::make_unique<EasyPositive>(); }};
}

}  // namespace KINDRED_SCALAR
}  // namespace kindred
