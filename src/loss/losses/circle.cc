#include "loss/bases/row_math.h"

namespace kindred {
inline namespace KINDRED_SCALAR {
namespace {

/// softplus(log Σ_p e^(−γ [1 + m − s]₊ (s − (1 − m))) + log Σ_n e^(γ [s + m]₊ (s − m))), mean over
/// the anchors with kin and others. The weights [·]₊ count as constants for the gradient, as
/// published: it is not the derivative of the value.
class Circle : public PairLoss {
 public:
  Circle(const LossContext& context, double m, double gamma, PairSettings pairs, State& state)
      : PairLoss(context, std::move(pairs), state), m_(m), gamma_(gamma) {}

 private:
  PairTerms anchor_terms(const PairRow& row) override {
    const auto m = static_cast<Scalar>(m_);
    const auto gamma = static_cast<Scalar>(gamma_);
    const auto kin_weight = [&](Index j) {
      return max(1 + m - load(row.values + j), Lanes{}) * gamma;
    };
    const auto other_weight = [&](Index j) {
      return max(load(row.values + j) + m, Lanes{}) * gamma;
    };
    const LogSumExp kin(row, is_kin,
                        [&](Index j) { return kin_weight(j) * (1 - m - load(row.values + j)); });
    const LogSumExp others(row, is_other,
                           [&](Index j) { return other_weight(j) * (load(row.values + j) - m); });
    if (kin.empty() || others.empty()) return no_terms(row);
    const double sum = kin.value() + others.value();
    const double small = std::exp(-std::abs(sum));
    const double value = std::max(sum, 0.0) + std::log1p(small);
    const auto slope = static_cast<Scalar>(sum < 0 ? small / (1 + small) : 1 / (1 + small));
    for (Index j = 0; j < row.size; j += kLanes) {
      store(row.gradient + j,
            (others.shares(j) * other_weight(j) - kin.shares(j) * kin_weight(j)) * slope);
    }
    const double active = value > 0 ? 1 : 0;
    return {.value = value, .count = active, .candidates = 1, .active = active};
  }

  double m_;
  double gamma_;
};

std::unique_ptr<Loss> make(Section section, const LossContext& context, ParameterTable& /*table*/,
                           State& state) {
  double m = 0.4;
  double gamma = 80;
  section.read("m", m, "relaxation: kin should pass 1 - m, others stay below m", {-1, 1});
  section.read("gamma", gamma, "scale", {1e-3, 1e4});
  PairSettings pairs;
  read_pairs(section, context, "all", pairs);
  return std::make_unique<Circle>(context, m, gamma, std::move(pairs), state);
}

}  // namespace

LossEntry circle_loss() {
  return {"circle", "each similarity weighed by its distance from the optimum (Sun et al. 2020)",
          LearnsFrom::pairs, make};
}

}  // namespace KINDRED_SCALAR
}  // namespace kindred
