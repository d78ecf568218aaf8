#include "loss/bases/row_math.h"

namespace kindred {
inline namespace KINDRED_SCALAR {
namespace {

/// −log(e^(s_ap / T) / (e^(s_ap / T) + Σ_n e^(s_an / T))), mean over all pairs (a, p) of kin.
class Ntxent : public PairLoss {
 public:
  Ntxent(const LossContext& context, double temperature, PairSettings pairs, State& state)
      : PairLoss(context, std::move(pairs), state), sharpness_(1 / temperature) {}

 private:
  PairTerms anchor_terms(const PairRow& row) override {
    const Index kin = row.count(kKin);
    const auto sharpness = static_cast<Scalar>(sharpness_);
    const auto logit = [&](Index j) { return load(row.values + j) * sharpness; };
    const LogSumExp others(row, is_other, logit);
    if (kin == 0 || others.empty()) return no_terms(row);
    // The term of a pair is softplus(others − logit).
    const auto bar = static_cast<Scalar>(others.value());
    LaneSum value;
    LaneSum slopes;
    for (Index j = 0; j < row.size; j += kLanes) {
      const IntLanes of_kin = is_kin(row, j);
      if (!any(of_kin)) continue;
      const Lanes gap = bar - logit(j);
      value.add(select(of_kin, softplus(gap), Lanes{}));
      const Lanes slope = select(of_kin, sigmoid(gap), Lanes{});
      slopes.add(slope);
      store(row.gradient + j, select(of_kin, -slope * sharpness, load(row.gradient + j)));
    }
    const auto pull = static_cast<Scalar>(slopes.total() * sharpness_);
    for (Index j = 0; j < row.size; j += kLanes) {
      const Lanes of_kin = select(is_kin(row, j), load(row.gradient + j), Lanes{});
      store(row.gradient + j, of_kin + others.shares(j) * pull);
    }
    const auto terms = static_cast<double>(kin);
    return {.value = value.total(), .count = terms, .candidates = terms, .active = terms};
  }

  double sharpness_;
};

std::unique_ptr<Loss> make(Section section, const LossContext& context, ParameterTable& /*table*/,
                           State& state) {
  double temperature = 0.07;
  section.read("temperature", temperature, "divides the cosines", {1e-3, 1e3});
  PairSettings pairs;
  read_pairs(section, context, "all", pairs);
  return std::make_unique<Ntxent>(context, temperature, std::move(pairs), state);
}

}  // namespace

LossEntry ntxent_loss() {
  return {"ntxent", "each kin against all others, normalised temperature (Chen et al. 2020)",
          LearnsFrom::pairs, make};
}

}  // namespace KINDRED_SCALAR
}  // namespace kindred
