#include "loss/bases/row_math.h"

namespace kindred {
inline namespace KINDRED_SCALAR {
namespace {

/// −1/|P| Σ_p log(e^(s_ap / T) / Σ_j≠a e^(s_aj / T)), mean over the anchors where it is above 0.
class Supcon : public PairLoss {
 public:
  Supcon(const LossContext& context, double temperature, PairSettings pairs, State& state)
      : PairLoss(context, std::move(pairs), state), sharpness_(1 / temperature) {}

 private:
  PairTerms anchor_terms(const PairRow& row) override {
    const Index kin = row.count(kKin);
    if (kin == 0 || row.count(kOther) == 0) return no_terms(row);
    const auto sharpness = static_cast<Scalar>(sharpness_);
    const LogSumExp all(row, is_used, [&](Index j) { return load(row.values + j) * sharpness; });
    const auto share = static_cast<Scalar>(sharpness_ / static_cast<double>(kin));
    LaneSum kin_sum;
    for (Index j = 0; j < row.size; j += kLanes) {
      const IntLanes of_kin = is_kin(row, j);
      kin_sum.add(select(of_kin, load(row.values + j), Lanes{}));
      store(row.gradient + j,
            all.shares(j) * sharpness - select(of_kin, broadcast(share), Lanes{}));
    }
    const double value = all.value() - kin_sum.total() * sharpness_ / static_cast<double>(kin);
    const double active = value > 0 ? 1 : 0;
    return {.value = std::max(value, 0.0), .count = active, .candidates = 1, .active = active};
  }

  double sharpness_;
};

std::unique_ptr<Loss> make(Section section, const LossContext& context, ParameterTable& /*table*/,
                           State& state) {
  double temperature = 0.1;
  section.read("temperature", temperature, "divides the cosines", {1e-3, 1e3});
  PairSettings pairs;
  read_pairs(section, context, "all", pairs);
  return std::make_unique<Supcon>(context, temperature, std::move(pairs), state);
}

}  // namespace

LossEntry supcon_loss() {
  return {"supcon", "supervised contrastive (Khosla et al. 2020)", LearnsFrom::pairs, make};
}

}  // namespace KINDRED_SCALAR
}  // namespace kindred
