#include "loss/bases/row_math.h"

namespace kindred {
inline namespace KINDRED_SCALAR {
namespace {

/// [log Σ_p e^d(a,p) + log Σ_n e^(margin − d(a,n))]₊, mean over the anchors with kin and others.
class LiftedStructure : public PairLoss {
 public:
  LiftedStructure(const LossContext& context, double margin, PairSettings pairs, State& state)
      : PairLoss(context, std::move(pairs), state), margin_(margin) {}

 private:
  PairTerms anchor_terms(const PairRow& row) override {
    const auto margin = static_cast<Scalar>(margin_);
    const LogSumExp kin(row, is_kin, [&](Index j) { return load(row.values + j); });
    const LogSumExp others(row, is_other, [&](Index j) { return margin - load(row.values + j); });
    if (kin.empty() || others.empty()) return no_terms(row);
    const double value = kin.value() + others.value();
    if (value <= 0) {
      no_terms(row);
      return {.count = 1, .candidates = 1};
    }
    for (Index j = 0; j < row.size; j += kLanes) {
      store(row.gradient + j, kin.shares(j) - others.shares(j));
    }
    return {.value = value, .count = 1, .candidates = 1, .active = 1};
  }

  double margin_;
};

std::unique_ptr<Loss> make(Section section, const LossContext& context, ParameterTable& /*table*/,
                           State& state) {
  PairSettings pairs;
  read_distance(section, pairs);
  double margin = 1;
  section.read("margin", margin, "in the unit of the distance", {0, 1e3});
  read_pairs(section, context, "all", pairs);
  return std::make_unique<LiftedStructure>(context, margin, std::move(pairs), state);
}

}  // namespace

LossEntry lifted_structure_loss() {
  return {"lifted_structure", "all pairs of an anchor at once (Hermans et al. 2017, eq. 6)",
          LearnsFrom::pairs, make};
}

}  // namespace KINDRED_SCALAR
}  // namespace kindred
