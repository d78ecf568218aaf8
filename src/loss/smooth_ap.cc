#include "loss/row_math.h"

namespace kindred {
inline namespace KINDRED_SCALAR {
namespace {

/// 1 − average precision of each anchor's neighbours, the ranks made smooth: with
/// σ(x) = 1 / (1 + e^(−x / T)),
///   AP_a = mean over its kin p of A_p / (A_p + N_p)
///   A_p = 1 + Σ over other kin q of σ(s_aq − s_ap),  N_p = Σ over others n of σ(s_an − s_ap)
///   loss = mean over anchors of 1 − AP_a
/// An anchor is not among its own neighbours.
class SmoothAp : public PairLoss {
 public:
  SmoothAp(const LossContext& context, double temperature, PairSettings pairs, State& state)
      : PairLoss(context, std::move(pairs), state), sharpness_(1 / temperature) {}

 private:
  PairTerms anchor_terms(const PairRow& row) override {
    PairTerms terms = no_terms(row);
    const Index kin = row.count(kKin);
    if (kin == 0 || row.count(kOther) == 0) return terms;
    double precision = 0;
    for (Index j = 0; j < row.size; j += kLanes) {
      if (!any(is_kin(row, j))) continue;
      for (Index p = j; p < std::min(j + kLanes, row.size); ++p) {
        if (row.kinds[p] == kKin) precision += add_rank(row, p, static_cast<double>(kin));
      }
    }
    const double value = std::max(0.0, 1 - precision / static_cast<double>(kin));
    return {.value = value, .count = 1, .candidates = 1, .active = value > 0 ? 1.0 : 0.0};
  }

  /// A_p / (A_p + N_p); adds the gradient of −1 / kin times that.
  double add_rank(const PairRow& row, Index p, double kin) const {
    const auto sharpness = static_cast<Scalar>(sharpness_);
    const Scalar own = row.values[p];
    const auto above = [&](Index j) { return sigmoid((load(row.values + j) - own) * sharpness); };
    LaneSum kin_above;
    LaneSum others_above;
    for (Index j = 0; j < row.size; j += kLanes) {
      const Lanes share = above(j);
      kin_above.add(select(is_kin(row, j), share, Lanes{}));
      others_above.add(select(is_other(row, j), share, Lanes{}));
    }
    const double a = kin_above.total() + 0.5;  // p itself is among them with σ(0) = 1/2
    const double rank = a + others_above.total();
    const auto by_kin = static_cast<Scalar>(-(rank - a) / (rank * rank) * sharpness_ / kin);
    const auto by_other = static_cast<Scalar>(a / (rank * rank) * sharpness_ / kin);
    LaneSum slopes;
    const IntLanes here = count_from(0);
    for (Index j = 0; j < row.size; j += kLanes) {
      const Lanes share = above(j);
      const IntLanes itself = here == static_cast<LaneInt>(p - j);
      Lanes slope = select(is_kin(row, j), broadcast(by_kin), Lanes{});
      slope = select(is_other(row, j), broadcast(by_other), slope) * (share * (1 - share));
      slope = select(itself, Lanes{}, slope);
      slopes.add(slope);
      store(row.gradient + j, load(row.gradient + j) + slope);
    }
    row.gradient[p] -= static_cast<Scalar>(slopes.total());
    return a / rank;
  }

  double sharpness_;
};

std::unique_ptr<Loss> make(Section section, const LossContext& context, ParameterTable& /*table*/,
                           State& state) {
  double temperature = 0.01;
  section.read("temperature", temperature, "of the ranks' sigmoid: lower is nearer to true ranks",
               {1e-4, 1e2});
  PairSettings pairs;
  read_pairs(section, context, "all", pairs);
  return std::make_unique<SmoothAp>(context, temperature, std::move(pairs), state);
}

}  // namespace

LossEntry smooth_ap_loss() {
  return {"smooth_ap", "average precision with smooth ranks (Brown et al. 2020)", true, false,
          make};
}

}  // namespace KINDRED_SCALAR
}  // namespace kindred
