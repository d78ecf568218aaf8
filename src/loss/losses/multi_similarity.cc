#include "loss/bases/row_math.h"

namespace kindred {
inline namespace KINDRED_SCALAR {
namespace {

struct MultiSimilaritySettings {
  double alpha = 2;
  double beta = 50;
  double base = 0.5;
};

/// 1/α log(1 + Σ_p e^(−α (s − λ))) + 1/β log(1 + Σ_n e^(β (s − λ))), mean over anchors.
class MultiSimilarityLoss : public PairLoss {
 public:
  MultiSimilarityLoss(const LossContext& context, const MultiSimilaritySettings& settings,
                      PairSettings pairs, State& state)
      : PairLoss(context, std::move(pairs), state), settings_(settings) {}

 private:
  PairTerms anchor_terms(const PairRow& row) override {
    const auto alpha = static_cast<Scalar>(settings_.alpha);
    const auto beta = static_cast<Scalar>(settings_.beta);
    const auto base = static_cast<Scalar>(settings_.base);
    const LogSumExp kin(
        row, is_kin, [&](Index j) { return (base - load(row.values + j)) * alpha; }, true);
    const LogSumExp others(
        row, is_other, [&](Index j) { return (load(row.values + j) - base) * beta; }, true);
    for (Index j = 0; j < row.size; j += kLanes) {
      store(row.gradient + j, others.shares(j) - kin.shares(j));
    }
    const double value = kin.value() / settings_.alpha + others.value() / settings_.beta;
    return {.value = value, .count = 1, .candidates = 1, .active = 1};
  }

  MultiSimilaritySettings settings_;
};

std::unique_ptr<Loss> make(Section section, const LossContext& context, ParameterTable& /*table*/,
                           State& state) {
  MultiSimilaritySettings settings;
  section.read("alpha", settings.alpha, "sharpness for kin", {1e-3, 1e3});
  section.read("beta", settings.beta, "sharpness for others", {1e-3, 1e3});
  section.read("base", settings.base, "cosine that kin should pass and others not (lambda)",
               {-1, 1});
  PairSettings pairs;
  read_pairs(section, context, "all", pairs);
  return std::make_unique<MultiSimilarityLoss>(context, settings, std::move(pairs), state);
}

}  // namespace

LossEntry multi_similarity_loss() {
  return {"multi_similarity", "soft maxima over kin and over others (Wang et al. 2019)",
          LearnsFrom::pairs, make};
}

}  // namespace KINDRED_SCALAR
}  // namespace kindred
