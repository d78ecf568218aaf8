#include "loss/bases/row_math.h"

namespace kindred {
inline namespace KINDRED_SCALAR {
namespace {

constexpr Index kAtOnce = 8 * kLanes;  // pairs summed in Scalar before they go into doubles

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
    LaneSum kin_above;
    LaneSum kin_slope;
    LaneSum others_above;
    LaneSum others_slope;
    for (Index first = 0; first < row.size; first += kAtOnce) {
      Lanes above{};
      Lanes slope{};
      for (Index j = first; j < std::min(first + kAtOnce, row.size); j += kLanes) {
        const Sigmoid step((load(row.values + j) - own) * sharpness);
        const IntLanes others = is_other(row, j);
        above += select(others, step.value, Lanes{});
        slope += select(others, step.slope, Lanes{});
        store(row.spare + j, step.slope);
        if (!any(is_kin(row, j))) continue;
        const IntLanes itself = count_from(j) == static_cast<LaneInt>(p);
        const IntLanes other_kin = is_kin(row, j) & ~itself;
        kin_above.add(select(other_kin, step.value, Lanes{}));
        kin_slope.add(select(other_kin, step.slope, Lanes{}));
        store(row.spare + j, select(itself, Lanes{}, step.slope));
      }
      others_above.add(above);
      others_slope.add(slope);
    }
    const double a = 1 + kin_above.total();
    const double rank = a + others_above.total();
    const double by_kin = -(rank - a) / (rank * rank) * sharpness_ / kin;
    const double by_other = a / (rank * rank) * sharpness_ / kin;
    const Lanes kin_share = broadcast(static_cast<Scalar>(by_kin));
    const Lanes other_share = broadcast(static_cast<Scalar>(by_other));
    for (Index j = 0; j < row.size; j += kLanes) {
      Lanes share = select(is_other(row, j), other_share, Lanes{});
      share = select(is_kin(row, j), kin_share, share);
      store(row.gradient + j, load(row.gradient + j) + share * load(row.spare + j));
    }
    row.gradient[p] -=
        static_cast<Scalar>(by_kin * kin_slope.total() + by_other * others_slope.total());
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
  return {"smooth_ap", "average precision with smooth ranks (Brown et al. 2020)", LearnsFrom::pairs,
          make};
}

}  // namespace KINDRED_SCALAR
}  // namespace kindred
