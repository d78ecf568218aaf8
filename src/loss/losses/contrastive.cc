#include "loss/bases/row_math.h"

namespace kindred {
inline namespace KINDRED_SCALAR {
namespace {

/// Mean over kin of [d − pos_margin]₊ plus mean over others of [neg_margin − d]₊, each over its
/// terms above 0. With cosine the terms are [pos_margin − s]₊ and [s − neg_margin]₊.
class Contrastive : public PairLoss {
 public:
  Contrastive(const LossContext& context, double pos_margin, double neg_margin, PairSettings pairs,
              State& state)
      : PairLoss(context, std::move(pairs), state),
        sign_(pairs.measure == Measure::similarity ? -1 : 1),
        pos_margin_(static_cast<Scalar>(pos_margin)),
        neg_margin_(static_cast<Scalar>(neg_margin)) {}

 private:
  bool kin_and_others_apart() const override { return true; }

  PairTerms anchor_terms(const PairRow& row) override {
    LaneSum kin;
    LaneSum others;
    IntLanes kin_count{};
    IntLanes other_count{};
    for (Index j = 0; j < row.size; j += kLanes) {
      const Lanes value = load(row.values + j);
      const IntLanes of_kin = is_kin(row, j);
      const IntLanes of_other = is_other(row, j);
      const Lanes too_far = select(of_kin, (value - pos_margin_) * sign_, Lanes{});
      const Lanes too_near = select(of_other, (neg_margin_ - value) * sign_, Lanes{});
      const IntLanes pulled = too_far > 0;
      const IntLanes pushed = too_near > 0;
      kin.add(max(too_far, Lanes{}));
      others.add(max(too_near, Lanes{}));
      kin_count -= pulled;
      other_count -= pushed;
      store(row.gradient + j,
            select(pulled, broadcast(sign_), Lanes{}) - select(pushed, broadcast(sign_), Lanes{}));
    }
    PairTerms terms{.value = kin.total(), .other_value = others.total()};
    terms.candidates = static_cast<double>(row.count(kKin) + row.count(kOther));
    for (Index l = 0; l < kLanes; ++l) {
      terms.count += static_cast<double>(kin_count[l]);
      terms.other_count += static_cast<double>(other_count[l]);
    }
    terms.active = terms.count + terms.other_count;
    return terms;
  }

  Scalar sign_;
  Scalar pos_margin_;
  Scalar neg_margin_;
};

std::unique_ptr<Loss> make(Section section, const LossContext& context, ParameterTable& /*table*/,
                           State& state) {
  PairSettings pairs;
  read_distance(section, pairs);
  const bool cosine = pairs.measure == Measure::cosine;
  if (cosine) pairs.measure = Measure::similarity;
  double pos_margin = cosine ? 1 : 0;
  double neg_margin = cosine ? 0.3 : 1;
  section.read("pos_margin", pos_margin,
               "kin nearer than this distance (or above this cosine, then 1) cost nothing",
               {-1e3, 1e3});
  section.read("neg_margin", neg_margin,
               "others farther than this distance (or below this cosine, then 0.3) cost nothing",
               {-1e3, 1e3});
  read_pairs(section, context, "all", pairs);
  return std::make_unique<Contrastive>(context, pos_margin, neg_margin, std::move(pairs), state);
}

}  // namespace

LossEntry contrastive_loss() {
  return {"contrastive", "kin within a margin, others beyond one (Hadsell et al. 2006)",
          LearnsFrom::pairs, make};
}

}  // namespace KINDRED_SCALAR
}  // namespace kindred
