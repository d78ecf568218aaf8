#include "loss/bases/miner.h"

namespace kindred {
inline namespace KINDRED_SCALAR {
namespace {

/// Every pair.
class All : public Miner {
 public:
  void choose(const Anchor& /*anchor*/, LaneInt* /*kinds*/) const override {}
};

}  // namespace

MinerEntry all_miner() {
  return {"all", "every pair",
          [](Section) -> std::unique_ptr<Miner> { return std::make_unique<All>(); }};
}

}  // namespace KINDRED_SCALAR
}  // namespace kindred
